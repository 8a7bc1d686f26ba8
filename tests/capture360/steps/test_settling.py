"""When a delivery is complete: marker, count, or quiet; never while it is still growing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from capture360.landing import tree
from capture360.landing.fingerprint import fingerprint
from capture360.landing.folder import CaptureFolder
from capture360.settings.landing import READY_MARKERS, Landing
from capture360.steps.folder_snapshot import FolderSnapshot
from capture360.steps.settling import Settling, settling

START = datetime(2026, 5, 1, 8, tzinfo=UTC)
LANDING = Landing(url="unused", quiet_period=timedelta(minutes=10))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "capture"
    made.mkdir()
    return made


def look(folder: Path, last: Settling | None = None, minutes: float = 0) -> Settling:
    previous = last.snapshot if last else None
    return settling(CaptureFolder(str(folder)), previous, LANDING, START + timedelta(minutes=minutes))


def test_an_empty_folder_waits(folder: Path) -> None:
    assert look(folder).waiting_for == "files: the folder is empty"
    (folder / "_READY").touch()
    assert look(folder).waiting_for == "files: the folder is empty"


def test_a_marker_counts_at_once(folder: Path) -> None:
    (folder / "stations.csv").write_text("a")
    (folder / "_SUCCESS").touch()
    assert look(folder).waiting_for is None


def test_a_marker_that_promises_more_files_waits_for_them(folder: Path) -> None:
    (folder / "stations.csv").write_text("a")
    (folder / "_READY").write_text('{"files": 2}')
    first = look(folder)
    assert first.waiting_for == "files: 1 of the 2 that _READY promises are there"
    (folder / "more.csv").write_text("b")
    assert look(folder, first).waiting_for is None


@pytest.mark.parametrize(
    "marker", ["not json", "[1]", '{"count": 2}', '{"files": null}', pytest.param("[" * 60_000, id="deep")]
)
def test_a_marker_with_other_words_is_just_a_marker(folder: Path, marker: str) -> None:
    (folder / "stations.csv").write_text("a")
    (folder / "_READY").write_text(marker)
    assert look(folder).waiting_for is None


@pytest.mark.parametrize("stated", ['"2"', "2.0", '" 2 "'])
def test_a_number_of_files_counts_in_each_form(folder: Path, stated: str) -> None:
    (folder / "stations.csv").write_text("a")
    (folder / "_READY").write_text(f'{{"files": {stated}}}')
    assert look(folder).waiting_for == "files: 1 of the 2 that _READY promises are there"


@pytest.mark.parametrize("stated", ["true", '"many"', "1.5", "[1]", '"999999999999"', "NaN", "Infinity"])
def test_a_number_of_files_that_is_none_waits_for_quiet(folder: Path, stated: str) -> None:
    (folder / "stations.csv").write_text("a")
    (folder / "_READY").write_text(f'{{"files": {stated}}}')
    first = look(folder)
    assert (
        first.waiting_for == "quiet: _READY states a number of files that is none, and less than 10 minutes unchanged"
    )
    assert look(folder, first, minutes=10).waiting_for is None


def written(path: Path, at: float) -> None:
    """A file that came here at that time."""
    path.parent.mkdir(exist_ok=True)
    path.write_text("a")
    WRITTEN[str(path)] = at


WRITTEN: dict[str, float] = {}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files be written at the times of `written`: that of a change cannot be set."""
    real = tree.Found
    WRITTEN.clear()

    def found(path: str, size: int, changed: float, at: float) -> tree.Found:
        known = {Path(name).name: when for name, when in WRITTEN.items()}
        return real(path, size, known.get(Path(path).name, changed), known.get(Path(path).name, at))

    monkeypatch.setattr(tree, "Found", found)


def test_the_marker_of_one_delivery_says_nothing_of_the_next(folder: Path, clock: None) -> None:
    """Files are replaced one by one beneath a marker that was written once."""
    written(folder / "1.jpg", 100)
    written(folder / "_READY", 101)
    first = look(folder)
    assert first.waiting_for is None
    written(folder / "1.jpg", 200)
    second = look(folder, first, minutes=1)
    assert second.waiting_for is not None
    assert second.waiting_for.startswith("quiet: _READY is older than these files, and less than 10 minutes unchanged.")
    assert second.snapshot.waiting == second.waiting_for
    assert look(folder, second, minutes=11).waiting_for is None, "whoever writes the marker once waits ten minutes"
    written(folder / "_READY", 201)
    third = look(folder, second, minutes=2)
    assert third.waiting_for is None
    assert look(folder, third, minutes=3).waiting_for is None, "the same delivery stays complete"


def test_a_marker_that_was_copied_before_the_files_is_not_the_last_word(folder: Path, clock: None) -> None:
    written(folder / "1.jpg", 100)
    written(folder / "_READY", 101)
    first = look(folder)
    written(folder / "_READY", 200)
    written(folder / "1.jpg", 201)
    assert look(folder, first, minutes=1).waiting_for is not None


def test_pictures_of_the_delivery_before_are_not_counted_again(folder: Path, clock: None) -> None:
    (folder / "capture.yaml").write_text("kind: panorama\nexpected_stations: 2\n")
    written(folder / "1.jpg", 100)
    written(folder / "2.jpg", 100)
    first = look(folder, look(folder), minutes=1)
    assert first.waiting_for is None
    written(folder / "1.jpg", 200)
    second = look(folder, first, minutes=2)
    assert look(folder, second, minutes=3).waiting_for == "quiet: no _READY and less than 10 minutes unchanged"
    assert look(folder, second, minutes=12).waiting_for is None


def test_nothing_is_complete_while_a_file_is_copied(folder: Path) -> None:
    """What grows is not quiet either; what is left of a copy that ended is, and the checks name it."""
    (folder / "_READY").touch()
    (folder / "stations.csv").write_text("a")
    copied = folder / ".scan.e57.Ab12Cd"
    copied.write_text("a")
    first = look(folder)
    assert first.waiting_for is not None
    assert first.waiting_for.startswith("quiet: .scan.e57.Ab12Cd is being copied")
    copied.write_text("ab")
    second = look(folder, first, minutes=10)
    assert second.waiting_for is not None
    assert look(folder, second, minutes=20).waiting_for is None


@pytest.mark.parametrize("marker", [*READY_MARKERS, "upload.tmp"])
def test_every_marker_counts(folder: Path, marker: str) -> None:
    landing = LANDING.model_copy(update={"ready_markers": (*READY_MARKERS, "upload.tmp")})
    (folder / "stations.csv").write_text("a")
    before = settling(CaptureFolder(str(folder)), None, landing, START)
    (folder / marker).write_text('{"files": 1}')
    after = settling(CaptureFolder(str(folder)), None, landing, START)
    assert before.waiting_for is not None
    assert after.waiting_for is None
    assert after.snapshot.fingerprint == before.snapshot.fingerprint


def test_a_site_without_markers_waits_for_quiet(folder: Path) -> None:
    landing = LANDING.model_copy(update={"ready_markers": ()})
    (folder / "stations.csv").write_text("a")
    waits = settling(CaptureFolder(str(folder)), None, landing, START)
    assert waits.waiting_for == "quiet: less than 10 minutes unchanged"
    assert (
        settling(CaptureFolder(str(folder)), waits.snapshot, landing, START + timedelta(minutes=10)).waiting_for is None
    )


def test_without_marker_it_must_be_quiet_over_two_looks(folder: Path) -> None:
    (folder / "stations.csv").write_text("a")
    first = look(folder)
    assert first.waiting_for is not None
    assert "less than 10 minutes unchanged" in first.waiting_for
    assert look(folder, first, minutes=9).waiting_for is not None
    assert look(folder, first, minutes=10).waiting_for is None


def test_growing_starts_the_quiet_time_anew(folder: Path) -> None:
    (folder / "stations.csv").write_text("a")
    first = look(folder)
    (folder / "stations.csv").write_text("ab")
    second = look(folder, first, minutes=10)
    assert second.waiting_for is not None
    assert second.snapshot.since == START + timedelta(minutes=10)
    assert look(folder, second, minutes=20).waiting_for is None


def test_a_promised_count_needs_a_second_look(folder: Path) -> None:
    (folder / "capture.yaml").write_text("kind: cubemap\nexpected_stations: 1\n")
    for number in range(5):
        (folder / f"{number}.jpg").write_bytes(b"x")
    first = look(folder)
    assert first.waiting_for == "images: 5 of the 6 that capture.yaml promises are there"
    (folder / "5.png").write_bytes(b"x")
    second = look(folder, first, minutes=1)
    assert second.waiting_for is not None
    assert "second look" in second.waiting_for
    assert look(folder, second, minutes=2).waiting_for is None


@pytest.mark.parametrize("kind", ["equirectangular", "Equirectangular", "EQUIRECTANGULAR"])
def test_equirectangular_promises_one_picture_a_station_in_any_case(folder: Path, kind: str) -> None:
    (folder / "capture.yaml").write_text(f"kind: {kind}\nexpected_stations: 2\n")
    (folder / "1.jpg").write_bytes(b"x")
    assert look(folder).waiting_for == "images: 1 of the 2 that capture.yaml promises are there"


def test_a_promise_that_is_never_kept_ends_with_the_quiet_time(folder: Path) -> None:
    """The checks can then say which files are missing; waiting for ever would say nothing."""
    (folder / "capture.yaml").write_text("kind: panorama\nexpected_stations: 2\n")
    (folder / "1.jpg").write_bytes(b"x")
    first = look(folder)
    assert look(folder, first, minutes=11).waiting_for is None


def test_a_broken_manifest_promises_nothing(folder: Path) -> None:
    (folder / "capture.yaml").write_text("{: ]")
    waiting_for = look(folder).waiting_for
    assert waiting_for is not None
    assert waiting_for.startswith("quiet")


def test_a_promise_of_thousands_of_digits_is_none(folder: Path) -> None:
    (folder / "capture.yaml").write_text(f"kind: cubemap\nexpected_stations: {'9' * 5000}\n")
    waits = look(folder).waiting_for
    assert waits is not None
    assert waits.startswith("quiet:")


def test_the_fingerprint_sees_path_size_and_time_but_no_marker(folder: Path) -> None:
    (folder / "a.csv").write_text("1")
    first = fingerprint(CaptureFolder(str(folder)), LANDING.ready_markers)
    (folder / "_READY").touch()
    (folder / ".DS_Store").touch()
    assert fingerprint(CaptureFolder(str(folder)), LANDING.ready_markers) == first
    (folder / "a.csv").rename(folder / "b.csv")
    moved = fingerprint(CaptureFolder(str(folder)), LANDING.ready_markers)
    (folder / "b.csv").write_text("2")
    assert len({first, moved, fingerprint(CaptureFolder(str(folder)), LANDING.ready_markers)}) == 3


def test_a_look_survives_its_document() -> None:
    look = FolderSnapshot("ab", START, "cd", 12.5, "quiet")
    assert FolderSnapshot.from_document(look.document()) == look
