"""Objects of assets are looked up page by page."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from capture360.cdf.instances import View
from capture360.cdf.links import unlinked
from capture360.cdf.links.provenance import SOURCE, LinkEdge, LinkKey
from capture360.cdf.links.snapshot import LinkSnapshot


def test_each_page_of_assets_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """CDF is not asked: what is counted is what is done with its answers."""
    compared: list[int] = []

    class Name(str):
        def __eq__(self, other: object) -> bool:
            compared.append(1)
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    class Answers:
        def __init__(self, client: object) -> None: ...

        def nodes(self, ids: Sequence[tuple[str, str]], view: View) -> list[Any]:
            return [
                SimpleNamespace(
                    space=space,
                    external_id=name,
                    properties={view.id: {"object3D": {"space": space, "externalId": f"thing-{name}"}}},
                )
                for space, name in ids
            ]

    monkeypatch.setattr(unlinked, "Instances", Answers)
    monkeypatch.setattr(unlinked, "WRITE_ITEMS", 5)
    there = LinkSnapshot()
    ours = LinkEdge("s", "edge", 1, ("s", "type"), ("s", "thing"), ("s", "image"), {"sourceContext": SOURCE})
    there.links[LinkKey("plant/linked", "s/image")] = [ours]
    counts = []
    for assets in (50, 100):
        pairs = {LinkKey(Name(f"plant/P-{number:03}"), "s/image"): "plant/another" for number in range(assets)}
        compared.clear()
        assert unlinked.removed_by_people(None, pairs, there) == []  # type: ignore[arg-type]  # not asked
        counts.append(len(compared))
    assert counts[1] <= 3 * counts[0], "sorting takes some of them"
