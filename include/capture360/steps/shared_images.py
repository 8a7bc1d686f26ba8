"""Images that CDF extracted for a capture, and that no record names.

Any extraction may write into any space, that of one capture alone as well. A record names what `collect` saw. What CDF
made besides is found by its collection, since each extraction makes its own, and by place and time of the scans'
stations. Where more was made at a place than the scans give, or another capture was extracted there and nobody recorded
its image either, nothing says whose it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from capture360.cdf.ports import Collection
from capture360.cdf.three_d.extraction import ExtractedImage
from capture360.errors import RecordsError
from capture360.geometry.same_place import are_at_place
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.steps.context import StepContext
from capture360.steps.e57_extraction import REVISION, spaces_of
from capture360.steps.publish import STEP as PUBLISH
from capture360.steps.retracted import why_out
from capture360.steps.shared_space import ImagesOfOthers
from capture360.steps.validation_record import validated_capture

_SIDE_BY_SIDE = 16


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """External ids of images that are the `own` ones of a capture, and of those that may be another extraction's."""

    own: frozenset[str] = frozenset()
    unclear: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Extraction:
    """Places of stations whose image no record names, and the time in which the images of the scans were made."""

    places: NDArray[np.float64]
    since: datetime
    until: datetime | None

    def may_have_made(self, each: ExtractedImage) -> int:
        """Return how many stations without a recorded image are at the position of this one."""
        return int(are_at_place(self.places, each.image.pose).sum()) if each.created >= self.since else 0

    def lasted(self, each: ExtractedImage) -> bool:
        """Return whether an image was made while the scans were extracted, wherever it is."""
        return each.created >= self.since and (self.until is None or each.created <= self.until)


def unrecorded(
    ctx: StepContext,
    key: CaptureKey,
    space: str,
    images: Sequence[ExtractedImage],
    recorded: Set[str],
    began: datetime | None,
) -> Unrecorded:
    """Return the capture's images that are not among those `recorded` of it.

    `images` are all that the space holds; CDF's work on the scans `began` then, as far as CDF still has it.
    """
    extractions = list(_extractions(ctx.records, key, space, began))
    held = {each.collection for each in images if each.collection and _id(each) in recorded}
    rest = [each for each in images if _id(each) not in recorded]
    at_place = {_id(each) for each in rest if any(some.may_have_made(each) for some in extractions)}
    beside = {_id(each) for each in rest if each.collection in held and any(some.lasted(each) for some in extractions)}
    if not at_place | beside:
        return Unrecorded()
    foreign = ImagesOfOthers(ctx, key)
    others, are_known = _of_others(ctx.records, key, space)
    concerned = {each.collection or _id(each) for each in rest if _id(each) in at_place}
    unknown = [each for each in rest if (each.collection or _id(each)) in concerned and each not in foreign]
    open_ones = {_id(each) for each in unknown if any(some.may_have_made(each) for some in others)}
    open_ones |= _rivals(extractions, [each for each in unknown if _id(each) in at_place - open_ones])
    own: set[str] = set()
    unclear: set[str] = set()
    for group in _by_collection(images):
        names = {_id(each) for each in group}
        free = [each for each in group if _id(each) not in recorded and each not in foreign]
        found = {_id(each) for each in free} & at_place
        is_whole = len(free) + len(names & recorded) == len(group)
        if is_whole and names & recorded:
            own |= found | {_id(each) for each in free} & beside
        elif found and (not are_known or open_ones & {_id(each) for each in free}):
            unclear |= found
        elif found and is_whole:
            own |= {_id(each) for each in free if any(some.lasted(each) for some in extractions)} | found
        else:  # its collection holds recorded images of another capture, and each extraction makes its own
            unclear |= found
    return Unrecorded(frozenset(own), frozenset(unclear))


def beside(
    shown: Sequence[ExtractedImage],
    images: Sequence[ExtractedImage],
    foreign: Container[ExtractedImage],
    began: datetime,
) -> list[ExtractedImage]:
    """Return the other images of the collections of those that are `shown`, such as of stations that are held back.

    Nothing of a collection that holds an image of another capture, and nothing from before the extraction `began`.
    """
    of_others = {each.collection for each in images if each in foreign}
    collections = {each.collection for each in shown if each.collection} - of_others
    known = {_id(each) for each in shown}
    found = (each for each in images if each.collection in collections and each.created >= began)
    return [each for each in found if _id(each) not in known]


def _extractions(records: Records, key: CaptureKey, space: str, began: datetime | None) -> Iterator[_Extraction]:
    """Yield the extractions into a space of a capture that is not retracted, or of which CDF has the work that began.

    A station whose image is recorded as shown has it, unless the extraction began anew since.
    """
    for fingerprint in records.fingerprints(key):
        capture = validated_capture(records, key, fingerprint)
        if capture is None or not capture.scans or (began is None and why_out(records, key, capture.revision)):
            continue
        begun = records.get(key, fingerprint, REVISION)
        if begun is not None and space not in {where for _, where in spaces_of(begun.body)}:
            continue
        work = begun.body["revisions"].values() if begun is not None else ()
        times = [datetime.fromisoformat(created) for _, created in work]
        if began is not None:
            times.append(began)
        if not times:
            continue
        published = records.get(key, fingerprint, PUBLISH)
        if published is not None and (
            space not in {where for where, _ in published.body["collections"]} or max(times) > published.at
        ):
            published = None
        shown = published.body.get("shown", {}) if published is not None else {}
        places = [station.pose.position for station in capture.stations if station.id not in shown]
        until = published.at if published is not None else None
        yield _Extraction(np.array(places, dtype=np.float64).reshape(-1, 3), min(times), until)


def _of_others(records: Records, key: CaptureKey, space: str) -> tuple[Sequence[_Extraction], bool]:
    """Return the extractions of all other captures into a space; False beside them if records of one are damaged."""

    def read(other: CaptureKey) -> Sequence[_Extraction] | None:
        try:
            return list(_extractions(records, other, space, None))
        except RecordsError:
            return None

    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        found = list(pool.map(read, set(records.keys()) - {key}))
    return [each for some in found for each in some or ()], None not in found


def _rivals(extractions: Sequence[_Extraction], images: Sequence[ExtractedImage]) -> set[str]:
    """Return those of the images at places of stations where there are more of them than one extraction gives."""
    places = np.array([each.image.pose.position for each in images], dtype=np.float64).reshape(-1, 3)
    return {
        _id(each)
        for each in images
        if are_at_place(places, each.image.pose).sum() > max(some.may_have_made(each) for some in extractions)
    }


def _by_collection(images: Sequence[ExtractedImage]) -> list[list[ExtractedImage]]:
    """Return the images of each collection; one in no collection is alone."""
    groups: dict[Collection | str, list[ExtractedImage]] = defaultdict(list)
    for each in images:
        groups[each.collection or _id(each)].append(each)
    return list(groups.values())


def _id(each: ExtractedImage) -> str:
    return each.image.external_id
