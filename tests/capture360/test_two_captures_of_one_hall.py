"""Two captures of one hall, delivered in different forms, units and frames: a plate is in the same place in both."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import yaml

from capture360.checks.check import check_capture
from capture360.geometry.projection import face_directions
from capture360.geometry.rotation import matrix_from_quaternion
from capture360.landing.folder import CaptureFolder
from capture360.model import Capture, CaptureKey
from capture360.settings.checks import CheckSettings
from capture360.settings.landing import Landing
from capture360.settings.site import Site
from capture360_local.plant.hall import build_hall
from capture360_local.plant.rotation import about_z, matrix_of, quaternion_of
from capture360_local.plant.sample import Truth, write_sample
from capture360_local.plant.truth import plates_truth

YAW_DEG, OFFSET_M = 37.0, np.array([250.0, -80.0, 12.5])
LEAST_SPREAD_DEG = 15
STATIONS, SEED, FACE_SIZE = 8, 3, 2048


def sample(tmp_path: Path, name: str, kind: str, visit: int) -> Truth:
    folder = tmp_path / "hall" / name
    return write_sample(folder, kind=kind, stations=STATIONS, face_size=32, visit=visit, seed=SEED, views=False)


def deliver_in_another_frame(folder: Path) -> None:
    """The same poses in millimetres, from another origin and turned; the manifest says how to come back."""
    turn = about_z(np.radians(-YAW_DEG))
    with (folder / "stations.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        place = turn @ [float(row[axis]) for axis in "xyz"] + OFFSET_M
        turned = turn @ matrix_of(np.array([float(row[f"q{part}"]) for part in "wxyz"]))
        row |= {axis: f"{1000 * value:.1f}" for axis, value in zip("xyz", place, strict=True)}
        row |= {f"q{part}": f"{value:.9f}" for part, value in zip("wxyz", quaternion_of(turned), strict=True)}
    with (folder / "stations.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    manifest = yaml.safe_load((folder / "capture.yaml").read_text())
    transform = {"origin_offset": OFFSET_M.tolist(), "yaw_deg": YAW_DEG}
    manifest["frame"] |= {"name": "survey", "unit": "mm", "transform": transform}
    (folder / "capture.yaml").write_text(yaml.safe_dump(manifest))


def accepted(truth: Truth) -> Capture:
    checks = CheckSettings(
        min_face_resolution=16, recommended_face_resolution=16, min_panorama_width=64, min_file_bytes=50
    )
    site = Site(id="hall", name="Hall", landing=Landing(url="unused"), space="captures", checks=checks)
    validation = check_capture(CaptureFolder(str(truth.folder)), site=site, key=CaptureKey("hall", truth.capture))
    assert validation.capture is not None, validation.headline
    return validation.capture


def plates(capture: Capture, truth: Truth) -> dict[str, np.ndarray]:
    """Where the capture's poses put the middle of each plate that is seen whole from far enough apart."""
    poses = {station.id: station.pose for station in capture.stations}
    found = {}
    # The pictures themselves are tiny here; where the plates show does not depend on that.
    for plate in plates_truth(build_hall(SEED), truth.stations, truth.site, FACE_SIZE):
        corners: dict[int, list[tuple[np.ndarray, np.ndarray]]] = defaultdict(list)
        for region in plate.seen:
            if region.share == 1 and len(region.polygon) == 4:
                pose = poses[region.station]
                rays = face_directions(region.face, region.polygon) @ matrix_from_quaternion(pose.rotation).T
                for corner, ray in enumerate(rays):
                    corners[corner].append((np.array(pose.position), ray))
        if corners and spread([ray for _, ray in corners[0]]) > LEAST_SPREAD_DEG:
            found[plate.id] = np.mean([meeting(corners[corner]) for corner in range(4)], axis=0)
    return found


def spread(rays: list[np.ndarray]) -> float:
    """The widest angle between two rays, in degrees."""
    cosines = np.clip(np.array(rays) @ np.array(rays).T, -1, 1)
    return float(np.degrees(np.arccos(np.abs(cosines).min())))


def meeting(sights: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """The point nearest to all rays, by least squares."""
    across = [np.eye(3) - np.outer(ray, ray) for _, ray in sights]
    return np.linalg.solve(sum(across), sum(part @ place for part, (place, _) in zip(across, sights, strict=True)))


def test_a_plate_is_in_the_same_place_in_both(tmp_path: Path) -> None:
    first, second = sample(tmp_path, "spring", "cubemap", 0), sample(tmp_path, "autumn", "panorama", 1)
    deliver_in_another_frame(second.folder)
    one, other = plates(accepted(first), first), plates(accepted(second), second)
    both = sorted(one.keys() & other.keys())
    assert len(both) >= 5
    truth = {plate.id: np.mean(plate.corners, axis=0) for plate in first.plates}
    for plate in both:
        assert np.linalg.norm(one[plate] - other[plate]) < 0.05, plate
        assert np.linalg.norm(one[plate] - truth[plate]) < 0.05, plate
