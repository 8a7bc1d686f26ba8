"""One bad part of a delivery holds back its own stations: the others are accepted, and a fixed one adds its own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from capture360.checks.validation import Validation
from capture360.model import Capture, Verdict
from capture360.rules.finding import Disposition, Finding
from delivery import Delivery, picture, table
from scans import scan, zipped

EAST, WEST = scan((1, 2, 3, 4), shade=40), scan((5, 6, 7, 8), shade=80)
Said = Callable[[Validation, str], list[str]]


@pytest.fixture
def scans(delivery: Delivery) -> Delivery:
    """Two scans of four stations each."""
    kept = {name: delivery.manifest[name] for name in ("schema", "site_id", "capture_id")}
    delivery.manifest = {**kept, "kind": "e57"}
    delivery.stations = []
    delivery.files = {"east.e57": EAST, "west.e57": WEST}
    delivery.checks["max_quarantine_fraction"] = 0.5
    return delivery


def accepted(validation: Validation) -> list[str]:
    return [station.id for station in validation.capture.stations] if validation.capture else []


def published(delivery: Delivery) -> Capture:
    """The delivery as the note of what is published holds it."""
    capture = delivery.check().capture
    assert capture is not None
    return replace(capture, media={}, scans={}, held_back=())


def held(validation: Validation, rule: str) -> list[Finding]:
    return [f for f in validation.findings if f.rule == rule and f.disposition is Disposition.QUARANTINE]


EAST_STOPS = [f"east-Stop-{number}" for number in (1, 2, 3, 4)]
WEST_STOPS = [f"west-Stop-{number}" for number in (5, 6, 7, 8)]
DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut off": lambda content: content[: len(content) // 2],
    "no e57": lambda content: b"PK" + bytes(2000),
    "a page": lambda content: content[:3000] + bytes([content[3000] ^ 1]) + content[3001:],
    "points only": lambda content: scan(()),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_broken_scan_holds_back_itself(scans: Delivery, damage: str) -> None:
    scans.files["west.e57"] = DAMAGE[damage](WEST)
    validation = scans.check()
    assert (validation.verdict, accepted(validation)) == (Verdict.PARTIAL, EAST_STOPS)
    assert list(validation.quarantined) == ["west.e57"]
    (finding,) = [*held(validation, "E01"), *held(validation, "E02")]
    assert (finding.path, finding.where) == ("west.e57", "west.e57")
    assert validation.capture
    assert list(validation.capture.scans) == ["east.e57"]


def test_scans_that_are_all_broken_stop_the_capture(scans: Delivery) -> None:
    scans.files = {"east.e57": EAST[:3000], "west.e57": b""}
    validation = scans.check()
    assert validation.verdict is Verdict.REJECTED
    assert "east.e57 is cut off" in validation.headline


def test_a_fixed_scan_adds_its_stations_to_those_of_the_other(scans: Delivery) -> None:
    scans.files["west.e57"] = WEST[:3000]
    scans.earlier.append(published(scans))
    scans.files["west.e57"] = WEST
    validation = scans.check()
    assert (validation.verdict, accepted(validation)) == (Verdict.ACCEPTED, [*EAST_STOPS, *WEST_STOPS])


@pytest.mark.parametrize("revision", [1, 2])
def test_a_scan_that_breaks_later_keeps_its_published_stations(scans: Delivery, said: Said, revision: int) -> None:
    scans.earlier.append(published(scans))
    scans.files["west.e57"] = WEST[:3000]
    scans.manifest["revision"] = revision
    validation = scans.check()
    assert (validation.verdict, accepted(validation)) == (Verdict.PARTIAL, EAST_STOPS)
    assert validation.capture
    assert set(WEST_STOPS) <= set(validation.capture.held_back)
    assert "west-Stop-5 was published before, and is perhaps in west.e57" in said(validation, "C06")[0]


def test_a_confirmed_delivery_with_a_broken_scan_of_another_name_removes_nothing(scans: Delivery, said: Said) -> None:
    scans.earlier.append(published(scans))
    scans.manifest["revision"] = 2
    (scans.path / "west.e57").rename(scans.path / "north.e57")
    scans.files = {"east.e57": EAST, "north.e57": WEST[:3000]}
    validation = scans.check()
    assert validation.verdict is Verdict.REJECTED
    assert "north.e57 cannot be read: nobody can tell whether it holds those stations" in said(validation, "C03")[0]


def test_a_promised_number_is_not_counted_where_a_scan_cannot_be_read(scans: Delivery) -> None:
    scans.manifest["expected_stations"] = 8
    assert scans.check().verdict is Verdict.ACCEPTED
    scans.files["west.e57"] = WEST[:3000]
    assert scans.check().verdict is Verdict.PARTIAL


def test_an_archive_that_cannot_be_read_holds_back_itself(scans: Delivery, said: Said) -> None:
    scans.files = {"east.e57": EAST, "west.zip": zipped({"west.e57": WEST})}
    whole = scans.check()
    assert accepted(whole) == [*EAST_STOPS, *WEST_STOPS]
    before = published(scans)
    scans.files["west.zip"] = scans.files["west.zip"][:-30]
    validation = scans.check()
    assert (validation.verdict, accepted(validation)) == (Verdict.PARTIAL, EAST_STOPS)
    assert "west.zip is not a readable zip archive" in said(validation, "E01")[0]
    scans.earlier.append(before)
    capture = scans.check().capture
    assert capture
    assert capture.held_back == (*WEST_STOPS, "west.zip")


def test_a_member_that_is_locked_holds_back_itself(scans: Delivery, said: Said) -> None:
    archive = bytearray(zipped({"east.e57": EAST, "west.e57": WEST}))
    place = archive.rindex(b"PK\x01\x02")
    archive[place + 8] |= 1
    scans.files = {"both.zip": bytes(archive)}
    validation = scans.check()
    assert (validation.verdict, accepted(validation)) == (Verdict.PARTIAL, EAST_STOPS)
    assert "west.e57 is encrypted" in said(validation, "E01")[0]


def test_an_archive_without_scans_is_named_beside_scans(scans: Delivery, said: Said) -> None:
    scans.files = {"scan.e57": EAST, "papers.zip": zipped({"a.pdf": b"x"})}
    validation = scans.check()
    assert (validation.verdict, accepted(validation)[0]) == (Verdict.ACCEPTED, "Stop-1")
    assert "papers.zip holds no E57 file" in said(validation, "E01")[0]


def test_an_archive_in_an_archive_is_named(scans: Delivery, said: Said) -> None:
    scans.files = {"scans.zip": zipped({"east.e57": EAST, "more/west.zip": zipped({"west.e57": WEST}), "x.7z": b"x"})}
    validation = scans.check()
    assert validation.verdict is Verdict.ACCEPTED
    assert "scans.zip/more/west.zip, scans.zip/x.7z" in said(validation, "F06")[0]


def test_a_copy_of_a_scan_is_left_out_and_renames_nothing(scans: Delivery, said: Said) -> None:
    scans.files = {"scan.e57": EAST}
    scans.earlier.append(published(scans))
    scans.files["backup/scan.e57"] = EAST
    validation = scans.check()
    assert (validation.verdict, accepted(validation)[0]) == (Verdict.ACCEPTED, "Stop-1")
    assert said(validation, "E05") == ["backup/scan.e57 is the same file as scan.e57, and is left out. Remove it."]


@pytest.mark.parametrize(
    ("put", "problem"),
    [
        (Path.mkdir, "is an empty folder with the name of a file"),
        (os.mkfifo, "is neither a file nor a folder"),
        (lambda path: path.symlink_to("/dev/null"), "is a link that leaves the capture folder"),
        (lambda path: path.symlink_to("none.jpg"), "is a link to a file that is not there"),
    ],
)
@pytest.mark.parametrize("is_named", [True, False])
def test_what_stands_in_place_of_a_face_is_named(
    delivery: Delivery, said: Said, put: Callable[[Path], object], problem: str, is_named: bool
) -> None:
    delivery.put_pictures()
    del delivery.files["images/s-02/top.jpg"]
    if is_named:
        rows = [*delivery.files, "images/s-02/top.jpg"]
        delivery.faces = [{"station_id": path[7:11], "face": path[12:-4], "file": path} for path in rows]
    delivery.write()
    put(delivery.path / "images/s-02/top.jpg")
    validation = delivery.check()
    assert list(validation.quarantined) == ["s-02"]
    words = f'"images/s-02/top.jpg" {problem}' if is_named else f'face "top" is missing: images/s-02/top.jpg {problem}.'
    assert any(words in each for each in said(validation, "S07" if is_named else "F01"))


def test_a_folder_of_pictures_in_place_of_a_face_is_named(delivery: Delivery, said: Said) -> None:
    delivery.put_pictures()
    rows = list(delivery.files)
    delivery.faces = [{"station_id": path[7:11], "face": path[12:-4], "file": path} for path in rows]
    delivery.files["images/s-02/top.jpg/top.jpg"] = delivery.files.pop("images/s-02/top.jpg")
    assert '"images/s-02/top.jpg" is a folder with the name of a file. Deliver the file.' in "".join(
        said(delivery.check(), "S07")
    )


def test_a_row_that_names_a_folder_of_folders_is_told_so(delivery: Delivery, said: Said) -> None:
    delivery.put_pictures()
    delivery.faces = [{"station_id": path[7:11], "face": path[12:-4], "file": path} for path in delivery.files]
    delivery.faces[0]["file"] = "images"
    assert '"images" is a folder with the name of a file. Deliver the file.' in "".join(said(delivery.check(), "S07"))


def test_a_row_that_names_a_file_outside_holds_back_its_station(delivery: Delivery, said: Said) -> None:
    delivery.put_panoramas()
    for row in delivery.stations:
        row["pano_file"] = f"panos/{row['station_id']}.jpg"
    delivery.stations[2]["pano_file"] = "../secret.jpg"
    validation = delivery.check()
    assert (validation.verdict, accepted(validation)) == (Verdict.PARTIAL, OTHERS)
    assert "points outside the capture folder" in said(validation, "S07")[0]


@pytest.fixture
def rows(delivery: Delivery) -> Delivery:
    """A stations table with panoramas."""
    delivery.put_panoramas()
    delivery.checks["max_quarantine_fraction"] = 0.3
    return delivery


def spoilt(delivery: Delivery, number: int, change: Callable[[str], str], end: str = "\n") -> Delivery:
    """The table with a line changed; the header is line 0."""
    lines = table(delivery.stations).splitlines()
    lines[number] = change(lines[number])
    delivery.files["stations.csv"] = ("\n".join(lines) + end).encode()
    return delivery


OTHERS = [f"s-0{number}" for number in (1, 2, 4, 5, 6, 7, 8)]
UNNAMED = "Pump, {}".format
LONGER, SHORTER = (lambda line: line.replace("Station", "Pump, left")), (lambda line: line.partition(",20")[0])


@pytest.mark.parametrize("change", [LONGER, SHORTER])
def test_a_row_of_another_length_is_held_back(rows: Delivery, change: Callable[[str], str]) -> None:
    rows.manifest["expected_stations"] = 8
    validation = spoilt(rows, 3, change).check()
    assert (validation.verdict, accepted(validation)) == (Verdict.PARTIAL, OTHERS)
    (finding,) = held(validation, "S05")
    assert (finding.path, finding.row, finding.station) == ("stations.csv", 4, "s-03")
    assert "stations.csv row 4 (s-03) has" in finding.message


@pytest.mark.parametrize(
    ("change", "revision", "held_back"), [(LONGER, 1, "s-03"), (LONGER, 2, "s-03"), (UNNAMED, 1, "Pump s-03")]
)
def test_a_row_that_breaks_later_removes_nothing(
    rows: Delivery, said: Said, change: Callable[[str], str], revision: int, held_back: str
) -> None:
    rows.earlier.append(published(rows))
    rows.manifest["revision"] = revision
    validation = spoilt(rows, 3, change).check()
    assert (validation.verdict, accepted(validation)) == (Verdict.PARTIAL, OTHERS)
    assert validation.capture
    assert validation.capture.held_back == tuple(held_back.split())
    assert len(said(validation, "C06")) == 1


def test_a_confirmed_delivery_with_a_row_that_lost_its_name_is_rejected(rows: Delivery, said: Said) -> None:
    rows.earlier.append(published(rows))
    rows.manifest["revision"] = 2
    validation = spoilt(rows, 3, UNNAMED).check()
    assert (validation.verdict, validation.capture) == (Verdict.REJECTED, None)
    (sentence,) = said(validation, "C03")
    assert "1 missing (s-03), and Pump cannot be read: nobody can tell whether it holds those stations" in sentence


def test_a_row_that_lost_its_id_keeps_the_published_station(rows: Delivery, said: Said) -> None:
    rows.earlier.append(published(rows))
    rows.stations[2]["station_id"] = ""
    validation = rows.check()
    assert (validation.verdict, accepted(validation)) == (Verdict.PARTIAL, OTHERS)
    assert "s-03 was published before, and is perhaps in stations.csv row 4" in said(validation, "C06")[0]


@pytest.mark.parametrize(
    ("number", "change", "end", "words"),
    [
        (8, SHORTER, "", "it breaks off in row 9"),
        (3, lambda line: line.replace("Station", '"Station'), "\n", "runs on over the rows below it"),
        (3, lambda line: line.rpartition(",")[0] + ',"3 inch', "\n", "time_taken of row 4 runs on over the rows"),
    ],
)
def test_a_row_that_puts_others_in_doubt_stops_the_capture(
    rows: Delivery, number: int, change: Callable[[str], str], end: str, words: str
) -> None:
    validation = spoilt(rows, number, change, end).check()
    assert validation.verdict is Verdict.REJECTED
    assert words in validation.headline


def test_a_cell_of_several_lines_is_no_doubt(rows: Delivery) -> None:
    rows.stations[2]["station_name"] = "Pump\nnext to the door"
    assert rows.check().verdict is Verdict.ACCEPTED


def test_a_face_row_of_another_length_holds_back_its_station(delivery: Delivery) -> None:
    delivery.put_pictures()
    delivery.checks["max_quarantine_fraction"] = 0.3
    faces = [{"station_id": path.split("/")[1], "face": Path(path).stem, "file": path} for path in delivery.files]
    lines = table(faces).splitlines()
    lines[15] += ",surplus"
    delivery.files["faces.csv"] = "\n".join(lines).encode()
    delivery.manifest["expected_stations"] = 8
    validation = delivery.check()
    assert accepted(validation) == OTHERS
    assert list(validation.quarantined) == ["s-03"]


def mission(*names: str) -> bytes:
    def action(name: str) -> dict[str, object]:
        at = float(len(name) + sum(map(ord, name)))
        pose = {"parent_frame_name": "seed", "parent_tform_child": {"position": {"x": at}, "rotation": {"w": 1}}}
        return {
            "action_id": {"action_name": name, "timestamp": "2026-04-17T09:30:00Z"},
            "data": {"spot-cam-pano": [{"filename": f"{name or 'p 1'}.jpg"}]},
            "metadata": {"basic-position-data": [{"data": {"child_to_parent_edge_map": {"body": pose, "seed": {}}}}]},
        }

    return json.dumps({"actions": [action(name) for name in names]}).encode()


@pytest.fixture
def missions(delivery: Delivery) -> Delivery:
    delivery.stations = []
    for name in ("rotation", "expected_stations"):
        delivery.manifest.pop(name, None)
    frame = {**delivery.manifest["frame"], "name": "seed"}
    delivery.manifest |= {"kind": "panorama", "source_format": "spot", "frame": frame}
    delivery.frame = "seed"
    delivery.files = {"m1/metadata.json": mission("a", "b"), "m2/metadata.json": mission("c", "d")}
    for number, path in enumerate(("m1/a", "m1/b", "m2/c", "m2/d")):
        delivery.files[f"{path}.jpg"] = picture(2048, 1024, number)
    return delivery


@pytest.mark.parametrize("content", [b"", b'{"actions": [', b"[]"])
def test_a_mission_that_cannot_be_read_holds_back_itself(missions: Delivery, said: Said, content: bytes) -> None:
    missions.earlier.append(published(missions))
    missions.files["m2/metadata.json"] = content
    validation = missions.check()
    assert (validation.verdict, accepted(validation)) == (Verdict.PARTIAL, ["m1-a", "m1-b"])
    assert "m2/metadata.json cannot be read as" in said(validation, "S15")[0]
    assert validation.capture
    assert validation.capture.held_back == ("m2-c", "m2-d", "m2/metadata.json")


def test_an_action_without_a_name_is_called_as_its_picture(missions: Delivery) -> None:
    missions.files["m1/metadata.json"] = mission("a", "")
    missions.files["m1/p 1.jpg"] = missions.files.pop("m1/b.jpg")
    assert accepted(missions.check()) == ["m1-a", "m1-p-1", "m2-c", "m2-d"]


def test_a_frame_that_begins_anew_is_no_frame_of_two_missions(missions: Delivery) -> None:
    missions.manifest["frame"]["name"] = "odom"
    validation = missions.check()
    assert 'frame.name "odom" begins anew in each mission, and 2 are delivered' in validation.headline


def test_a_changed_picture_or_scan_holds_back_its_stations(scans: Delivery, said: Said) -> None:
    scans.files["checksums.sha256"] = f"# by a tool\n{'0' * 64}  west.e57\n".encode()
    validation = scans.check()
    assert (validation.verdict, accepted(validation)) == (Verdict.PARTIAL, EAST_STOPS)
    assert "west.e57 has another checksum than checksums.sha256 says" in said(validation, "F13")[0]


def test_a_line_that_is_no_checksum_voids_no_other(rows: Delivery, said: Said) -> None:
    text = f"; made by a tool\nhello\nSHA256 (panos/s-03.jpg) = {'0' * 64}\n{'0' * 64}  ../x\n"
    rows.files["checksums.sha256"] = text.encode()
    validation = rows.check()
    assert (validation.verdict, accepted(validation)) == (Verdict.PARTIAL, OTHERS)
    assert any(
        '2, the first is line 2 ("hello"). Files that were checked: 1' in each for each in said(validation, "F13")
    )


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ({"time_taken": "2026-04-17T09:03:00"}, "T02"),
        ({"site_id": "hall-8"}, "I06"),
        ({"scale_x": "0"}, "P12"),
    ],
)
def test_a_row_of_its_own_kind_is_held_back(rows: Delivery, cells: dict[str, str], rule: str) -> None:
    for row in rows.stations:
        row |= dict.fromkeys(cells.keys() - row, "")
    rows.stations[2] |= cells
    validation = rows.check()
    assert (validation.verdict, accepted(validation)) == (Verdict.PARTIAL, OTHERS)
    assert "s-03" in validation.quarantined
    assert rule in validation.quarantined["s-03"]


def test_times_without_a_zone_stop_beside_one_that_cannot_be_read(rows: Delivery) -> None:
    for row in rows.stations:
        row["time_taken"] = row["time_taken"].removesuffix("Z")
    rows.stations[2]["time_taken"] = "17-04-2026"
    validation = rows.check()
    assert validation.verdict is Verdict.REJECTED
    assert "has no time zone" in validation.headline


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("scan.las", "scan.las is of another format: export its scans as E57"),
        ("raw/Scan_001.FLS", "raw/Scan_001.FLS is of another format"),
        ("scan.e57.part", "scan.e57.part is a copy that did not end. Copy it again"),
        ("scan.e57.crdownload", "scan.e57.crdownload is a copy that did not end"),
        ("notes.txt", "Add one."),
    ],
)
def test_a_delivery_without_scans_says_what_lies_there_instead(scans: Delivery, name: str, fix: str) -> None:
    scans.files = {name: EAST}
    validation = scans.check()
    assert validation.verdict is Verdict.REJECTED
    assert f"holds no E57 file, loose or in a zip archive. {fix}" in validation.headline


@pytest.mark.parametrize("copy", ["east - Copy.e57", "east (1).e57", "Copy of east.e57", "east_copy.e57"])
def test_a_copy_of_a_scan_gives_no_station_its_name(scans: Delivery, copy: str) -> None:
    scans.files[copy] = EAST
    assert accepted(scans.check()) == EAST_STOPS + WEST_STOPS
