"""A station that another capture shares stays where it was; without a shared node its id alone is remarked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from capture360.model import CaptureKey
from capture360.names import station_id
from delivery import Delivery

KEY = CaptureKey("hall-7", "2026-04-17")
SPRING = CaptureKey("hall-7", "2026-03-01")


@pytest.mark.parametrize(
    ("x", "manifest", "node", "expected"),
    [
        ("8.005", {}, station_id(KEY, "s-02"), []),
        ("8.05", {}, station_id(KEY, "s-02"), ["C05"]),
        ("56", {}, station_id(KEY, "s-02"), ["C05"]),
        ("8.05", {"history": True}, station_id(KEY, "s-02"), ["C05"]),
        ("8.05", {}, station_id(SPRING, "s-02"), []),
        ("56", {}, station_id(SPRING, "s-02"), ["I05"]),
    ],
    ids=["as good as there", "moved", "moved far", "with history itself", "of a third capture", "of a third, far"],
)
def test_a_station_is_compared_with_those_that_share_it(
    delivery: Delivery, x: str, manifest: dict[str, Any], node: str, expected: list[str]
) -> None:
    delivery.put_pictures()
    before = delivery.check().capture
    assert before is not None
    later = replace(before, key=CaptureKey("hall-7", "2026-05-01"), reused={"s-02": node})
    delivery.earlier.append(later)
    delivery.manifest |= manifest
    delivery.stations[1]["x"] = x
    found = [finding for finding in delivery.check().findings if finding.rule in {"C05", "I05"}]
    assert [finding.rule for finding in found] == expected
    assert all(finding.station == "s-02" for finding in found)
    if expected == ["C05"]:
        assert "2026-05-01, which shares this station" in found[0].message
