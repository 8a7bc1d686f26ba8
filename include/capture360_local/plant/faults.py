"""Faults of deliveries. Each one damages a correct delivery, and states the expected outcome."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from PIL import Image

from capture360_local.plant.delivered import Delivered
from capture360_local.plant.delivery import Delivery, faces_table
from capture360_local.plant.scan import PAGE

ALL = frozenset(Delivered)
SCANS = frozenset(form for form in Delivered if form.scanned)
TABLES = ALL - SCANS
CANONICAL = frozenset({Delivered.CUBEMAP, Delivered.PANORAMA})
CUBES = frozenset({Delivered.CUBEMAP})
PANORAMAS = frozenset({Delivered.PANORAMA, Delivered.NAVVIS})


class Effect(StrEnum):
    """Expected outcome: leave the station out, refuse the capture, wait for it, warn, or accept it."""

    QUARANTINE = "quarantine"
    STOP = "stop"
    WAIT = "wait"
    WARN = "warn"
    NONE = "none"


Spoiler = Callable[[Delivery, Sequence[str]], None]


@dataclass(frozen=True)
class Fault:
    """A fault: of some stations of a delivery, or of all of it if `stations` is False."""

    name: str
    effect: Effect
    says: str
    forms: frozenset[Delivered]
    stations: bool
    spoil: Spoiler


FAULTS: dict[str, Fault] = {}


def _fault(
    name: str, effect: Effect, says: str, *, forms: frozenset[Delivered] = TABLES, stations: bool = True
) -> Callable[[Spoiler], Spoiler]:
    def register(spoil: Spoiler) -> Spoiler:
        FAULTS[name] = Fault(name, effect, says, forms, stations, spoil)
        return spoil

    return register


def parse_fault(text: str) -> tuple[Fault, int]:
    """Parse `NAME` or `NAME=STATIONS`; ValueError with a sentence if it is neither."""
    name, equals, count = text.partition("=")
    fault = FAULTS.get(name)
    if fault is None:
        raise ValueError(f'There is no fault "{name}". Known: {", ".join(FAULTS)}.')
    if not equals:
        return fault, 1
    if not fault.stations:
        raise ValueError(f'Fault "{name}" spoils the whole capture: give it without a number.')
    if not count.isascii() or not count.isdigit() or int(count) < 1:
        raise ValueError(f'"{text}": write a number of stations of at least 1 after the equals sign.')
    return fault, int(count)


@_fault("missing-face", Effect.QUARANTINE, "an image file of the station is not there")
def _missing(delivery: Delivery, stations: Sequence[str]) -> None:
    for station in stations:
        images = delivery.images[station]
        images[len(images) // 2].unlink()


@_fault("truncated-jpeg", Effect.QUARANTINE, "an image file ends after 60 % of its bytes")
def _truncated(delivery: Delivery, stations: Sequence[str]) -> None:
    for path in _first_images(delivery, stations):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) * 6 // 10])


@_fault("zero-byte-face", Effect.QUARANTINE, "an image file is empty")
def _empty_file(delivery: Delivery, stations: Sequence[str]) -> None:
    for path in _first_images(delivery, stations):
        path.write_bytes(b"")


@_fault("wrong-face-size", Effect.QUARANTINE, "a cube face is one row of pixels short", forms=CUBES)
def _not_square(delivery: Delivery, stations: Sequence[str]) -> None:
    for path in _first_images(delivery, stations):
        with Image.open(path) as image:
            cropped = image.crop((0, 0, image.width, image.height - 1))
        cropped.save(path, "JPEG", quality=90)


@_fault("not-2to1", Effect.QUARANTINE, "a panorama has lost its upper and lower eighth", forms=PANORAMAS)
def _cropped(delivery: Delivery, stations: Sequence[str]) -> None:
    for path in _first_images(delivery, stations):
        with Image.open(path) as image:
            cropped = image.crop((0, image.height // 8, image.width, image.height - image.height // 8))
        cropped.save(path, "JPEG", quality=90)


@_fault("png-named-jpg", Effect.QUARANTINE, "an image is a PNG under a name that ends in .jpg")
def _misnamed(delivery: Delivery, stations: Sequence[str]) -> None:
    for path in _first_images(delivery, stations):
        with Image.open(path) as image:
            image.load()
        image.save(path, "PNG")


@_fault("giant-png", Effect.QUARANTINE, "a PNG of some kilobytes declares 50,000 x 50,000 pixels")
def _giant(delivery: Delivery, stations: Sequence[str]) -> None:
    for station in stations:
        path = delivery.images[station][0]
        path.unlink()
        path.with_suffix(".png").write_bytes(_png_header(50_000, 50_000))
        if delivery.form.panoramic:
            row, column = delivery.row(station), delivery.columns["image"]
            row[column] = row[column].replace(".jpg", ".png")


@_fault("copied-face", Effect.WARN, "the front picture was copied over the back", forms=CUBES)
def _copied(delivery: Delivery, stations: Sequence[str]) -> None:
    for station in stations:
        faces = {path.stem: path for path in delivery.images[station]}
        faces["back"].write_bytes(faces["front"].read_bytes())


@_fault("lens-cap", Effect.WARN, "an image is black")
def _black(delivery: Delivery, stations: Sequence[str]) -> None:
    for path in _first_images(delivery, stations):
        with Image.open(path) as image:
            size = image.size
        Image.new("RGB", size).save(path, "JPEG", quality=90)


@_fault("decimal-comma", Effect.QUARANTINE, "x is written with a decimal comma", forms=CANONICAL)
def _comma(delivery: Delivery, stations: Sequence[str]) -> None:
    for station in stations:
        row = delivery.row(station)
        row["x"] = row["x"].replace(".", ",")


@_fault("duplicate-station", Effect.QUARANTINE, "the station stands in the table twice")
def _twice(delivery: Delivery, stations: Sequence[str]) -> None:
    for station in stations:
        delivery.rows.append(dict(delivery.row(station)))
    delivery.manifest["expected_stations"] = len(delivery.rows)


@_fault("empty-z", Effect.QUARANTINE, "z is empty")
def _no_height(delivery: Delivery, stations: Sequence[str]) -> None:
    for station in stations:
        delivery.row(station)[delivery.columns["z"]] = ""


@_fault("nonunit-quaternion", Effect.QUARANTINE, "the quaternion is 12 % too long")
def _stretched(delivery: Delivery, stations: Sequence[str]) -> None:
    for station in stations:
        row = delivery.row(station)
        for part in ("qw", "qx", "qy", "qz"):
            name = delivery.columns[part]
            row[name] = f"{float(row[name]) * 1.12:.9f}"


@_fault("overflow-number", Effect.QUARANTINE, "x is 1e400, more than a number can hold")
def _overflow(delivery: Delivery, stations: Sequence[str]) -> None:
    for station in stations:
        delivery.row(station)[delivery.columns["x"]] = "1e400"


@_fault("bad-date", Effect.QUARANTINE, "the station was taken on the 31st of April", forms=CANONICAL)
def _no_such_day(delivery: Delivery, stations: Sequence[str]) -> None:
    for station in stations:
        delivery.row(station)["time_taken"] = "31/04/2025"


@_fault("path-escape", Effect.QUARANTINE, "the table names an image outside the capture folder")
def _escape(delivery: Delivery, stations: Sequence[str]) -> None:
    for station in stations:
        if delivery.form.panoramic:
            delivery.row(station)[delivery.columns["image"]] = "../../outside.jpg"
            continue
        if delivery.faces is None:
            delivery.faces = faces_table(list(delivery.images))
        face = next(row for row in delivery.faces if row["station_id"] == station)
        face["file"] = "../../outside.jpg"


@_fault("missing-column", Effect.STOP, "the column of x has another name", stations=False)
def _renamed(delivery: Delivery, _: Sequence[str]) -> None:
    known, unknown = delivery.columns["x"], "pos_x"
    delivery.header[delivery.header.index(known)] = unknown
    for row in delivery.rows:
        row[unknown] = row.pop(known)


@_fault("millimetres", Effect.STOP, "positions are millimetres, the manifest says metres", stations=False)
def _millimetres(delivery: Delivery, _: Sequence[str]) -> None:
    for row in delivery.rows:
        for axis in ("x", "y", "z"):
            row[delivery.columns[axis]] = f"{float(row[delivery.columns[axis]]) * 1000:.1f}"


@_fault("all-zero", Effect.STOP, "every pose is zero: the poses were not exported", stations=False)
def _not_exported(delivery: Delivery, _: Sequence[str]) -> None:
    for row in delivery.rows:
        for part in ("x", "y", "z", "qx", "qy", "qz"):
            row[delivery.columns[part]] = "0"
        row[delivery.columns["qw"]] = "1"


@_fault("no-timezone", Effect.STOP, "times are local and nothing names their zone", forms=CANONICAL, stations=False)
def _no_zone(delivery: Delivery, _: Sequence[str]) -> None:
    delivery.manifest["time"] = {"base": "local"}
    for row in delivery.rows:
        row["time_taken"] = row["time_taken"].rstrip("Z")


@_fault("wrong-count", Effect.STOP, "the manifest promises two stations more", forms=ALL, stations=False)
def _too_few(delivery: Delivery, _: Sequence[str]) -> None:
    delivery.manifest["expected_stations"] += 2


@_fault("unready", Effect.WAIT, "the marker _READY is not there", forms=ALL, stations=False)
def _not_ready(delivery: Delivery, _: Sequence[str]) -> None:
    delivery.ready = False


@_fault("stretched-pose", Effect.QUARANTINE, "the image's quaternion is 12 % too long", forms=SCANS)
def _stretched_pose(delivery: Delivery, stations: Sequence[str]) -> None:
    delivery.scan = [
        replace(image, quaternion=image.quaternion * 1.12) if image.name.partition("_")[0] in stations else image
        for image in delivery.scan
    ]


@_fault("truncated-e57", Effect.STOP, "the file ends after 60 % of its bytes", forms=SCANS, stations=False)
def _cut_off(delivery: Delivery, _: Sequence[str]) -> None:
    def cut(path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: len(content) * 6 // 10])

    delivery.damage.append(cut)


@_fault("corrupt-page", Effect.STOP, "a page in the middle of the file has a wrong byte", forms=SCANS, stations=False)
def _corrupt(delivery: Delivery, _: Sequence[str]) -> None:
    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[len(content) // PAGE // 2 * PAGE + 500] ^= 0xFF
        path.write_bytes(content)

    delivery.damage.append(flip)


@_fault("no-panoramas", Effect.STOP, "the scan holds a reference photo and no panorama", forms=SCANS, stations=False)
def _no_panoramas(delivery: Delivery, _: Sequence[str]) -> None:
    delivery.scan = [replace(delivery.scan[0], kind="visualReference")]


@_fault("bom-table", Effect.NONE, "the table begins with a byte order mark", stations=False)
def _bom(delivery: Delivery, _: Sequence[str]) -> None:
    delivery.encoding = "utf-8-sig"


@_fault("utf16-table", Effect.NONE, "the table is UTF-16, as spreadsheets save it", stations=False)
def _utf16(delivery: Delivery, _: Sequence[str]) -> None:
    delivery.encoding = "utf-16"


def _first_images(delivery: Delivery, stations: Sequence[str]) -> list[Path]:
    return [delivery.images[station][0] for station in stations]


def _png_header(width: int, height: int) -> bytes:
    """Return a PNG that declares its size and ends after some rows: a few kB whatever the size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    some_rows = zlib.compress(bytes((1 + 3 * width) * 16), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", some_rows) + chunk(b"IEND", b"")
