"""Many findings of one kind are one finding that counts them; the rows stay in the list of bad rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pandas as pd
import pytest

from capture360.checks.validation import Validation
from capture360.checks.verdict import settle
from capture360.checks.violations import FindingGroup
from capture360.errors import BadInputError
from capture360.landing.folder import CaptureFolder, FileEntry
from capture360.model import FACES, Verdict
from capture360.readers import e57
from capture360.readers.manifest import Manifest
from capture360.reports.validation import bad_rows_csv, causes
from capture360.rules.finding import Disposition
from capture360.rules.scans import E01
from capture360.settings.checks import CheckSettings
from delivery import Delivery, station_row

MANY = 30


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    """Stations without pictures, so that checks end before they are opened."""
    return Delivery(tmp_path / "hall-7" / "2026-04-17", stations=[station_row(number) for number in range(1, 50)])


def of(validation: Validation, rule: str) -> list[str]:
    return [finding.message for finding in validation.findings if finding.rule == rule]


def test_warnings_about_many_rows(delivery: Delivery) -> None:
    delivery.manifest["kind"] = "panorama"
    for row in delivery.stations:
        row["pano_file"] = f"{row['station_id']}.png"
        delivery.files[row["pano_file"]] = b"x"
    delivery.stations = [{**row, "valid": "no" if at < MANY else "yes"} for at, row in enumerate(delivery.stations)]
    validation = delivery.check()
    (skipped,) = of(validation, "F06")
    assert skipped.startswith(
        f"{MANY} rows break one rule: every picture belongs to a station of the table. The first:"
    )
    assert skipped.endswith(f"(stations.csv rows 2-{MANY + 1})")
    assert sum(finding.rule == "F06" for finding in validation.bad_rows) == MANY
    assert {count.rule: count.failed for count in validation.counts}["F06"] == MANY


def test_stations_held_back_for_the_same_reason(delivery: Delivery) -> None:
    delivery.checks["max_quarantine_fraction"] = 0.9
    delivery.face_size = 64
    delivery.put_pictures()
    for row in delivery.stations[:MANY]:
        row["x"] = ""
        row["y"] = ""
    validation = delivery.check()
    broken = [finding for finding in validation.findings if finding.rule == "P01"]
    assert [finding.disposition for finding in broken] == [Disposition.QUARANTINE] * 2, "x is one kind, y another"
    assert [f"{MANY} rows break one rule" in finding.message for finding in broken] == [True, True]
    assert len([finding for finding in validation.bad_rows if finding.rule == "P01"]) == 2 * MANY
    assert len(validation.quarantined) >= MANY
    cause = next(cause for cause in causes(validation) if cause.rule == "P01")
    assert len(cause.stations) == MANY
    assert cause.rows == f"2-{MANY + 1}"
    assert bad_rows_csv(validation).count(b"is empty") >= 2 * MANY


def test_entries_of_the_manifest_that_do_nothing(delivery: Delivery) -> None:
    delivery.manifest["columns"] = {f"colum{number}": f"a{number}" for number in range(MANY)}
    (entries,) = of(delivery.check(), "S13")
    assert entries.startswith(f"One rule is broken {MANY} times: ")


def test_mistakes_in_the_manifest(delivery: Delivery) -> None:
    delivery.manifest.update({f"key{number}": "1" for number in range(MANY)})
    (mistakes,) = of(delivery.check(), "S01")
    assert mistakes.startswith(f"One rule is broken {MANY} times: ")
    assert sum(finding.rule == "S01" for finding in delivery.check().bad_rows) == MANY


def test_a_few_are_listed_one_by_one(delivery: Delivery) -> None:
    delivery.manifest.update({f"key{number}": "1" for number in range(5)})
    assert len(of(delivery.check(), "S01")) == 5


def test_a_picture_that_is_not_there_is_not_called_empty(delivery: Delivery) -> None:
    """Absent and empty are two faults with two remedies."""
    delivery.stations = delivery.stations[:4]
    delivery.put_pictures()
    delivery.checks["max_quarantine_fraction"] = 0.9
    names = [f"images/{row['station_id']}/{FACES[0]}.jpg" for row in delivery.stations]
    del delivery.files[names[0]]
    delivery.files[names[1]] = b""
    delivery.faces = [
        {"station_id": row["station_id"], "face": face, "file": f"images/{row['station_id']}/{face}.jpg"}
        for row in delivery.stations
        for face in FACES
    ]
    validation = delivery.check()
    assert validation.verdict is Verdict.PARTIAL
    assert [(finding.rule, finding.path) for finding in validation.findings if finding.column == "file"] == [
        ("S07", "faces.csv"),
        ("F07", names[1]),
    ]
    assert CaptureFolder(str(delivery.path)).exists(names[1])


@pytest.mark.parametrize(
    ("places", "named"),
    [(["a"], "(a)"), (["a", "b"], "(a, b)"), ([*"abcd"], "(a, b, c and 1 more)"), ([*map(str, range(24))], "21 more)")],
)
def test_places_are_counted_and_not_what_is_wrong_there(places: list[str], named: str) -> None:
    found = [E01.finding(where=places[at % len(places)], sentence="x") for at in range(24)]
    settled = settle([FindingGroup(found)], pd.Series(["s-1"], dtype="str"), CheckSettings())
    (finding,) = settled.findings
    assert finding.message.endswith(named)


def test_many_broken_scans_are_looked_at_in_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of empty files costs who delivers it nothing."""

    @contextmanager
    def no_file(*_: object) -> Iterator[object]:
        raise BadInputError("It is empty.")
        yield

    monkeypatch.setattr(e57, "open_scan", no_file)
    files = [FileEntry(f"{number}.e57", 0, "") for number in range(40_000)]
    folder = cast("CaptureFolder", SimpleNamespace(files=files))
    began = time.process_time()
    tables = e57.read(folder, cast("Manifest", None), CheckSettings())
    assert time.process_time() - began < 8
    assert {finding.disposition for finding in tables.findings} == {Disposition.STOP}
    assert len(tables.findings) == len(files)
