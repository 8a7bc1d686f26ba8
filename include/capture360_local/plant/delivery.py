"""Capture folders as surveyors deliver them: images first, then tables and manifest, the marker last."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from capture360_local.plant.camera import FACES
from capture360_local.plant.delivered import Delivered
from capture360_local.plant.render import Pixels
from capture360_local.plant.scan import ScanImage, camera_quaternion, face_in_cube, turned_left, write_scan
from capture360_local.plant.survey import Stop

MARKER = "_READY"
SCAN = "scan.e57"
JPEG_QUALITY = 90
CANONICAL = ("x", "y", "z", "qw", "qx", "qy", "qz")
NAVVIS = ("pano_pos_x", "pano_pos_y", "pano_pos_z", "pano_ori_w", "pano_ori_x", "pano_ori_y", "pano_ori_z")


@dataclass
class Delivery:
    """A delivery in progress. Images are already written; table and manifest can be changed until `close`.

    Images of a scan are in `scan` instead; `damage` is applied to the finished file. `columns` names
    the table's columns for x, y, z, qw, qx, qy, qz, the station, its time and its image (if any).
    """

    folder: Path
    form: Delivered
    manifest: dict[str, Any]
    columns: dict[str, str]
    header: list[str]
    rows: list[dict[str, str]]
    images: dict[str, list[Path]] = field(default_factory=dict)
    encoding: str = "utf-8"
    faces: list[dict[str, str]] | None = None
    ready: bool = True
    scan: list[ScanImage] = field(default_factory=list)
    damage: list[Callable[[Path], None]] = field(default_factory=list)

    def row(self, station: str) -> dict[str, str]:
        """Return the table's first row of a station."""
        return next(row for row in self.rows if row[self.columns["station"]] in {station, station.lstrip("0") or "0"})

    def close(self) -> None:
        """Write table, manifest and, if the delivery is ready, the marker with the numbers of files and bytes."""
        if self.form.scanned:
            write_scan(self.folder / SCAN, self.manifest["capture_id"], self.scan)
            for spoil in self.damage:
                spoil(self.folder / SCAN)
        else:
            self._write_table()
        text = yaml.safe_dump(self.manifest, sort_keys=False, allow_unicode=True)
        (self.folder / "capture.yaml").write_bytes(text.encode())
        if self.ready:
            files = [path for path in self.folder.rglob("*") if path.is_file()]
            count = {"files": len(files), "bytes": sum(path.stat().st_size for path in files)}
            (self.folder / MARKER).write_bytes(json.dumps(count).encode())

    def _write_table(self) -> None:
        table = self.folder / ("pano/pano-poses.csv" if self.form is Delivered.NAVVIS else "stations.csv")
        table.write_bytes(self._table().encode(self.encoding))
        if self.faces is not None:
            (self.folder / "faces.csv").write_bytes(_csv(["station_id", "face", "file"], self.faces).encode())

    def _table(self) -> str:
        if self.form is not Delivered.NAVVIS:
            return _csv(self.header, self.rows)
        lines = ["# pano poses v1.0: " + "; ".join(self.header)]
        lines += ["; ".join(row[name] for name in self.header) for row in self.rows]
        return "\n".join(lines) + "\n"


def _csv(header: list[str], rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, header, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def open_delivery(
    folder: Path, form: Delivered, stops: list[Stop], *, site: str, site_name: str, capture: str, resolution: int
) -> Delivery:
    """Create an empty folder, and its table and manifest in memory. `resolution` is the width of a face or panorama."""
    navvis = form is Delivered.NAVVIS
    names = dict(zip(CANONICAL, NAVVIS if navvis else CANONICAL, strict=True))
    if navvis:
        names |= {"station": "ID", "time": "timestamp", "image": "filename"}
        header = ["ID", "filename", "timestamp", *NAVVIS]
    else:
        names |= {"station": "station_id", "time": "time_taken", "image": "pano_file"}
        header = ["station_id", "station_name", *CANONICAL, "time_taken"] + (["pano_file"] if form.panoramic else [])
    if form.scanned:
        folder.mkdir(parents=True, exist_ok=True)
    else:
        (folder / ("pano" if navvis else "panos" if form.panoramic else "images")).mkdir(parents=True)
    rows = [_row(form, stop) for stop in stops]
    manifest = _manifest(form, site=site, site_name=site_name, capture=capture, resolution=resolution)
    manifest["expected_stations"] = len(stops)
    return Delivery(folder, form, manifest, names, header, rows)


def save_images(delivery: Delivery, stop: Stop, images: Mapping[str, Pixels]) -> None:
    """Write the images of a station: six by face name, or one named `panorama`."""
    delivery.images[stop.id] = []
    if delivery.form.scanned:
        delivery.scan += scan_images(delivery.form, stop, images)
        return
    for name, pixels in images.items():
        path = delivery.folder / image_path(delivery.form, stop.id, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, "JPEG", quality=JPEG_QUALITY)
        delivery.images[stop.id].append(path)


def scan_images(form: Delivered, stop: Stop, images: Mapping[str, Pixels]) -> list[ScanImage]:
    """Return a station's images for an E57 file.

    Scanners differ in the order of the six, and in which side of ceiling and floor is up.
    """
    if form.panoramic:
        pixels = images["panorama"]
        size = pixels.shape[1], pixels.shape[0]
        content = _jpeg(pixels)
        return [ScanImage(stop.id, "spherical", content, size, stop.position, stop.quaternion, stop.taken_at)]
    found = []
    for number, face in enumerate(reversed(FACES), 1):
        pixels, camera = images[face], face_in_cube(face)
        if face in {"top", "bottom"}:
            pixels, camera = np.ascontiguousarray(np.rot90(pixels)), turned_left(camera)
        quaternion = camera_quaternion(stop.rotation, camera)
        size = pixels.shape[1], pixels.shape[0]
        content = _jpeg(pixels)
        found.append(
            ScanImage(f"{stop.id}_{number}", "pinhole", content, size, stop.position, quaternion, stop.taken_at)
        )
    return found


def _jpeg(pixels: Pixels) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "JPEG", quality=JPEG_QUALITY)
    return content.getvalue()


def image_path(form: Delivered, station: str, name: str) -> str:
    """Path of a picture in the delivery; `name` is the face. ValueError for scans, which hold their pictures."""
    match form:
        case Delivered.CUBEMAP:
            return f"images/{station}/{name}.jpg"
        case Delivered.PANORAMA:
            return f"panos/{station}.jpg"
        case Delivered.NAVVIS:
            return f"pano/{station}-pano.jpg"
        case _:
            raise ValueError(f"The images of a capture of kind {form} are no files.")


def faces_table(stops: list[str]) -> list[dict[str, str]]:
    """The optional table of all face files."""
    return [
        {"station_id": station, "face": face, "file": image_path(Delivered.CUBEMAP, station, face)}
        for station in stops
        for face in FACES
    ]


def _row(form: Delivered, stop: Stop) -> dict[str, str]:
    numbers = [f"{value:.4f}" for value in stop.position] + [f"{value:.9f}" for value in stop.quaternion]
    if form is Delivered.NAVVIS:
        place = dict(zip(NAVVIS, numbers, strict=True))
        return {
            "ID": str(int(stop.id)),
            "filename": f"{stop.id}-pano.jpg",
            "timestamp": f"{stop.taken_at.timestamp():.6f}",
            **place,
        }
    row = {"station_id": stop.id, "station_name": stop.name, **dict(zip(CANONICAL, numbers, strict=True))}
    row["time_taken"] = timestamp(stop.taken_at)
    if form is Delivered.PANORAMA:
        row["pano_file"] = image_path(form, stop.id, "panorama")
    return row


def timestamp(moment: datetime) -> str:
    """Time in ISO 8601 with milliseconds, and Z for UTC."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _manifest(form: Delivered, *, site: str, site_name: str, capture: str, resolution: int) -> dict[str, Any]:
    navvis = form is Delivered.NAVVIS
    kind = "e57" if form.scanned else "equirectangular" if form.panoramic else "cubemap"
    return {
        "schema": "capture/1",
        "site_id": site,
        "site_name": site_name,
        "capture_id": capture,
        "collection_label": f"{site_name}, {capture}",
        "kind": kind,
        "source_format": "e57" if form.scanned else "navvis" if navvis else "canonical",
        "frame": {"name": "site", "up": "z", "unit": "m", "handedness": "right"},
        "rotation": {"kind": "quaternion", "quaternion_order": "wxyz", "direction": "camera_to_world"},
        "time": {"base": "unix_s" if navvis else "utc"},
        "image": {"resolution": resolution, "format": "jpeg"},
        "camera": {"make": "Plant", "model": "VLX" if navvis else "Tripod 360", "serial": "0001"},
        "operator": "Generated plant",
        "privacy": "no_people",
    }
