"""Export of an E57 file to a capture folder: its pictures, a stations table and a manifest."""

from __future__ import annotations

import csv
import math
import re
import tempfile
from datetime import UTC
from pathlib import Path
from typing import Any

from capture360.e57.extract import open_picture, picture_blocks, sphere_faces
from capture360.e57.pages import PagedFile
from capture360.e57.photospheres import Photosphere
from capture360.e57.preflight import Preflight
from capture360.e57.verification import Progress, Source, opened
from capture360.errors import BadInputError, RequestError
from capture360.formulas import for_csv
from capture360.geometry import rotation as rot
from capture360.model import CAPTURE_LENGTH, SITE_LENGTH, is_id
from capture360.pictures.jpeg import read_header

COLUMNS = ("station_id", "station_name", "x", "y", "z", "qw", "qx", "qy", "qz", "time_taken")


def export_capture(
    source: Source,
    found: Preflight,
    folder: Path,
    *,
    site: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write all usable spheres of a file to `folder` and return it.

    Spherical pictures are copied as they are to `panos/`. Six pinhole pictures become cube faces below `images/`; in a
    file that has both, so do the spherical ones. The folder's name is the capture, `site` (else its parent's name) the
    site. BadInputError if nothing is usable, a name is not allowed, or the folder is not empty.
    """
    if not found.photospheres:
        raise BadInputError(found.headline)
    folder = folder.absolute()
    site = site or folder.parent.name
    if not is_id(folder.name, CAPTURE_LENGTH) or not is_id(site, SITE_LENGTH):
        raise RequestError(
            f'"{site}/{folder.name}" cannot name a capture. Extract into <site>/<capture>, letters, digits, dot, '
            "underscore and minus only."
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RequestError(f"{folder} is not empty. Name a new folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
        # Nobody sees a folder that is only half there.
        unfinished = Path(scratch, folder.name)
        _write_capture(source, found, unfinished, site, progress)
        unfinished.replace(folder)
    return folder


def _write_capture(source: Source, found: Preflight, folder: Path, site: str, progress: Progress | None) -> None:
    panoramas = all(sphere.panorama for sphere in found.photospheres)
    rows = []
    with opened(source, found.where) as (stream, where):
        file = PagedFile(stream, where)
        for done, sphere in enumerate(found.photospheres, start=1):
            if panoramas:
                rows.append((*_row(sphere, panoramas), _copied(file, sphere, folder)))
            else:
                _write_faces(file, sphere, folder / "images" / sphere.station)
                rows.append(_row(sphere, panoramas))
            if progress:
                progress(done, len(found.photospheres))
    with (folder / "stations.csv").open("w", newline="", encoding="utf-8") as stream_out:
        table = csv.writer(stream_out)
        table.writerow((*COLUMNS, "pano_file") if panoramas else COLUMNS)
        table.writerows(rows)
    _write_manifest(folder, site, found, panoramas)


def _copied(file: PagedFile, sphere: Photosphere, folder: Path) -> str:
    """Copy a panorama; return its path in the capture."""
    assert sphere.panorama is not None and sphere.panorama.blob is not None
    with open_picture(file, sphere.panorama.blob) as picture:
        extension = read_header(picture, file.where, math.inf).extensions[0]
    path = f"panos/{sphere.station}{extension}"
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as out:
        for block in picture_blocks(file, sphere.panorama.blob):
            out.write(block)
    return path


def _write_faces(file: PagedFile, sphere: Photosphere, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for face in sphere_faces(file, sphere):
        extension = "jpg" if face.mime_type == "image/jpeg" else "png"
        (target / f"{face.face}.{extension}").write_bytes(face.content)


def _row(sphere: Photosphere, panoramas: bool) -> tuple[str, ...]:
    name = for_csv(re.sub(r"[\x00-\x1f\x7f]+", " ", sphere.name)[:255])
    # A panorama's rotation is that of its own frame, a cube's that of the cube's.
    rotation = sphere.pose.rotation
    if panoramas and sphere.images[0].pose:
        rotation = rot.normalised(sphere.images[0].pose.rotation)
    time = sphere.taken_at.astimezone(UTC).isoformat() if sphere.taken_at else ""
    return sphere.station, name, *(repr(value) for value in (*sphere.pose.position, *rotation)), time


def _write_manifest(folder: Path, site: str, found: Preflight, panoramas: bool) -> None:
    import yaml

    manifest: dict[str, Any] = {
        "schema": "capture/1",
        "site_id": site,
        "capture_id": folder.name,
        "kind": "panorama" if panoramas else "cubemap",
        "source_format": "canonical",
        "frame": {"name": "site", "up": "z", "unit": "m", "handedness": "right"},
        "rotation": {"kind": "quaternion", "quaternion_order": "wxyz", "direction": "camera_to_world"},
        "time": {"base": "utc"},
        "expected_stations": len(found.photospheres),
        "notes": f"Extracted from {found.where}: {len(found.photospheres)} of {found.total} photospheres.",
    }
    text = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True)
    (folder / "capture.yaml").write_text(text, encoding="utf-8")
