"""Pictures made to harm, as every face of a delivery: checked within the limits, and refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from bounded import check_within_limits
from capture360.model import FACES
from delivery import Delivery, station_row


@pytest.mark.parametrize(
    ("case", "rule", "sentence"),
    [
        ("png-one-colour", "F16", "is blank (brightness 18 all over)"),
        ("jpeg-3600-scans", "F08", "3,601 scans; the limit is 100"),
    ],
)
def test_a_hostile_picture_in_every_face(shared: Path, tmp_path: Path, case: str, rule: str, sentence: str) -> None:
    """In two stations, more faces than threads, since these share the memory."""
    (file,) = (shared / "data" / "hostile" / case).iterdir()
    delivery = Delivery(tmp_path / "hall-7" / "2026-04-17", stations=[station_row(1), station_row(2)])
    for row in delivery.stations:
        delivery.files |= {f"images/{row['station_id']}/{face}{file.suffix}": file.read_bytes() for face in FACES}
    delivery.write()
    checked = check_within_limits(delivery.path)
    assert checked.verdict == "rejected"
    assert any(sentence in message for message in checked.said(rule)), checked.messages
