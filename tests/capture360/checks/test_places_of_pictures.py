"""Pictures that name their station and are not found: the fix says what differs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml

from capture360.checks.files import fix_of_near
from capture360.checks.validation import Validation
from capture360.model import FACES, Verdict
from capture360.readers.layouts import stations_named
from capture360.readers.manifest import Manifest
from capture360.readers.pictures import derived_faces, named_faces
from delivery import Delivery, manifest

MAPPED_LEFT = (
    'Move them there, or write pattern: "images/{station}/cam 2 {face} lens.webp.{ext}" below faces in capture.yaml.'
)
ALIKE = "Make station_id and the name alike."
MAP = "map them in capture.yaml under faces.aliases"


@pytest.mark.parametrize(
    ("found", "fix"),
    [
        ("images/S_1/back.jpg", ALIKE),
        ("images/s-01/px.jpg", f'The faces have other names, such as "px": {MAP}.'),
        ("images/s-01/0.jpg", f'The faces have other names, such as "0": {MAP}.'),
        (
            "images/s-01_0.jpg",
            f'The faces have other names, such as "0": {MAP}, and write pattern: "images/{{station}}_{{face}}.{{ext}}" '
            "there.",
        ),
        ("images/s-01/cam 2 left lens.webp.jpg", MAPPED_LEFT),
        ("images/s-01/cam 2 lens.jpg", f"The faces have other names: {MAP}."),
        ("images/s-01/{face} back.jpg", f"The faces have other names: {MAP}."),
        ("images/s-01/back.webp", "Export the pictures as JPEG."),
        ("images/s-01/back", "If they are JPEG, let their names end in .jpg."),
        ("images/s-01_back.jpg_", "If they are JPEG, let their names end in .jpg."),
    ],
)
def test_the_fix_says_what_differs(found: str, fix: str) -> None:
    assert fix_of_near(found, "s-01", Manifest.model_validate(manifest()), cubes=True) == fix


@pytest.mark.parametrize(
    ("found", "pattern"),
    [
        ("Images/s-01/back.jpg", "Images/{station}/{face}.{ext}"),
        ("s-01/UP.jpg", "{station}/{face}.{ext}"),
        ("data/images/s-01/back.png", "data/images/{station}/{face}.{ext}"),
        ("images/back/s-01.jpg", "images/{face}/{station}.{ext}"),
        ("images/s-01_back.jpg", "images/{station}_{face}.{ext}"),
        ("images/s-01-1-Back.jpg", "images/{station}-1-{face}.{ext}"),
        ("images/back_s-01.jpg", "images/{face}_{station}.{ext}"),
        ("s-01/s-01 back 2048.jpg", "{station}/{station} {face} 2048.{ext}"),
        ("images/station_s-01/back-edited.JPG", "images/station_{station}/{face}-edited.{ext}"),
        ("images/s-01/back.jpg.jpg", "images/{station}/{face}.jpg.{ext}"),
        ("images/top/s-01/back.jpg", "images/top/{station}/{face}.{ext}"),
        ("it's 1: #2/s-01/back.jpg", "it's 1: #2/{station}/{face}.{ext}"),
        ('a "b" \\c/s-01/back.jpg', 'a "b" \\c/{station}/{face}.{ext}'),
    ],
)
def test_the_pattern_can_be_copied_into_the_manifest(found: str, pattern: str, tmp_path: Path) -> None:
    fix = fix_of_near(found, "s-01", Manifest.model_validate(manifest()), cubes=True)
    advised = fix.removeprefix("Move them there, or write ").removesuffix(" below faces in capture.yaml.")
    stated = manifest() | {"faces": yaml.safe_load(advised)}
    faces = Manifest.model_validate(stated).faces
    assert faces.pattern == pattern
    delivery = Delivery(tmp_path, stations=[], files={found: b""})
    (row,) = derived_faces(delivery.write(), Manifest.model_validate(stated), ["s-01"]).itertuples()
    assert (row.station_id, row.face in ("back", "top"), row.file) == ("s-01", True, found)


def test_a_panorama_elsewhere_is_moved_or_named() -> None:
    fix = fix_of_near("pics/s-01.jpg", "s-01", Manifest.model_validate(manifest()), cubes=False)
    assert fix == "Move it there, or name it in the column pano_file."


def laid_out(tmp_path: Path, places: dict[str, str], **faces: object) -> Delivery:
    """Three stations, whose pictures at one path are at another."""
    delivery = Delivery(tmp_path / "2026-04-17", face_size=64)
    delivery.stations = delivery.stations[:3]
    delivery.put_pictures()
    delivery.checks["max_quarantine_fraction"] = 1.0
    for usual, other in places.items():
        stations = [row["station_id"] for row in delivery.stations]
        for path in [path for path in delivery.files if any(path == usual.format(s=each) for each in stations)]:
            station = path.split("/")[1]
            delivery.files[other.format(s=station)] = delivery.files.pop(path)
    if faces:
        delivery.manifest["faces"] = faces
    return delivery


def test_all_pictures_of_another_layout_are_told_once(
    tmp_path: Path, said: Callable[[Validation, str], list[str]]
) -> None:
    places = {f"images/{{s}}/{face}.jpg": f"images/{{s}}-1-{face}.jpg" for face in FACES}
    found = laid_out(tmp_path, places, pattern="images/{station}_{face}.jpg").check()
    words = "no pictures found as images/s-02_front.jpg and so on, but images/s-02-1-back.jpg is there. "
    words += 'Move them there, or write pattern: "images/{station}-1-{face}.{ext}" below faces in capture.yaml.'
    assert f"stations.csv row 3 (s-02): {words}" in said(found, "F01")
    assert not said(found, "F06")
    assert not said(found, "S13")


def test_a_face_under_another_name_is_named_where_it_is_missing(
    tmp_path: Path, said: Callable[[Validation, str], list[str]]
) -> None:
    found = laid_out(tmp_path, {"images/s-02/left.jpg": "images/s-02_left.jpg"}).check()
    assert said(found, "F01") == [
        'stations.csv row 3 (s-02): face "left" is missing, but images/s-02_left.jpg is there. Deliver front, right, '
        "back, left, top and bottom, one file each."
    ]


def test_an_alias_may_have_the_suffix_of_its_pictures(tmp_path: Path) -> None:
    places = {f"images/{{s}}/{face}.jpg": f"images/{{s}}/{face[:2]}.jpg" for face in FACES}
    delivery = laid_out(tmp_path, places, aliases={f"{face[:2]}.jpg": face for face in FACES})
    delivery.checks["min_face_resolution"] = 16
    delivery.checks["min_file_bytes"] = 100
    found = delivery.check()
    assert (found.verdict, found.findings) == (Verdict.ACCEPTED, ())


def test_a_face_of_the_table_may_lack_the_suffix_of_its_alias() -> None:
    stated = Manifest.model_validate(manifest() | {"faces": {"aliases": {"vorn.jpg": "front", "b.jpg": "back"}}})
    table = pd.DataFrame(
        {"face": ["vorn", "VORN", "b.jpg", "up"], "file": ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]}, dtype="str"
    )
    assert named_faces(table, stated)["face"].tolist() == ["front", "front", "back", "top"]


def test_an_alias_that_means_two_faces_without_its_suffix_is_not_shortened(tmp_path: Path) -> None:
    delivery = laid_out(tmp_path, {}, aliases={"b.jpg": "back", "b.png": "bottom"})
    delivery.files["images/s-01/b.jpg"] = b""
    folder = delivery.write()
    frame = derived_faces(folder, Manifest.model_validate(delivery.manifest), ["s-01"])
    assert "images/s-01/b.jpg" not in set(frame["file"])


def test_a_picture_is_of_the_longest_id_in_its_path() -> None:
    paths = ["images/s-01-1_front.jpg", "images/s-01_1.jpg", "12_1_front.jpg", "b/12x1.jpg", "s-01", "ſ-01/x.jpg"]
    assert stations_named(paths, ["s-01", "s-01-1", "1", "12"]) == {
        "images/s-01-1_front.jpg": "s-01-1",
        "images/s-01_1.jpg": "s-01",
        "12_1_front.jpg": "12",
        "s-01": "s-01",
    }


@pytest.mark.parametrize("station", ["2024-05-01_10-30-15_pump_A_3", "P-101-", "-P-101", "_a_-"])
def test_an_id_may_have_many_words_and_separators_at_its_ends(station: str) -> None:
    stated = Manifest.model_validate(manifest())
    fix = fix_of_near(f"images/{station}/vorn.jpg", station, stated, cubes=True)
    assert fix == f'The faces have other names, such as "vorn": {MAP}.'
    fix = fix_of_near(f"img/{station}_front.jpg", station, stated, cubes=True)
    assert fix == 'Move them there, or write pattern: "img/{station}_{face}.{ext}" below faces in capture.yaml.'


def test_a_separator_at_the_end_of_an_id_may_be_the_one_before_the_face(tmp_path: Path) -> None:
    stated = Manifest.model_validate(manifest() | {"faces": {"pattern": "img/{station}{face}.{ext}"}})
    fix = fix_of_near("img/P-101-front.jpg", "P-101-", stated, cubes=True)
    assert fix == f'Move them there, or write pattern: "{stated.faces.pattern}" below faces in capture.yaml.'
    folder = Delivery(tmp_path, stations=[], files={"img/P-101-front.jpg": b""}).write()
    assert derived_faces(folder, stated, ["P-101-"])["station_id"].tolist() == ["P-101-"]
    assert fix_of_near("img/P-101front.jpg", "P-101", stated, cubes=True) == ALIKE


def test_separators_at_the_ends_of_an_id_count() -> None:
    assert stations_named(["a/P-101/x.jpg", "a/P-101-/x.jpg", "P-101-.jpg"], ["P-101-", "P-101", "--", ""]) == {
        "a/P-101/x.jpg": "P-101",
        "a/P-101-/x.jpg": "P-101-",
        "P-101-.jpg": "P-101-",
    }


def test_a_row_without_a_station_hides_no_picture_of_none(
    tmp_path: Path, said: Callable[[Validation, str], list[str]]
) -> None:
    delivery = laid_out(tmp_path, {})
    delivery.files["extra/holiday.jpg"] = delivery.files["images/s-02/left.jpg"]
    delivery.stations.append(delivery.stations[0] | {"station_id": ""})
    assert said(delivery.check(), "F06") == [
        "the capture folder holds pictures of no station (1): extra/holiday.jpg. Add their rows, or remove them."
    ]


def test_names_of_many_words_are_looked_at_in_a_moment() -> None:
    assert stations_named(["a-" * 2000 + f"{number}.jpg" for number in range(300)], ["a-a"] * 2000)


@pytest.mark.parametrize(
    ("name", "is_named"),
    [("docs/plans.zip", False), ("gnss/robot.log.gz", False), ("s-02.zip", True), ("images/more.7z", True)],
)
def test_an_archive_counts_for_one_station_if_it_names_it_or_its_folder(
    delivery: Delivery, name: str, is_named: bool
) -> None:
    for face in FACES:
        del delivery.files[f"images/s-02/{face}.jpg"]
    delivery.files[name] = b"PK\3\4"
    (message,) = [finding.message for finding in delivery.check().findings if finding.rule == "F01"]
    assert (f"{name} is not read" in message) is is_named
