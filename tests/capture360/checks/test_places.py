"""Every rule of place judges the values that CDF gets: those of the site frame. No number is too large for that."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from capture360.checks.check import check_capture
from capture360.checks.neighbours import close_pairs, lonely
from capture360.checks.validation import PlanPoint, Validation, validation_document
from capture360.landing.folder import CaptureFolder
from capture360.model import FACES, CaptureKey, Verdict
from capture360.reports.plan_view import plan_view
from capture360.reports.validation import render
from delivery import Delivery, picture

LARGEST = 1.7976931348623157e308
NO_TURN = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]


def reported(delivery: Delivery, key: CaptureKey | None = None) -> Validation:
    """The outcome, once a report and a record could be made of it."""
    validation = delivery.check(key)
    assert render(validation, CaptureFolder(str(delivery.path)))
    json.dumps(validation_document(validation), allow_nan=False)
    if validation.capture is not None:
        for station in validation.capture.stations:
            assert max(map(abs, station.pose.position)) <= 1e8
    return validation


def messages(validation: Validation) -> str:
    return " ".join(finding.message for finding in (*validation.findings, *validation.bad_rows))


@pytest.mark.parametrize(
    "transform",
    [
        {"origin_offset": [1e17, 0, 0]},
        {"origin_offset": [0, -2e8, 0]},
        {"origin_offset": [1e308, -1e308, 0], "scale": 1e308},
        {"origin_offset": [LARGEST, LARGEST, LARGEST], "yaw_deg": 45},
        {"scale": LARGEST, "yaw_deg": 36_000},
        [[1, 0, 0, 1e300], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
    ],
)
@pytest.mark.parametrize("direction", ["camera_to_world", "world_to_camera"])
def test_a_transform_that_moves_all_out_of_sight_is_named(delivery: Delivery, transform: Any, direction: str) -> None:
    delivery.manifest["frame"]["transform"] = transform
    delivery.manifest["rotation"]["direction"] = direction
    validation = reported(delivery)
    assert validation.verdict is Verdict.REJECTED
    assert "Correct frame.unit or frame.transform in capture.yaml" in validation.headline


@pytest.mark.parametrize("size", [1e150, LARGEST, 1e-200])
@pytest.mark.parametrize("where", [(0, 0), (0, 1), (0, 3), (3, 3)])
def test_a_matrix_of_any_numbers_is_judged(delivery: Delivery, size: float, where: tuple[int, int]) -> None:
    matrix = [list(row) for row in NO_TURN]
    matrix[where[0]][where[1]] = size
    delivery.manifest["frame"]["transform"] = matrix
    wrong = where != (0, 3) or size > 1
    if where == (0, 1) and size < 1:
        wrong = False
    assert (reported(delivery).verdict is Verdict.REJECTED) is wrong


@pytest.mark.parametrize("yaw", [0, 30, 90])
@pytest.mark.parametrize("up", ["z", "y"])
@pytest.mark.parametrize("text", ["1.7e308", "-inf", "1e9"])
def test_a_number_that_is_too_large_is_told_by_its_cell(delivery: Delivery, text: str, up: str, yaw: float) -> None:
    delivery.manifest["frame"] |= {"up": up, "transform": {"yaw_deg": yaw, "origin_offset": [1, 2, 3]}}
    delivery.stations[1]["x"] = text
    validation = reported(delivery)
    told = [finding for finding in validation.findings if finding.rule == "P01"]
    assert [finding.message for finding in told] == [
        f'stations.csv row 3 (s-02): x "{text}" is too large for a pose. Export the pose of this station again.'
    ]
    assert set(validation.quarantined) == {"s-02"}


def test_an_empty_cell_is_told_once_where_the_transform_mixes_the_axes(delivery: Delivery) -> None:
    delivery.manifest["frame"]["transform"] = {"yaw_deg": 30}
    delivery.stations[1]["y"] = ""
    told = [finding.message for finding in reported(delivery).findings if finding.rule == "P01"]
    assert len(told) == 1
    assert "y is empty" in told[0]


def test_a_large_number_of_a_small_unit_is_a_place(delivery: Delivery) -> None:
    """10^8 millimetres are 100 km; the transform brings them home."""
    delivery.manifest["frame"] |= {"unit": "mm", "transform": {"origin_offset": [200_000, 0, 0]}}
    for row in delivery.stations:
        row.update({axis: str(1000 * float(row[axis])) for axis in "xyz"})
        row["x"] = str(200_000_000 + float(row["x"]))
    validation = reported(delivery)
    assert validation.verdict is Verdict.ACCEPTED, validation.headline
    assert validation.capture is not None
    assert validation.capture.stations[0].pose.position == pytest.approx((4, 3, 1.5))


def test_units_are_guessed_through_the_transform(delivery: Delivery) -> None:
    delivery.checks["bounds"] = {"minimum": [0, 0, 0], "maximum": [200, 200, 10]}
    delivery.manifest["frame"]["transform"] = {"origin_offset": [-10, -10, 0]}
    for row in delivery.stations:
        row.update({axis: str(1000 * float(row[axis])) for axis in "xyz"})
    assert "Are these millimetres? Then set frame.unit: mm" in reported(delivery).headline


@pytest.mark.parametrize(
    "frame",
    [
        {"transform": {"scale": 0.001}},
        {"transform": [[0.001, 0, 0, 5], [0, 0.001, 0, 7], [0, 0, 0.001, 0], [0, 0, 0, 1]]},
        {"transform": {"scale": 0.01}},
        {"unit": "mm"},
        {"unit": "cm"},
    ],
)
@pytest.mark.parametrize(
    ("count", "bounds"), [(2, None), (8, {"minimum": [-100, -100, -10], "maximum": [100, 100, 10]})]
)
def test_a_scale_that_crowds_all_stations_is_named(
    delivery: Delivery, frame: dict[str, Any], count: int, bounds: dict[str, Any] | None
) -> None:
    delivery.manifest["frame"] |= frame
    delivery.stations = delivery.stations[:count]
    delivery.checks |= {"bounds": bounds} if bounds else {}
    validation = reported(delivery)
    assert validation.verdict is Verdict.ACCEPTED
    assert f"half of the {count} stations lie within 0." in messages(validation)
    assert "If not, correct frame.unit (now " in messages(validation)


def asked(delivery: Delivery, places: list[tuple[float, float, float]], unit: str) -> str:
    """Sentences of P15 about stations at these places, none of which stops the capture."""
    delivery.manifest["frame"] |= {"unit": unit}
    delivery.stations = [
        {
            **delivery.stations[0],
            "station_id": f"p-{at:03}",
            "station_name": f"P {at}",
            "x": f"{x}",
            "y": f"{y}",
            "z": f"{z}",
        }
        for at, (x, y, z) in enumerate(places)
    ]
    found = [finding for finding in delivery.check().findings if finding.rule == "P15"]
    assert all(finding.disposition.value == "warn" for finding in found)
    return " ".join(finding.message for finding in found)


@pytest.mark.parametrize(
    ("places", "unit"),
    [
        ([(10_000, 5_000, 1_500), (10_000, 5_000, 1_660)], "mm"),
        ([(10_000 + 9 * at, 5_000 + at * at, 1_500) for at in range(8)], "mm"),
        ([(0.3 * at, 0.1 * at, 5) for at in range(5)], "ft"),
    ],
)
def test_stations_of_one_place_are_asked_about_and_taken(
    delivery: Delivery, places: list[tuple[float, float, float]], unit: str
) -> None:
    assert "Were they taken at one place?" in asked(delivery, places, unit)


def test_a_corridor_in_the_wrong_unit_is_asked_about_however_long(delivery: Delivery) -> None:
    assert "half of the 28 stations" in asked(delivery, [(4 * at, 0.3 * (at % 3), 1.5) for at in range(28)], "cm")


def test_many_stations_of_a_small_room_are_no_crowd(delivery: Delivery) -> None:
    places = [(float(at % 10), float(at // 10), 5.0) for at in range(100)]
    assert "taken at one place" not in asked(delivery, places, "ft")


@pytest.mark.parametrize("frame", [{"transform": {"scale": 0.001}}, {"unit": "mm"}, {"unit": "in"}])
def test_a_scale_that_fits_the_numbers_is_taken(delivery: Delivery, frame: dict[str, Any]) -> None:
    delivery.manifest["frame"] |= frame
    for row in delivery.stations:
        row.update({axis: str(1000 * float(row[axis])) for axis in "xyz"})
    assert reported(delivery).verdict is Verdict.ACCEPTED


def turned_by(degrees: float, digits: int, shift: tuple[float, float] = (0, 0)) -> list[list[float]]:
    c, s = (round(float(part), digits) for part in (np.cos(np.radians(degrees)), np.sin(np.radians(degrees))))
    return [[c, -s, 0, shift[0]], [s, c, 0, shift[1]], [0, 0, 1, 0], [0, 0, 0, 1]]


@pytest.mark.parametrize("digits", [3, 4, 6, 12])
def test_a_rounded_matrix_is_taken_where_its_rounding_moves_nothing(delivery: Delivery, digits: int) -> None:
    delivery.manifest["frame"]["transform"] = turned_by(33, digits)
    validation = reported(delivery)
    assert validation.verdict is Verdict.ACCEPTED, validation.headline
    assert validation.capture is not None
    exact = np.array(turned_by(33, 15))[:2, :2] @ (32, 4)
    assert validation.capture.stations[-1].pose.position[:2] == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize(("degrees", "digits"), [(33, 4), (33, 3), (17, 2)])
def test_a_rounded_matrix_is_refused_where_its_rounding_moves_stations(
    delivery: Delivery, degrees: float, digits: int
) -> None:
    far = np.array([501_000.0, 4_683_000.0])
    shift = -np.array(turned_by(degrees, digits))[:2, :2] @ far
    delivery.manifest["frame"]["transform"] = turned_by(degrees, digits, (float(shift[0]), float(shift[1])))
    for row in delivery.stations:
        row.update(x=str(far[0] + float(row["x"])), y=str(far[1] + float(row["y"])))
    validation = reported(delivery)
    assert validation.verdict is Verdict.REJECTED
    assert "frame.transform.matrix is rounded, or skews" in messages(validation)
    assert "Write it with all its digits" in messages(validation)


@pytest.mark.parametrize(("degrees", "digits"), [(41, 2), (2, 2), (45, 2), (34.5, 2), (41, 3)])
def test_rounding_counts_by_the_digits_and_not_by_the_skew(delivery: Delivery, degrees: float, digits: int) -> None:
    delivery.manifest["frame"]["transform"] = turned_by(degrees, digits)
    delivery.stations = delivery.stations[:2]
    delivery.stations[1]["x"] = "130"
    stopped = [finding for finding in delivery.check().findings if finding.rule == "P15"]
    assert [finding.disposition.value for finding in stopped] == ["stop"]


@pytest.mark.parametrize(
    "turn", [NO_TURN, [[0, -0.3048, 0], [0.3048, 0, 0], [0, 0, 0.3048]], [[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]]]
)
def test_a_matrix_of_few_digits_that_turns_and_scales_exactly_is_taken(
    delivery: Delivery, turn: list[list[float]]
) -> None:
    rows = [[*row[:3], 0] for row in turn[:3]] + [[0, 0, 0, 1]]
    delivery.manifest["frame"]["transform"] = rows
    delivery.stations = delivery.stations[:2]
    delivery.stations[1]["x"] = "900"
    assert [finding for finding in delivery.check().findings if finding.rule == "P15"] == []


@pytest.mark.parametrize("digits", [2, 3])
def test_rounded_rotations_of_stations_are_rotations(delivery: Delivery, digits: int) -> None:
    delivery.manifest["rotation"]["kind"] = "matrix"
    for number, row in enumerate(delivery.stations):
        turn = np.array(turned_by(7 * number + 26, 15))[:3, :3]
        lean = np.array([[1, 0, 0], [0, np.cos(0.04), -np.sin(0.04)], [0, np.sin(0.04), np.cos(0.04)]])
        for name in ("qw", "qx", "qy", "qz"):
            del row[name]
        row.update({f"r{at // 3}{at % 3}": f"{value:.{digits}f}" for at, value in enumerate((turn @ lean).flat)})
    assert reported(delivery).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize("size", [LARGEST, 1e200, 1e9])
def test_neighbours_and_the_drawing_hold_for_any_number(size: float) -> None:
    places = np.array([[0, 0, 0], [size, 0, 0], [-size, size, 0], [0, 4, 0], [np.inf, 0, 0], [4, 0, 0], [0.01, 0, 0]])
    rows, others, _ = close_pairs(places, 0.05)
    assert (rows.tolist(), others.tolist()) == ([6], [0])
    assert lonely(places, 50)[0].tolist() == []
    drawing = plan_view([PlanPoint(str(at), float(x), float(y), False) for at, (x, y, _) in enumerate(places)])
    assert drawing is not None
    assert (len(drawing.marks), drawing.left_out) == (4, 3)
    assert plan_view([PlanPoint("a", size * 2, 0.0, True)]) is None


@pytest.mark.parametrize("name", ["transform-1e15", "transform-1e17"])
def test_delivered_transforms(shared: Path, delivery: Delivery, name: str) -> None:
    delivery.manifest = yaml.safe_load((shared / "data/hostile" / name / "capture.yaml").read_text())
    del delivery.manifest["expected_stations"]
    validation = reported(delivery, CaptureKey("hall-7", delivery.manifest["capture_id"]))
    assert validation.verdict is Verdict.REJECTED
    assert "too far away to be a place" in validation.headline


def test_a_delivered_table_of_huge_numbers(shared: Path, tmp_path: Path) -> None:
    delivery = Delivery(tmp_path / "hall-7" / "2026-04-17", stations=[], checks={"max_quarantine_fraction": 1})
    paths = [f"images/s-00{number}/{face}.jpg" for number in (1, 2, 3) for face in FACES]
    delivery.files = {path: picture(512, 512, seed) for seed, path in enumerate(paths)}
    delivery.path.mkdir(parents=True)
    shutil.copyfile(shared / "data/hostile/x-1e308/stations.csv", delivery.path / "stations.csv")
    validation = reported(delivery)
    assert set(validation.quarantined) == {"s-001", "s-002"}
    assert [point.station for point in validation.plan] == ["s-003"]


@pytest.mark.parametrize(
    ("name", "said"),
    [("hostile/e57-x-1e308", "too far away to be one"), ("field-cases/e11-utm", "look like a map grid")],
)
def test_delivered_scans(shared: Path, tmp_path: Path, name: str, said: str) -> None:
    folder = tmp_path / "hall-7" / "scan"
    folder.mkdir(parents=True)
    shutil.copyfile(shared / "data" / name / "scan.e57", folder / "scan.e57")
    validation = check_capture(CaptureFolder(str(folder)), key=CaptureKey("hall-7", "scan"))
    assert said in messages(validation)
    assert render(validation, CaptureFolder(str(folder)))
    json.dumps(validation_document(validation), allow_nan=False)
