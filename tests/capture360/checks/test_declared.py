"""What a faces table says of its files is judged against each file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from capture360.checks.text_columns import declared_count, declared_digest
from capture360.model import FACES
from delivery import Delivery

DIGEST = hashlib.sha256(b"x").hexdigest()


@pytest.mark.parametrize(
    ("text", "number"),
    [("2048", 2048), ("2048.0", 2048), ("91,234", 91234), ("1.234.567", 1234567), ("91 234", 91234), ("2k", None),
     ("-5", None), ("12.5", None), ("1,23", None), ("1.234,567", None), ("2048 px", None), ("", None), ("nan", None),
     ("1" + ",000" * 2000, None), ("9" * 5000, None)],
)  # fmt: skip
def test_a_whole_number_in_any_grouping(text: str, number: int | None) -> None:
    assert declared_count(text) == number


@pytest.mark.parametrize("text", [DIGEST, DIGEST.upper(), f"sha256:{DIGEST}", f"SHA-256: {DIGEST}"])
def test_a_digest_in_any_writing(text: str) -> None:
    assert declared_digest(text) == DIGEST
    assert declared_digest(text[:-1]) == ""


def test_each_station_is_judged_by_its_own_files(tmp_path: Path) -> None:
    delivery = Delivery(tmp_path / "hall-7" / "2026-04-17", checks={"max_quarantine_fraction": 1.0})
    delivery.put_pictures()
    delivery.faces = [
        {"station_id": row["station_id"], "face": face, "file": f"images/{row['station_id']}/{face}.jpg"}
        for row in delivery.stations
        for face in FACES
    ]
    for row in delivery.faces:
        content = delivery.files[row["file"]]
        row |= {"width": "512", "height": "512.0", "size_bytes": f"{len(content):,}", "taken_at": ""}
        row["sha256"] = hashlib.sha256(content).hexdigest().upper()
    rows = {row["station_id"]: row for row in delivery.faces if row["face"] == "top"}
    delivery.files["images/s-02/top.jpg"] = delivery.files["images/s-02/top.jpg"][:-100]
    rows["s-03"]["height"] = "1024"
    rows["s-04"]["width"] = "half"
    rows["s-05"]["taken_at"] = "yesterday"
    rows["s-06"]["sha256"] = "d41d8cd98f00b204e9800998ecf8427e"
    rows["s-07"]["taken_at"] = "2026-04-17T09:07:30Z"
    found = delivery.check()
    assert found.quarantined == {f"s-0{number}": ("F17",) for number in range(2, 7)}
    sentences = {finding.station: finding.message for finding in found.findings}
    assert "bytes large, the faces table says" in sentences["s-02"]
    assert "is 512 pixels high, the faces table says 1024" in sentences["s-03"]
    assert 'taken_at "yesterday" is no date and time in utc' in sentences["s-05"]
    assert "is no sha256" in sentences["s-06"]
