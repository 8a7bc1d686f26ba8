from __future__ import annotations

import csv
import json
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from scipy.spatial.transform import Rotation

from capture360_local.plant.camera import FACES
from capture360_local.plant.delivered import Delivered
from capture360_local.plant.hall import build_hall
from capture360_local.plant.sample import Truth, write_sample
from capture360_local.plant.survey import walk

SEED = 7


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def stations_table(truth: Truth) -> list[dict[str, str]]:
    if truth.form is Delivered.NAVVIS:
        lines = (truth.folder / "pano/pano-poses.csv").read_text().splitlines()
        header = lines[0].partition(": ")[2].split("; ")
        return [dict(zip(header, line.split("; "), strict=True)) for line in lines[1:]]
    with (truth.folder / "stations.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    def write(place: str, seed: int) -> tuple[dict[str, bytes], dict[str, bytes]]:
        truth = write_sample(tmp_path / place / "hall/a", stations=2, face_size=24, seed=seed)
        return contents(truth.folder), contents(truth.truth_folder)

    first, again, other = write("1", 3), write("2", 3), write("3", 4)
    assert first == again
    assert first[0]["images/s-001/front.jpg"] != other[0]["images/s-001/front.jpg"]
    assert first[1]["plates.json"] != other[1]["plates.json"]


def test_another_visit_sees_the_same_hall_from_elsewhere(tmp_path: Path) -> None:
    one, two = (
        write_sample(tmp_path / f"hall/{visit}", stations=1, face_size=16, seed=3, visit=visit, views=False)
        for visit in (0, 1)
    )
    assert [plate.corners for plate in one.plates] == [plate.corners for plate in two.plates]
    assert not np.allclose(one.stations[0].position, two.stations[0].position)


def test_a_cubemap_has_all_it_needs(sound: dict[Delivered, Truth]) -> None:
    truth = sound[Delivered.CUBEMAP]
    manifest = yaml.safe_load((truth.folder / "capture.yaml").read_text())
    assert (manifest["site_id"], manifest["capture_id"]) == ("north-hall", "visit-1") == (truth.site, truth.capture)
    assert (manifest["kind"], manifest["image"]["resolution"], manifest["expected_stations"]) == ("cubemap", 16, 3)
    for stop in truth.stations:
        for face in FACES:
            with Image.open(truth.folder / f"images/{stop.id}/{face}.jpg") as image:
                assert (image.format, image.size) == ("JPEG", (16, 16))


@pytest.mark.parametrize("form", [Delivered.PANORAMA, Delivered.NAVVIS])
def test_panoramas_are_twice_as_wide_as_high(sound: dict[Delivered, Truth], form: Delivered) -> None:
    truth = sound[form]
    named = [row["filename" if form is Delivered.NAVVIS else "pano_file"] for row in stations_table(truth)]
    assert len(named) == 3
    for name in named:
        with Image.open(truth.folder / ("pano" if form is Delivered.NAVVIS else ".") / name) as image:
            assert image.size == (64, 32)


def test_navvis_ids_have_gaps_and_times_are_unix_seconds(tmp_path: Path) -> None:
    truth = write_sample(tmp_path / "hall/walk", kind="navvis", stations=8, face_size=8, seed=SEED, views=False)
    rows = stations_table(truth)
    numbers = [int(row["ID"]) for row in rows]
    assert [row["filename"] for row in rows] == [f"{number:05d}-pano.jpg" for number in numbers]
    assert np.diff(numbers).max() > 1
    for row, stop in zip(rows, truth.stations, strict=True):
        assert float(row["timestamp"]) == pytest.approx(stop.taken_at.timestamp(), abs=1e-3)


@pytest.mark.parametrize("form", Delivered)
def test_the_marker_counts_what_was_delivered(sound: dict[Delivered, Truth], form: Delivered) -> None:
    files = contents(sound[form].folder)
    marker = json.loads(files.pop("_READY"))
    assert marker == {"files": len(files), "bytes": sum(map(len, files.values()))}


@pytest.mark.parametrize("form", [form for form in Delivered if not form.scanned])
def test_the_table_tells_the_true_pose(sound: dict[Delivered, Truth], form: Delivered) -> None:
    """R_cdf = R(q) for cube faces and R(q) Rz(+90°) for panoramas, whose centre looks along +X."""
    truth = sound[form]
    place, turn = ("x", "y", "z"), ("qx", "qy", "qz", "qw")
    if form is Delivered.NAVVIS:
        place, turn = [f"pano_pos_{a}" for a in "xyz"], [f"pano_ori_{a}" for a in "xyzw"]
    quarter = np.eye(3) if form is Delivered.CUBEMAP else Rotation.from_euler("z", 90, degrees=True).as_matrix()
    poses = json.loads((truth.truth_folder / "poses.json").read_text())["stations"]
    for row, pose in zip(stations_table(truth), poses, strict=True):
        table = Rotation.from_quat([float(row[name]) for name in turn]).as_matrix() @ quarter
        assert np.allclose(table, pose["rotation"], atol=1e-8)
        w, x, y, z = pose["quaternion_wxyz"]
        assert np.allclose(Rotation.from_quat([x, y, z, w]).as_matrix(), pose["rotation"], atol=1e-12)
        assert np.allclose([float(row[name]) for name in place], pose["position"])
        assert 0.5 * truth.form.usual_tilt - 0.01 <= pose["tilt_deg"] <= truth.form.usual_tilt + 0.01


def test_level_cameras_on_request(tmp_path: Path) -> None:
    truth = write_sample(tmp_path / "hall/a", stations=1, face_size=8, seed=SEED, tilt_deg=0, views=False)
    assert np.allclose(truth.stations[0].rotation[2], [0, 0, 1], atol=1e-8)


@pytest.mark.parametrize("count", [40, 200])
def test_stations_keep_clear_of_each_other_on_a_long_walk(count: int) -> None:
    stops = walk(build_hall(SEED), Delivered.NAVVIS, count, seed=SEED)
    positions = np.array([stop.position for stop in stops])
    apart = np.linalg.norm(positions[:, None] - positions[None], axis=2) + 10 * np.eye(count)
    assert apart.min() > 0.05
    assert all(a.taken_at < b.taken_at for a, b in pairwise(stops))
    assert len({stop.id for stop in stops}) == count


def test_views_of_the_truth_look_along_the_axes(tmp_path: Path) -> None:
    """The tilted capture, turned by its true rotation, shows what the truth's front view shows: the south, along -Y."""
    truth = write_sample(tmp_path / "hall/a", stations=1, face_size=96, seed=SEED, tilt_deg=12)
    stop = truth.stations[0]
    view = np.asarray(Image.open(truth.truth_folder / stop.id / "front.png").convert("RGB")).astype(float)
    faces = {f: np.asarray(Image.open(truth.folder / f"images/{stop.id}/{f}.jpg")).astype(float) for f in FACES}
    forward = {"front": (1, -1), "back": (1, 1), "left": (0, 1), "right": (0, -1), "top": (2, 1), "bottom": (2, -1)}
    errors = []
    for row in range(2, 96, 5):
        for column in range(2, 96, 5):
            world = np.array([-((column + 0.5) / 48 - 1), -1.0, -((row + 0.5) / 48 - 1)])
            x, y, z = local = stop.rotation.T @ world
            face = max(forward, key=lambda name: local[forward[name][0]] * forward[name][1])
            right, up = {
                "front": (-x, z), "back": (x, z), "left": (-y, z),
                "right": (y, z), "top": (-x, y), "bottom": (-x, -y),
            }[face]  # fmt: skip
            depth = abs(local[forward[face][0]])
            at_row, at_column = int(48 - 48 * up / depth), int(48 + 48 * right / depth)
            errors.append(np.abs(view[row, column] - faces[face][min(at_row, 95), min(at_column, 95)]).mean())
    assert np.median(errors) < 8


@pytest.fixture(scope="module")
def readable(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    folder = tmp_path_factory.mktemp("landing") / "hall/a"
    return write_sample(folder, stations=3, face_size=448, seed=SEED, views=False)


def test_plates_show_where_the_truth_says(readable: Truth) -> None:
    """Just inside a plate's polygon, above its text, the picture has the plate's paint."""
    truth = readable
    hall = build_hall(SEED)
    images = {}
    looked_at, wrong = 0, []
    for plate, known in zip(truth.plates, hall.plates, strict=True):
        paint = hall.scene.textures[hall.scene.solids[known.solid].texture].getpixel((34, 26))
        for region in plate.seen:
            if region.visible < 1 or region.share < 1 or region.cap_height_px < 4 or region.view_angle_deg > 60:
                continue
            key = (region.station, region.face)
            if key not in images:
                path = truth.folder / f"images/{region.station}/{region.face}.jpg"
                images[key] = np.asarray(Image.open(path)).astype(float)
            corner, right, _, below = np.array(region.polygon) * 448
            x, y = corner + (right - corner) * 0.5 + (below - corner) * 0.14
            shown = images[key][int(y), int(x)]
            looked_at += 1
            likeness = shown @ paint / (np.linalg.norm(shown) * np.linalg.norm(paint))
            if likeness < 0.97:
                wrong.append((plate.id, plate.text, region, shown, paint))
    assert looked_at >= 10
    assert len(wrong) <= looked_at // 10, wrong


def test_a_plate_across_an_edge_is_cut_there(readable: Truth) -> None:
    cut = [plate for plate in readable.plates if any(region.share < 1 for region in plate.seen)]
    assert cut
    for plate in cut:
        shares: dict[str, float] = {}
        for region in plate.seen:
            shares[region.station] = shares.get(region.station, 0.0) + region.share
        assert max(shares.values()) == pytest.approx(1, abs=0.02)
    regions = [region for plate in readable.plates for region in plate.seen]
    for region in regions:
        assert all(-1e-6 <= value <= 1 + 1e-6 for point in region.polygon for value in point)


def test_hidden_plates_are_known_as_hidden(readable: Truth) -> None:
    regions = [region for plate in readable.plates for region in plate.seen]
    assert any(region.visible == 0 for region in regions)
    assert any(region.visible == 1 for region in regions)


def test_assets_are_listed_parents_first(sound: dict[Delivered, Truth]) -> None:
    truth = sound[Delivered.CUBEMAP]
    with (truth.truth_folder / "assets.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    known: set[str] = set()
    for row in rows:
        assert not row["parentExternalId"] or row["parentExternalId"] in known
        known.add(row["externalId"])
    assert len(known) == len(rows) == len({row["name"] for row in rows})
    plated = {plate.asset for plate in truth.plates if plate.asset}
    assert plated < known
    ghosts = {plate.tag for plate in truth.plates if plate.tag and not plate.asset}
    assert len(ghosts) == 3
    assert not ghosts & {row["name"] for row in rows}


def test_what_is_there_already_is_not_overwritten(sound: dict[Delivered, Truth]) -> None:
    with pytest.raises(FileExistsError, match="exists already"):
        write_sample(sound[Delivered.CUBEMAP].folder)


@pytest.mark.parametrize("there", [False, True], ids=["made", "empty before"])
def test_nothing_is_left_of_what_is_interrupted(tmp_path: Path, there: bool) -> None:
    """In a watched landing zone a part of a capture would be taken for a broken delivery."""
    folder, seen = tmp_path / "hall/a", []
    folder.parent.mkdir()
    if there:
        folder.mkdir()

    def interrupt(done: int, total: int) -> None:
        seen.extend(path.name for path in folder.parent.iterdir() if not path.name.startswith("."))
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            write_sample(folder, stations=2, face_size=8, seed=SEED, progress=interrupt)
        assert [path.name for path in folder.parent.iterdir()] == ["a"] * there
    assert set(seen) == {"a.truth", *["a"] * there}
    write_sample(folder, stations=1, face_size=8, seed=SEED, views=False)
    assert (folder / "_READY").exists()


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"stations": 0}, "at least 1 station"),
        ({"face_size": 2}, "8 to 8192 pixels"),
        ({"face_size": 8193, "kind": "panorama"}, "8 to 8192 pixels"),
        ({"spoil": ("rust",)}, 'no fault "rust"'),
        ({"spoil": ("empty-z=0",)}, "at least 1"),
        ({"spoil": ("all-zero=2",)}, "whole capture"),
        ({"spoil": ("not-2to1",)}, "kind navvis or panorama"),
        ({"spoil": ("empty-z=3", "missing-face=2")}, "need 5 stations"),
    ],
)
def test_impossible_wishes_are_refused_in_words(tmp_path: Path, wish: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        write_sample(tmp_path / "hall/a", **wish)
    assert not list(tmp_path.iterdir())


def test_times_start_when_asked(tmp_path: Path) -> None:
    start = datetime.fromisoformat("2025-03-30T00:59:00+00:00")
    truth = write_sample(tmp_path / "hall/a", stations=1, face_size=8, seed=SEED, taken_at=start, views=False)
    assert stations_table(truth)[0]["time_taken"] == "2025-03-30T00:59:00.000Z"
