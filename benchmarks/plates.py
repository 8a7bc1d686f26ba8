"""Plates of generated halls, from picture to verdict, by plate and not by view: linked without a person, wrong, asked.

Ordinary halls hold sibling tags as plants do; adversarial ones also pairs that only look-alike characters tell apart.
`python benchmarks/plates.py` reads two halls of each, `--full` twelve of each, `--seeds` those named. `--cache` keeps
pictures and texts, since drawing and reading take nearly all of the time.

How seldom a link is wrong takes many plates: `--close` (and `--full`) also reads halls in which each plate is seen near
from one or two places, on a small face: at any size from 8 pixels on, tilted, and at up to 55 degrees.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from capture360.detection.cache import OcrCache
from capture360.detection.ocr import OcrDetector, OcrEngine
from capture360.geometry.boxes import bounds
from capture360.matching.consensus import resolve_consensus
from capture360.matching.policy import score_matches
from capture360.model import Asset, Detection, FaceName, FaceRef, Match, Pose, PublishedImage
from capture360.pictures.jpeg import encode_jpeg
from capture360.store import DocumentStore
from capture360_local.plant.camera import CubeFace
from capture360_local.plant.delivered import Delivered
from capture360_local.plant.hall import SIZE, Hall, Plate, build_hall
from capture360_local.plant.render import Camera, Renderer
from capture360_local.plant.rotation import Floats, about, quaternion_of
from capture360_local.plant.survey import FIRST_SHOT, Stop, walk
from capture360_local.plant.truth import PlateTruth, plates_truth
from figures import Figure, report, wrong_at_most

STATIONS = 4
FACE_SIZE = 1024
SIDES: tuple[FaceName, ...] = ("front", "right", "back", "left")
LEGIBLE_CAP_PX = 14
HELD_OUT = tuple(range(3_001, 3_013))
CLOSE = tuple(range(9_001, 9_031))
"""Halls whose plates are seen near: two thousand plates in all, every second hall adversarial."""
CLOSE_SIZE = 512
_SLACK = 0.01


@dataclass(frozen=True)
class Survey:
    """What was read in one hall, and what hangs there."""

    detections: list[Detection]
    poses: dict[str, Pose]
    assets: list[Asset]
    plates: tuple[PlateTruth, ...]
    faces: tuple[FaceName, ...] = SIDES


@dataclass
class Count:
    """Plates of some halls. `questions` are rows that a reviewer is shown, about `undecided` plates."""

    legible: int = 0
    linked: int = 0
    missed: int = 0
    links: int = 0
    wrong: int = 0
    approved_plates: int = 0
    wrong_plates: int = 0
    questions: int = 0
    undecided: int = 0

    def add(self, other: Count) -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def survey(seed: int, adversarial: bool, cache: Path) -> Survey:
    """Draw a hall from a few stations and read its faces."""
    hall = build_hall(seed, look_alikes=adversarial)
    stops = walk(hall, Delivered.CUBEMAP, STATIONS, seed=seed)
    return _survey(hall, stops, SIDES, FACE_SIZE, cache, f"{seed}-{'adversarial' if adversarial else 'ordinary'}")


def close_survey(seed: int, adversarial: bool, cache: Path) -> Survey:
    """Draw the plates of a hall from near, each from one or two places, and read them."""
    hall = build_hall(seed, look_alikes=adversarial)
    stops = list(_close_stops(hall, np.random.default_rng([seed, 5])))
    return _survey(hall, stops, ("front",), CLOSE_SIZE, cache, f"{seed}-close")


def _survey(
    hall: Hall, stops: Sequence[Stop], faces: tuple[FaceName, ...], size: int, cache: Path, name: str
) -> Survey:
    folder = cache / name
    _draw(hall, stops, faces, size, folder)
    images = [_image(stop, faces) for stop in stops]
    store = DocumentStore(str(cache / "texts"))
    detector = OcrDetector(lambda ref: (folder / ref.external_id).read_bytes(), OcrEngine(), OcrCache(store))
    assets = [Asset(tag.name, tag.name, (tag.name,)) for tag in hall.tags.assets]
    return Survey(
        list(detector.detect(images)),
        {image.external_id: image.pose for image in images},
        assets,
        plates_truth(hall, stops, "hall", size),
        faces,
    )


def _close_stops(hall: Hall, rng: np.random.Generator) -> Iterator[Stop]:
    """Yield a station for each view of a plate whose middle is not hidden from there."""
    for number, plate in enumerate(hall.plates):
        for view in range(int(rng.integers(1, 3)) if plate.tag else 0):
            for _ in range(5):
                position, rotation = _in_front_of(plate, rng)
                if _sees(hall, position, plate):
                    name = f"close-{number:03d}-{view}"
                    yield Stop(name, name, position, quaternion_of(rotation), rotation, FIRST_SHOT)
                    break


def _in_front_of(plate: Plate, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Position and rotation of a camera whose front shows a plate, not always in its middle."""
    top_left, top_right, _, bottom_left = plate.corners
    right, up = top_right - top_left, top_left - bottom_left
    away = about(up, rng.uniform(-0.9, 0.9)) @ about(right, rng.uniform(-0.4, 0.4)) @ plate.normal
    cap_px = np.exp(rng.uniform(np.log(8), np.log(30)))
    position: Floats = plate.corners.mean(axis=0) + away * plate.cap_height * CLOSE_SIZE / 2 / cap_px
    forward = about(up, rng.uniform(-0.5, 0.5)) @ about(right, rng.uniform(-0.3, 0.3)) @ -away
    across = np.cross(forward, [0.0, 0.0, 1.0])
    across /= np.linalg.norm(across)
    axes = np.stack([-across, -forward, np.cross(across, forward)], axis=1)
    return position, about(forward, rng.normal(0, 0.08)) @ axes


def _sees(hall: Hall, position: Floats, plate: Plate) -> bool:
    if not (np.array([0.1, 0.1, 0.1]) < position).all() or not (position < np.array(SIZE) - 0.1).all():
        return False
    ray = plate.corners.mean(axis=0) - position
    _, hit = hall.caster.cast(position, (ray / np.linalg.norm(ray)).reshape(3, 1, 1))
    return int(hit.ravel()[0]) == plate.solid


def _draw(hall: Hall, stops: Sequence[Stop], faces: Sequence[FaceName], size: int, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    renderer = Renderer(hall)
    for stop in stops:
        files = [folder / f"{stop.id}-{face}.jpg" for face in faces]
        if all(file.exists() for file in files):
            continue
        views = renderer.render(Camera(stop.position, stop.rotation), [CubeFace(face, size) for face in faces])
        for file, pixels in zip(files, views, strict=True):
            file.write_bytes(encode_jpeg(pixels, 92))


def _image(stop: Stop, sides: Sequence[FaceName]) -> PublishedImage:
    w, x, y, z = (float(value) for value in quaternion_of(stop.rotation))
    east, north, up = (float(value) for value in stop.position)
    faces = {face: FaceRef(face, f"{stop.id}-{face}.jpg") for face in sides}
    return PublishedImage(stop.id, "hall", stop.id, Pose((east, north, up), (w, x, y, z)), faces)


def judged(found: Survey) -> list[Match]:
    """The verdicts, after all stations were compared."""
    scored = score_matches(found.detections, found.assets)
    return [each.match for each in resolve_consensus(scored, found.poses).scored]


def counted(found: Survey, matches: Sequence[Match]) -> tuple[Count, list[str]]:
    """The counts of one hall, and a sentence for each wrong link and each legible plate that is not linked."""
    shown = list(_shown(found.plates, found.faces))
    legible = {plate.id: plate for plate, _, _, cap, whole in shown if plate.asset and whole and cap >= LEGIBLE_CAP_PX}
    linked: set[str] = set()
    wrong: set[str] = set()
    asked: dict[str, set[tuple[str, str]]] = defaultdict(set)
    count, remarks = Count(legible=len(legible)), []
    for match in matches:
        if match.asset is None or match.status == "dropped":
            continue
        under = _under(match.detection, shown)
        mine = [plate for plate in under if plate.tag == match.asset.name and plate.asset]
        if match.status == "approved":
            count.links += 1
            linked.update(plate.id for plate in mine)
            if not mine:
                count.wrong += 1
                wrong.add(under[0].id if under else match.detection.image)
                names = [plate.tag or plate.text for plate in under]
                remarks.append(f"WRONG {match.detection.text!r} as {match.asset.name} on {names}: {match.reason}")
        else:
            name = under[0].id if under else f"{match.detection.image} {match.detection.polygon}"
            asked[name].add((repr(match.detection), match.asset.ref))
    count.linked = len(linked & legible.keys())
    count.approved_plates, count.wrong_plates = len(linked | wrong), len(wrong)
    count.questions = sum(map(len, asked.values()))
    count.undecided = len(asked)
    for name in sorted(legible.keys() - linked):
        plate = legible[name]
        said = [
            f"{each.text!r} {match.status} {each.score:.2f} {each.whole}: {match.reason}"
            for match in matches
            if plate in _under(each := match.detection, shown)
        ]
        count.missed += name not in asked
        remarks.append(f"{'asked' if name in asked else 'MISSED'} {plate.tag} {plate.lines}: " + "; ".join(said))
    return count, remarks


_Shown = tuple[PlateTruth, tuple[str, str], tuple[float, float, float, float], float, bool]


def _shown(plates: Sequence[PlateTruth], faces: Sequence[FaceName]) -> Iterator[_Shown]:
    for plate in plates:
        for region in plate.seen:
            if region.face in faces:
                whole = region.visible * region.share > 0.99
                yield plate, (region.station, region.face), bounds(region.polygon), region.cap_height_px, whole


def _under(detection: Detection, shown: Sequence[_Shown]) -> list[PlateTruth]:
    """The plates whose middle lies under a text, or that the text lies on."""
    x_min, y_min, x_max, y_max = bounds(detection.polygon)
    x, y = (x_min + x_max) / 2, (y_min + y_max) / 2
    return [
        plate
        for plate, where, box, _, _ in shown
        if where == (detection.image, detection.face)
        and box[0] - _SLACK <= x <= box[2] + _SLACK
        and box[1] - _SLACK <= y <= box[3] + _SLACK
    ]


def figures(name: str, count: Count) -> list[Figure]:
    """What is worth comparing; the goals are those of ordinary halls but for wrong links, of which there are none."""
    legible, ordinary = max(1, count.legible), name == "ordinary"
    return [
        Figure(f"{name}: legible plates", count.legible),
        Figure(f"{name}: linked without a person", count.linked / legible, at_least=0.95 if ordinary else None),
        Figure(f"{name}: legible plates missed", count.missed),
        Figure(f"{name}: links", count.links),
        Figure(f"{name}: wrong links", count.wrong, at_most=0),
        Figure(f"{name}: questions a legible plate", count.questions / legible, at_most=0.1 if ordinary else None),
        Figure(f"{name}: questions an undecided plate", count.questions / max(1, count.undecided), at_most=1.0),
    ]


def close_figures(count: Count) -> list[Figure]:
    """How many of the plates that were seen near are linked, how many of them wrongly, and what that says of others."""
    of, wrong = count.approved_plates, count.wrong_plates
    return [
        Figure("close: legible plates", count.legible),
        Figure("close: linked without a person", count.linked / max(1, count.legible)),
        Figure("close: plates linked, legible or not", of),
        Figure("close: views linked", count.links),
        Figure("close: plates linked wrongly", wrong, at_most=0),
        Figure("close: share of wrong plates, 95 % bound", wrong_at_most(wrong, of)),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="twelve halls of each kind instead of two")
    parser.add_argument("--seeds", type=int, nargs="+", help="other halls")
    parser.add_argument("--close", type=int, nargs="*", metavar="SEED", help="only halls seen near, or those named")
    parser.add_argument("--cache", type=Path, help="folder for pictures and texts")
    parser.add_argument("--explain", action="store_true", help="say why each legible plate was not linked")
    arguments = parser.parse_args()
    is_close = arguments.close is not None
    walked = arguments.seeds or (HELD_OUT if arguments.full else HELD_OUT[:2])
    halls = [(seed, name, survey) for seed in walked for name in ("ordinary", "adversarial") if not is_close]
    if is_close or arguments.full:
        halls += [(seed, "close", close_survey) for seed in arguments.close or CLOSE]
    totals: dict[str, Count] = defaultdict(Count)
    with TemporaryDirectory() as folder:
        for seed, name, read in halls:
            adversarial = name == "adversarial" or (name == "close" and seed % 2 == 0)
            found = read(seed, adversarial, arguments.cache or Path(folder))
            count, remarks = counted(found, judged(found))
            totals[name].add(count)
            for remark in remarks:
                if arguments.explain or remark.startswith("WRONG"):
                    print(f"  {seed} {name}: {remark}", flush=True)
            if name == "close":
                print(f"  {seed} {name}: {count.approved_plates} plates, {count.wrong_plates} wrong", flush=True)
    measured = [
        each
        for name, total in totals.items()
        for each in (close_figures(total) if name == "close" else figures(name, total))
    ]
    return report("Plates of generated halls", measured)


if __name__ == "__main__":
    sys.exit(main())
