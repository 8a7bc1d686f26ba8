"""Every delivery that failed in the field or was made to harm: its outcome, and the sentence that says what and how."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import yaml

from bounded import check_within_limits
from capture360.checks.check import check_capture
from capture360.landing.folder import CaptureFolder
from capture360.model import FACES
from delivery import manifest, picture, station_row, table

ACCEPTED, PARTIAL, REJECTED = "accepted", "partial", "rejected"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict, and a rule with a part of its sentence; no rule where nothing is to be said."""

    verdict: str
    rule: str = ""
    said: str = ""


WITHOUT_FIX = Outcome(REJECTED, "S12", "IMG_2.jpg gives the GPS position 0, 0, which cameras write without a fix")
FIELD = {
    "c07-alias-typo-target": Outcome(
        REJECTED, "S01", 'faces.aliases gives "u" to "up", which is no face. Did you mean'
    ),
    "c14-station-in-dash": Outcome(ACCEPTED),
    "captures/spot": Outcome(REJECTED, "S15", "has numbers in its frame tree that are no pose"),
    "captures/spot2": Outcome(REJECTED, "S15", "has numbers in its frame tree that are no pose"),
    "e11-utm": Outcome(REJECTED, "P11", "coordinates such as 598004, 6642002 look like a map grid"),
    "e13-zip-macosx": Outcome(ACCEPTED),
    "e14b-unix-offset": Outcome(ACCEPTED),
    "e14c-yaw-offset": Outcome(ACCEPTED),
    "e14e-transform": Outcome(ACCEPTED),
    "g02-frac-second": Outcome(ACCEPTED),
    "g06-null-island": WITHOUT_FIX,
    "g08-no-altitude": Outcome(REJECTED, "S12", "IMG_1.jpg gives no GPS altitude"),
    "g09-decimal-degrees-only": Outcome(ACCEPTED),
    "g13-lower-ref": Outcome(ACCEPTED),
    "g23-heading-nan": Outcome(REJECTED, "S14", "IMG_2.jpg gives no number as PoseHeadingDegrees"),
    "g27-one-no-altitude": Outcome(REJECTED, "S12", "IMG_2.jpg gives no GPS altitude"),
    "g43-latin1-byte": Outcome(ACCEPTED),
    "g44-two-xmp": Outcome(ACCEPTED),
    "j01-extraneous-one": Outcome(ACCEPTED, "F08", "panos/s-002.jpg (stations.csv row 3) has 6 spare bytes"),
    "j04-middle-missing": Outcome(REJECTED, "F08", "panos/s-002.jpg (stations.csv row 3) cannot be decoded"),
    "s11-nan-json": Outcome(REJECTED, "S15", "has numbers in its frame tree that are no pose"),
    "t01-sep-line": Outcome(ACCEPTED),
    "t03-header-newline": Outcome(ACCEPTED),
    "t04-pipe": Outcome(ACCEPTED),
    "t06d-tab-mm-us-thousand": Outcome(REJECTED, "S11", '"2,352" is 2352 mm with a decimal point and 2.352 mm'),
    "t06e-semicolon-mm-de-thousand": Outcome(REJECTED, "S11", '"2.352" is 2.352 mm with a decimal point and 2352 mm'),
    "t20-plus02": Outcome(ACCEPTED),
    "t39-columns-unknown-canon": Outcome(
        ACCEPTED, "S13", "columns.station_nam is no column that is read. Did you mean"
    ),
    "t41-two-short-zones": Outcome(ACCEPTED, "T06", "goes back by 59.0 min from the row above"),
    "t46-clock-offset-oob": Outcome(REJECTED, "T04", "time.clock_offset_s (1e+09 s) was added"),
    "t50-dotnet-min-local": Outcome(REJECTED, "T04", "stations.csv row 2 (s-001): taken 0001-01-01T00:00:00"),
    "x04-second-sheet": Outcome(REJECTED, "S03", 'only the first sheet, "Readme", is read, not "Stations"'),
}
HOSTILE = {
    "alert-markup": Outcome(REJECTED, "I01", 'station_id "<https://evil.example|Open the validation report>" has'),
    "clock-offset": Outcome(REJECTED, "T04", "time.clock_offset_s (1e+300 s) was added"),
    "csv-wide-header": Outcome(REJECTED, "S10", "stations.csv has more than 1,000 columns"),
    "e57-2400-pinholes": Outcome(REJECTED, "E02", "holds 2,400 images but no 360 panorama"),
    "e57-image-names": Outcome(REJECTED, "E02", "scan.e57 holds no usable one of 1 photosphere"),
    "e57-x-1e308": Outcome(REJECTED, "E03", "p1 has a position (1.7e+308, 0, 0) that is too far away"),
    "jpeg-without-data": Outcome(REJECTED, "F08", "has a header and no pixels"),
    "parquet-dictionary": Outcome(REJECTED, "S10", "has 320,000,000 bytes unpacked"),
    "png-one-colour": Outcome(REJECTED, "F09", "9990 x 9990 pixels"),
    "transform-1e15": Outcome(REJECTED, "P01", "m in the site frame is too far away to be a place"),
    "transform-1e17": Outcome(REJECTED, "P01", "m in the site frame is too far away to be a place"),
    "x-1e308": Outcome(REJECTED, "P01", 'x "1.7e308" is too large for a pose'),
    "xlsx-sparse": Outcome(REJECTED, "S10", "the last one read is cell XFD9000"),
    "zip-9999-members": Outcome(REJECTED, "E01", "9,999 files break one rule"),
}
ELSEWHERE = {"captures", "jpeg-3600-scans", "matching", "review-markup"}
"""Two deliveries in a folder of their own; a picture for all faces; texts for tests of matching and the review page."""


@cache
def face(number: int) -> bytes:
    return picture(512, 512, number)


def laid_out(case: Path, folder: Path) -> Path:
    """The case as a capture: a table beside pictures of its stations, a picture in a capture of others."""
    delivered = {path.name for path in case.iterdir()}
    is_table = delivered <= {"capture.yaml", "stations.csv", "stations.xlsx", "stations.parquet"}
    is_picture = delivered <= {"front.jpg", "face.png"}
    document = manifest()
    if "capture.yaml" in delivered:
        document = yaml.safe_load((case / "capture.yaml").read_text())
    name = str(document["capture_id"]) if "capture.yaml" in delivered else "2026-04-17"
    capture = folder / "hall-7" / name
    shutil.copytree(case, capture, ignore=shutil.ignore_patterns("front.jpg", "face.png") if is_picture else None)
    if not (is_table or is_picture):
        return capture
    count = int(document.get("expected_stations") or 4)
    stations = [f"s-{number:03d}" for number in range(1, count + 1)]
    for number, (station, side) in enumerate((station, side) for station in stations for side in FACES):
        (capture / "images" / station).mkdir(parents=True, exist_ok=True)
        (capture / "images" / station / f"{side}.jpg").write_bytes(face(number))
    if is_picture:
        (only,) = case.iterdir()
        (capture / "images/s-002/front.jpg").unlink()
        shutil.copyfile(only, capture / f"images/s-002/front{only.suffix}")
    if "capture.yaml" not in delivered:
        (capture / "capture.yaml").write_text(yaml.safe_dump(document))
    if not any(name.startswith("stations.") for name in delivered):
        rows = [station_row(number) | {"station_id": f"s-{number:03d}"} for number in range(1, count + 1)]
        (capture / "stations.csv").write_text(table(rows))
    return capture


def is_as_expected(expected: Outcome, verdict: str, headline: str, messages: Sequence[tuple[str, str]]) -> None:
    assert verdict == expected.verdict
    assert headline.isprintable()
    assert all(message.isprintable() and len(message) < 1500 for _, message in messages)
    if expected.rule:
        assert any(rule == expected.rule and expected.said in message for rule, message in messages)
    else:
        assert not messages


@pytest.mark.parametrize("name", FIELD)
def test_a_delivered_fault(shared: Path, tmp_path: Path, name: str) -> None:
    found = check_capture(CaptureFolder(str(laid_out(shared / "data/field-cases" / name, tmp_path))))
    messages = [(each.rule, each.message) for each in found.findings]
    assert not {"S12", "P01"} <= {rule for rule, _ in messages}
    is_as_expected(FIELD[name], found.verdict.value, found.headline, messages)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_delivery_made_to_harm_is_checked_within_the_limits(shared: Path, tmp_path: Path, name: str) -> None:
    found = check_within_limits(laid_out(shared / "data/hostile" / name, tmp_path))
    is_as_expected(HOSTILE[name], found.verdict, found.headline, found.messages)


@pytest.mark.parametrize(("kind", "known"), [("field-cases", FIELD), ("hostile", HOSTILE)])
def test_each_delivered_fault_has_its_outcome(shared: Path, kind: str, known: dict[str, Outcome]) -> None:
    listed = {path.name for path in (shared / "data" / kind).iterdir() if path.is_dir()}
    assert listed - ELSEWHERE == {name for name in known if "/" not in name}
