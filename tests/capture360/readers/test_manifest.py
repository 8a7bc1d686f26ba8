"""What a manifest may say: about other captures, and in which characters and numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from capture360.readers import read_tables
from capture360.readers.manifest import Manifest
from delivery import Delivery, manifest

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


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'supersedes: ["\\ud800"]', "half a character"),
        (b'notes: "\\udfff"', "half a character"),
        (b"notes: Hall\xe9", "it is not UTF-8 (byte 0xe9 in line 15). Save it as UTF-8."),
        (b"notes: a\x00b", "it holds the character 0x00, which YAML does not allow"),
        (b"notes: " + b"[" * 5000, "it is nested too deep"),
        (b'site_name: "a\\nb"', 'site_name "a\\nb" holds a line break or a control character. Write'),
        (b'collection_label: "a\\e[31m"', "holds a line break or a control character"),
        (b"revision: 1" + b"0" * 400, "revision "),
        (b"expected_stations: 1" + b"0" * 5000, "expected_stations "),
    ],
    ids=[
        "lone surrogate in a list",
        "lone surrogate",
        "latin-1",
        "NUL",
        "deep",
        "line break",
        "escape",
        "large",
        "vast",
    ],
)
def test_a_text_that_cannot_be_kept_is_refused_with_its_place(tmp_path: Path, line: bytes, said: str) -> None:
    delivery = Delivery(tmp_path / "hall-7" / "2026-04-17")
    delivery.files["capture.yaml"] = yaml.safe_dump(manifest()).encode() + line + b"\n"
    delivery.manifest = {}
    (finding,) = read_tables(delivery.write()).findings
    assert said in finding.message
    assert finding.message.isprintable()


def test_a_turn_is_a_number_of_degrees_that_somebody_can_mean(tmp_path: Path) -> None:
    delivery = Delivery(tmp_path / "hall-7" / "2026-04-17", manifest(frame__transform={"yaw_deg": 1e300}))
    (finding,) = read_tables(delivery.write()).findings
    assert finding.message.startswith("capture.yaml: frame.transform.yaw_deg ")
