"""Writing of a sample: the capture folder as delivered, and its ground truth beside it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from capture360_local.plant.camera import FACES, PANORAMA_IN_CUBE, CubeFace, Panorama
from capture360_local.plant.delivered import Delivered
from capture360_local.plant.delivery import open_delivery, save_images
from capture360_local.plant.faults import Effect, Fault, parse_fault
from capture360_local.plant.hall import build_hall
from capture360_local.plant.render import Camera, Pixels, Renderer
from capture360_local.plant.survey import Stop, walk
from capture360_local.plant.truth import (
    PlateTruth,
    plates_truth,
    write_assets,
    write_json,
    write_plates,
    write_poses,
    write_views,
)

Progress = Callable[[int, int], None]
LARGEST_FACE = 8192
"""Panoramas are four times as wide, and the renderer counts their columns in 16 bits."""
LARGEST_VIEW = 512


@dataclass(frozen=True)
class Spoilt:
    """A fault and the stations that it touched; none if it touches the whole capture."""

    fault: Fault
    stations: tuple[str, ...]


@dataclass(frozen=True)
class Truth:
    """Ground truth of a sample, as in the files of `truth_folder`."""

    folder: Path
    truth_folder: Path
    form: Delivered
    site: str
    capture: str
    face_size: int
    stations: tuple[Stop, ...]
    plates: tuple[PlateTruth, ...]
    spoilt: tuple[Spoilt, ...]

    @property
    def rejected(self) -> bool:
        """Whether a fault makes the whole capture unusable."""
        return any(spoilt.fault.effect is Effect.STOP for spoilt in self.spoilt)

    @property
    def quarantined(self) -> tuple[str, ...]:
        """The stations that should be left out, each once."""
        touched = (s.stations for s in self.spoilt if s.fault.effect is Effect.QUARANTINE)
        return tuple(dict.fromkeys(station for stations in touched for station in stations))


def write_sample(
    folder: Path,
    *,
    kind: str = "cubemap",
    stations: int = 4,
    face_size: int = 1024,
    seed: int = 1,
    spoil: Sequence[str] = (),
    tilt_deg: float | None = None,
    site: str | None = None,
    capture: str | None = None,
    taken_at: datetime | None = None,
    visit: int = 0,
    truth: Path | None = None,
    views: bool = True,
    progress: Progress | None = None,
) -> Truth:
    """Write `folder` and its truth, by default `<folder>.truth`; both must be empty or missing.

    The folder is written under another name, which no landing zone takes for a capture, and renamed once it is
    complete. Nothing is left of a request that fails or is interrupted.

    `kind` is one of `Delivered`; panoramas are 4 x `face_size` wide. `spoil` holds names of `FAULTS`, each
    with `=n` for n stations. `site` and `capture` default to the folder's parent and name. `visit` walks the same hall
    another time. `views=False` leaves out the views along the world's axes, which take half of the time.
    ValueError or FileExistsError, with a sentence, if the request cannot be met.
    """
    form = Delivered(kind)
    folder = folder.resolve()
    truth = truth.resolve() if truth else folder.with_name(folder.name + ".truth")
    site, capture = site or folder.parent.name, capture or folder.name
    _check(folder, truth, stations, face_size)
    faults = _checked_faults(spoil, form, stations)
    hall = build_hall(seed)
    stops = walk(hall, form, stations, seed=seed, visit=visit, tilt_deg=tilt_deg, taken_at=taken_at)
    with _staged(folder, truth) as staged:
        delivery = open_delivery(
            staged,
            form,
            stops,
            site=site,
            site_name=f"Plant {site}",
            capture=capture,
            resolution=face_size * 4 if form.panoramic else face_size,
        )
        renderer = Renderer(hall)
        truth.mkdir(parents=True, exist_ok=True)
        for done, stop in enumerate(stops):
            save_images(delivery, stop, _images(renderer, stop, form, face_size))
            if views:
                write_views(truth, renderer, stop, min(face_size, LARGEST_VIEW))
            if progress:
                progress(done + 1, len(stops))
        plates = plates_truth(hall, stops, site, face_size)
        write_poses(truth, stops)
        write_plates(truth, plates, face_size)
        write_assets(truth, site, hall.tags.assets)
        spoilt = _chosen(faults, [stop.id for stop in stops])
        for each in spoilt:
            each.fault.spoil(delivery, each.stations)
        known = Truth(folder, truth, form, site, capture, face_size, tuple(stops), plates, spoilt)
        write_json(truth / "faults.json", _verdict(known))
        delivery.close()
    return known


@contextmanager
def _staged(folder: Path, truth: Path) -> Iterator[Path]:
    """Yield the folder to write, which becomes `folder` at the end; after an error it and the truth are removed."""
    staged = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(staged, ignore_errors=True)
    try:
        yield staged
        staged.rename(folder)
    except BaseException:
        for each in (staged, truth):
            shutil.rmtree(each, ignore_errors=True)
        raise


def _check(folder: Path, truth: Path, stations: int, face_size: int) -> None:
    if stations < 1:
        raise ValueError(f"A capture has at least 1 station, not {stations}.")
    if not 8 <= face_size <= LARGEST_FACE:
        raise ValueError(f"A face has 8 to {LARGEST_FACE} pixels, not {face_size}.")
    for taken in (folder, truth):
        if taken.exists() and (not taken.is_dir() or any(taken.iterdir())):
            raise FileExistsError(f"{taken} exists already. Name another folder, or remove it first.")


def _checked_faults(spoil: Sequence[str], form: Delivered, stations: int) -> list[tuple[Fault, int]]:
    faults = [parse_fault(text) for text in spoil]
    for fault, _ in faults:
        if form not in fault.forms:
            fits = " or ".join(sorted(fault.forms))
            raise ValueError(f'Fault "{fault.name}" needs a capture of kind {fits}, not {form}.')
    touched = sum(count for fault, count in faults if fault.stations)
    if touched > stations:
        raise ValueError(f"The faults need {touched} stations, one fault each; the capture has {stations}.")
    return faults


def _chosen(faults: list[tuple[Fault, int]], stations: list[str]) -> tuple[Spoilt, ...]:
    """Choose the stations of each fault, from the second station on and none twice."""
    spoilt, following = [], 1
    for fault, count in faults:
        wanted = count if fault.stations else 0
        spoilt.append(Spoilt(fault, tuple(stations[(following + i) % len(stations)] for i in range(wanted))))
        following += wanted
    return tuple(spoilt)


def _images(renderer: Renderer, stop: Stop, form: Delivered, face_size: int) -> dict[str, Pixels]:
    if not form.panoramic:
        views = renderer.render(Camera(stop.position, stop.rotation), [CubeFace(face, face_size) for face in FACES])
        return dict(zip(FACES, views, strict=True))
    held = Camera(stop.position, stop.rotation @ PANORAMA_IN_CUBE)
    return {"panorama": renderer.render(held, [Panorama(4 * face_size, 2 * face_size)])[0]}


def _verdict(truth: Truth) -> dict[str, object]:
    return {
        "kind": str(truth.form),
        "rejected": truth.rejected,
        "quarantined": list(truth.quarantined),
        "faults": [
            {
                "fault": each.fault.name,
                "effect": str(each.fault.effect),
                "says": each.fault.says,
                "stations": list(each.stations),
            }
            for each in truth.spoilt
        ],
    }
