from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from PIL import Image

from capture360_local.plant.delivered import Delivered
from capture360_local.plant.faults import FAULTS, Effect
from capture360_local.plant.sample import Truth

Spoil = Callable[..., Truth]
CUBEMAP, PANORAMA, NAVVIS = TABLES = [form for form in Delivered if not form.scanned]


def table(truth: Truth, encoding: str = "utf-8") -> str:
    name = "pano/pano-poses.csv" if truth.form is NAVVIS else "stations.csv"
    return (truth.folder / name).read_bytes().decode(encoding)


def manifest(truth: Truth) -> dict:
    return yaml.safe_load((truth.folder / "capture.yaml").read_text())


def files(truth: Truth) -> dict[str, bytes]:
    found = (path for path in truth.folder.rglob("*") if path.is_file())
    return {path.relative_to(truth.folder).as_posix(): path.read_bytes() for path in found}


@pytest.mark.parametrize(("name", "form"), [(f.name, form) for f in FAULTS.values() for form in sorted(f.forms)])
def test_a_fault_spoils_what_it_says_and_no_other_station(
    sound: dict[Delivered, Truth], spoil: Spoil, name: str, form: Delivered
) -> None:
    before, truth = files(sound[form]), spoil(form, name)
    after = files(truth)
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    assert changed - {"_READY"} or name == "unready"
    fault, touched = FAULTS[name], truth.spoilt[0].stations
    assert len(touched) == (1 if fault.stations else 0)
    others = [stop.id for stop in truth.stations if stop.id not in touched]
    pictures = {path for path in changed if path.endswith((".jpg", ".png"))}
    assert not [path for path in pictures if any(station in path for station in others)]
    assert truth.rejected == (fault.effect is Effect.STOP)
    assert truth.quarantined == (touched if fault.effect is Effect.QUARANTINE else ())


@pytest.mark.parametrize("form", TABLES)
def test_an_image_is_missing(spoil: Spoil, form: Delivered, sound: dict[Delivered, Truth]) -> None:
    missing = spoil(form, "missing-face")
    gone = set(files(sound[form])) - set(files(missing))
    assert len(gone) == 1
    assert missing.quarantined[0] in gone.pop()


def first_image(truth: Truth) -> Path:
    station = truth.spoilt[0].stations[0]
    name = {CUBEMAP: "images/{}/front", PANORAMA: "panos/{}", NAVVIS: "pano/{}-pano"}[truth.form]
    return truth.folder / f"{name.format(station)}.jpg"


def test_an_image_is_cut_off(spoil: Spoil) -> None:
    truncated = first_image(spoil(CUBEMAP, "truncated-jpeg"))
    assert truncated.read_bytes()[:2] == b"\xff\xd8"
    with pytest.raises(OSError, match=r"(?i)truncated"), Image.open(truncated) as image:
        image.load()


def test_an_empty_image_is_empty(spoil: Spoil) -> None:
    assert first_image(spoil(PANORAMA, "zero-byte-face")).stat().st_size == 0


def test_a_face_short_of_a_row(spoil: Spoil) -> None:
    with Image.open(first_image(spoil(CUBEMAP, "wrong-face-size"))) as image:
        assert image.size == (16, 15)


def test_a_cropped_panorama(spoil: Spoil) -> None:
    with Image.open(first_image(spoil(NAVVIS, "not-2to1"))) as image:
        assert image.size == (64, 24)


def test_a_png_under_another_name(spoil: Spoil) -> None:
    assert first_image(spoil(CUBEMAP, "png-named-jpg")).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("form", TABLES)
def test_a_small_file_that_declares_a_giant_picture(spoil: Spoil, form: Delivered) -> None:
    truth = spoil(form, "giant-png")
    path = first_image(truth).with_suffix(".png")
    content = path.read_bytes()
    assert struct.unpack(">II", content[16:24]) == (50_000, 50_000)
    assert len(content) < 10_000
    assert not first_image(truth).exists()
    assert form is CUBEMAP or path.name in table(truth)


def test_faces_alike_and_faces_black(spoil: Spoil) -> None:
    front = first_image(spoil(CUBEMAP, "copied-face"))
    assert front.read_bytes() == front.with_name("back.jpg").read_bytes()


def test_a_black_panorama(spoil: Spoil) -> None:
    with Image.open(first_image(spoil(PANORAMA, "lens-cap"))) as image:
        assert image.getextrema() == ((0, 0), (0, 0), (0, 0))


@pytest.mark.parametrize(
    ("form", "fault", "found"),
    [
        (CUBEMAP, "decimal-comma", r'"\d+,\d{4}"'),
        (CUBEMAP, "empty-z", r"(?m)^s-002,[^,]*,[\d.]+,[\d.]+,,"),
        (NAVVIS, "empty-z", r"; ; "),
        (CUBEMAP, "overflow-number", r"(?m)^s-002,[^,]*,1e400,"),
        (PANORAMA, "path-escape", r"\.\./\.\./outside\.jpg"),
        (NAVVIS, "path-escape", r"\.\./\.\./outside\.jpg"),
        (CUBEMAP, "missing-column", r"^station_id,station_name,pos_x,y,z"),
        (NAVVIS, "missing-column", r"^# pano poses v1\.0: ID; filename; timestamp; pos_x; pano_pos_y"),
        (CUBEMAP, "bad-date", r"31/04/2025"),
        (CUBEMAP, "all-zero", r"(?m)^s-001,[^,]*,0,0,0,1,0,0,0,"),
        (CUBEMAP, "duplicate-station", r"(?ms)^(s-002,[^\n]*)\n.*^\1$"),
        (CUBEMAP, "no-timezone", r"(?m)T[\d:.]+$"),
    ],
)
def test_tables_break_as_told(spoil: Spoil, form: Delivered, fault: str, found: str) -> None:

    assert re.search(found, table(spoil(form, fault)))


def test_a_station_told_twice_is_counted_twice(spoil: Spoil) -> None:
    assert manifest(spoil(NAVVIS, "duplicate-station"))["expected_stations"] == 4


def test_a_path_out_of_the_folder_stands_in_the_table_of_faces(spoil: Spoil) -> None:
    lines = (spoil(CUBEMAP, "path-escape").folder / "faces.csv").read_text().splitlines()
    assert lines[0] == "station_id,face,file"
    assert "s-002,front,../../outside.jpg" in lines
    assert len(lines) == 1 + 3 * 6


def test_a_quaternion_too_long(spoil: Spoil) -> None:
    row = next(line for line in table(spoil(CUBEMAP, "nonunit-quaternion")).splitlines() if line.startswith("s-002"))
    assert sum(float(value) ** 2 for value in row.split(",")[5:9]) ** 0.5 == pytest.approx(1.12)


def test_millimetres_under_the_name_of_metres(spoil: Spoil, sound: dict[Delivered, Truth]) -> None:
    truth = spoil(CUBEMAP, "millimetres")
    x, y, z = (float(value) for value in table(truth).splitlines()[1].split(",")[2:5])
    assert [x, y, z] == pytest.approx(sound[CUBEMAP].stations[0].position * 1000, abs=0.1)
    assert manifest(truth)["frame"]["unit"] == "m"


def test_more_promised_than_delivered(spoil: Spoil) -> None:
    assert manifest(spoil(NAVVIS, "wrong-count"))["expected_stations"] == 5


def test_no_zone_is_named(spoil: Spoil) -> None:
    assert manifest(spoil(PANORAMA, "no-timezone"))["time"] == {"base": "local"}


def test_not_ready(spoil: Spoil) -> None:
    truth = spoil(CUBEMAP, "unready")
    assert not (truth.folder / "_READY").exists()
    assert (truth.folder / "capture.yaml").exists()


@pytest.mark.parametrize(("fault", "encoding"), [("bom-table", "utf-8-sig"), ("utf16-table", "utf-16")])
@pytest.mark.parametrize("form", TABLES)
def test_encodings(spoil: Spoil, sound: dict[Delivered, Truth], fault: str, encoding: str, form: Delivered) -> None:
    truth = spoil(form, fault)
    assert table(truth, encoding) == table(sound[form])
    assert table(truth, "latin-1") != table(sound[form])


def test_several_faults_take_different_stations(spoil: Spoil) -> None:
    truth = spoil(CUBEMAP, "empty-z", "missing-face=2")
    assert truth.quarantined == ("s-002", "s-003", "s-001")
