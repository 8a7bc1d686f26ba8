"""Ground truth of a sample: poses, plates with their visible regions, assets, and views along the axes."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from capture360_local.plant.camera import EYES, FACES, CubeFace, on_face
from capture360_local.plant.delivery import timestamp
from capture360_local.plant.hall import Hall, Plate
from capture360_local.plant.render import Camera, Renderer
from capture360_local.plant.rotation import Floats, quaternion_of, tilt_of
from capture360_local.plant.survey import Stop
from capture360_local.plant.tags import Tag

LEAST_CAP_PIXELS = 2.0
SAMPLES = (11, 5)  # points across and down a plate that are looked for


@dataclass(frozen=True)
class Region:
    """Region of a face that shows a plate, or a part of it, at one station.

    `polygon` in 0..1 of the face, x right, y down, from the plate's top left corner clockwise as its reader sees it.
    `share` is the fraction of the plate on this face, `visible` the unhidden fraction of that.
    """

    station: str
    face: str
    polygon: tuple[tuple[float, float], ...]
    cap_height_px: float
    share: float
    visible: float
    distance_m: float
    view_angle_deg: float


@dataclass(frozen=True)
class PlateTruth:
    """A plate and all its regions. `asset` is None for signs and for tags that the asset list does not hold."""

    id: str
    text: str
    lines: tuple[str, ...]
    small_print: str
    tag: str | None
    asset: str | None
    cap_height_m: float
    corners: tuple[tuple[float, float, float], ...]
    normal: tuple[float, float, float]
    seen: tuple[Region, ...]


def asset_id(site: str, tag: str) -> str:
    """External id of the asset with this tag."""
    return f"{site}:{tag}"


def plates_truth(hall: Hall, stops: Sequence[Stop], site: str, face_size: int) -> tuple[PlateTruth, ...]:
    """Return all plates of the hall; cap heights are in pixels of faces of `face_size`."""
    seen: dict[str, list[Region]] = {plate.id: [] for plate in hall.plates}
    for stop in stops:
        for plate, region in _regions(hall, stop, face_size):
            seen[plate.id].append(region)
    return tuple(
        PlateTruth(
            plate.id,
            plate.text,
            plate.lines,
            plate.small_print,
            plate.tag,
            asset_id(site, plate.tag) if plate.tag and plate.in_asset_list else None,
            plate.cap_height,
            tuple(map(_triple, plate.corners.round(5))),
            _triple(plate.normal.round(6)),
            tuple(seen[plate.id]),
        )
        for plate in hall.plates
    )


def _triple(values: Floats) -> tuple[float, float, float]:
    x, y, z = map(float, values)
    return x, y, z


def _regions(hall: Hall, stop: Stop, face_size: int) -> list[tuple[Plate, Region]]:
    """Yield the regions of all plates that face a station."""
    facing = [plate for plate in hall.plates if (stop.position - plate.corners.mean(axis=0)) @ plate.normal > 0.02]
    if not facing:
        return []
    points = np.stack([_points(plate) for plate in facing])  # (plates, samples, 3)
    rays = points - stop.position
    distance = np.linalg.norm(rays, axis=2)
    _, hit = hall.caster.cast(stop.position, np.moveaxis(rays / distance[..., None], 2, 0))
    visible = hit == np.array([plate.solid for plate in facing])[:, None]
    found = []
    for number, plate in enumerate(facing):
        local = rays[number] @ stop.rotation  # into the cube frame
        forward = np.stack([local @ EYES[face].forward for face in FACES])
        home = forward.argmax(axis=0)
        for index, face in enumerate(FACES):
            here = home == index
            polygon = _clipped((plate.corners - stop.position) @ stop.rotation, face)
            if not here.any() or len(polygon) < 3:
                continue
            middle = points[number][here].mean(axis=0) - stop.position
            cap = _cap_pixels(plate, middle, stop.rotation, face, face_size)
            if cap < LEAST_CAP_PIXELS:
                continue
            away = float(np.linalg.norm(middle))
            found.append(
                (
                    plate,
                    Region(
                        stop.id,
                        face,
                        tuple((round(float(x), 6), round(float(y), 6)) for x, y in on_face(face, polygon)),
                        round(cap, 2),
                        round(float(here.mean()), 3),
                        round(float(visible[number][here].mean()), 3),
                        round(away, 3),
                        round(float(np.degrees(np.arccos(np.clip(-middle @ plate.normal / away, -1, 1)))), 2),
                    ),
                )
            )
    return found


def _points(plate: Plate) -> Floats:
    """Points (samples, 3) spread over a plate, none on its edge."""
    across = (np.arange(SAMPLES[0]) + 0.5) / SAMPLES[0]
    down = (np.arange(SAMPLES[1]) + 0.5) / SAMPLES[1]
    top_left, top_right, _, bottom_left = plate.corners
    grid = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2)
    points: Floats = top_left + grid[:, :1] * (top_right - top_left) + grid[:, 1:] * (bottom_left - top_left)
    return points


def _cap_pixels(plate: Plate, middle: Floats, rotation: Floats, face: str, face_size: int) -> float:
    up = plate.corners[0] - plate.corners[3]
    half = up / np.linalg.norm(up) * plate.cap_height / 2
    low, high = on_face(face, np.stack([middle - half, middle + half]) @ rotation)
    return float(np.linalg.norm(high - low)) * face_size


def _clipped(corners: Floats, face: str) -> Floats:
    """Clip a polygon (n, 3) of the cube frame to the pyramid of a face (Sutherland-Hodgman)."""
    eye = EYES[face]
    for side in (eye.right, -eye.right, eye.up, -eye.up):
        inward = eye.forward - side
        kept: list[Floats] = []
        inside = corners @ inward
        for index, corner in enumerate(corners):
            before = index - 1
            if (inside[index] >= 0) != (inside[before] >= 0):
                part = inside[before] / (inside[before] - inside[index])
                kept.append(corners[before] + part * (corner - corners[before]))
            if inside[index] >= 0:
                kept.append(corner)
        corners = np.array(kept).reshape(-1, 3)
        if not len(corners):
            break
    return corners


def write_views(folder: Path, renderer: Renderer, stop: Stop, size: int) -> None:
    """`<station>/<face>.png`: a cube that is not rotated, so front looks along -Y of the world, right along -X, ..."""
    (folder / stop.id).mkdir(parents=True)
    views = renderer.render(Camera(stop.position, np.eye(3)), [CubeFace(face, size) for face in FACES])
    for face, pixels in zip(FACES, views, strict=True):
        Image.fromarray(pixels).save(folder / stop.id / f"{face}.png", compress_level=3)


def write_poses(folder: Path, stops: Sequence[Stop]) -> None:
    """Write `poses.json`: the true pose of each station beside the rotation that its table row states."""
    stations = [
        {
            "station": stop.id,
            "name": stop.name,
            "position": stop.position.tolist(),
            "quaternion_wxyz": quaternion_of(stop.rotation).tolist(),
            "rotation": stop.rotation.tolist(),
            "table_quaternion_wxyz": stop.quaternion.tolist(),
            "tilt_deg": round(float(np.degrees(tilt_of(stop.rotation))), 4),
            "taken_at": timestamp(stop.taken_at),
        }
        for stop in stops
    ]
    about = "quaternion_wxyz and rotation turn the cube frame (front -Y, left +X, top +Z) into the site frame; metres"
    write_json(folder / "poses.json", {"about": about, "stations": stations})


def write_plates(folder: Path, plates: Sequence[PlateTruth], face_size: int) -> None:
    """Write `plates.json`: each plate with the regions of the faces that show it, by station."""

    def entry(plate: PlateTruth) -> dict[str, Any]:
        regions: dict[str, list[dict[str, Any]]] = {}
        for region in plate.seen:
            fields = asdict(region)
            regions.setdefault(fields.pop("station"), []).append(fields)
        return {**asdict(plate), "seen": regions}

    write_json(folder / "plates.json", {"face_size": face_size, "plates": [entry(plate) for plate in plates]})


def write_assets(folder: Path, site: str, tags: Sequence[Tag]) -> None:
    """Write `assets.csv`: an asset for each tag, with its parent."""
    with (folder / "assets.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["externalId", "name", "description", "parentExternalId"])
        for tag in tags:
            parent = asset_id(site, tag.parent) if tag.parent else ""
            writer.writerow([asset_id(site, tag.name), tag.name, tag.description, parent])


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write JSON that is the same, byte for byte, for the same content."""
    path.write_bytes((json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
