"""What a manifest may say about other captures."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from capture360.readers.manifest import Manifest

MINIMAL: dict[str, Any] = {
    "schema": "capture/1",
    "site_id": "hall-7",
    "capture_id": "june",
    "kind": "cubemap",
    "frame": {"name": "site", "up": "z", "unit": "m", "handedness": "right"},
    "rotation": {"kind": "none"},
    "time": {"base": "utc"},
}


@pytest.mark.parametrize("older", [["may"], ["hall-7/may", "2026-04.b_1"]])
def test_it_may_supersede_captures_of_its_site_or_named_in_full(older: list[str]) -> None:
    assert Manifest.model_validate({**MINIMAL, "supersedes": older}).supersedes == tuple(older)


@pytest.mark.parametrize("older", ["", "../may", "hall-7/", "/may", "a/b/c", "may june", "m" * 121])
def test_what_names_no_capture_cannot_be_superseded(older: str) -> None:
    with pytest.raises(ValidationError, match=r"which is no capture. Write <capture> or <site>/<capture>"):
        Manifest.model_validate({**MINIMAL, "supersedes": [older]})
