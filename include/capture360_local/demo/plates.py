"""Comparison of a capture's linked plates with the plant's truth."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capture360.errors import BadInputError
from capture360.model import CaptureKey, Match
from capture360.names import image_id
from capture360.records import Records

if TYPE_CHECKING:
    from capture360.cdf.client import CdfProject

LEGIBLE_CAP_PX = 14
"""Height of a capital letter from which a plate must be found."""
_LEAST_FOUND = 0.95
_SEARCHED = frozenset({"front", "right", "back", "left"})
_SLACK = 0.01
_ASSET_SPACE = "hall_assets"


@dataclass(frozen=True, slots=True)
class Plates:
    """Result for a capture's plates.

    `found` of `legible` ones were linked or are among the tags that people are asked about; `wrong` are approved links.
    """

    legible: int
    found: int
    texts: int
    approved: int
    suggested: int
    wrong: Sequence[str]
    differences: Sequence[str]
    report: str = ""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A plate as one face shows it."""

    image: str
    face: str
    tag: str | None
    centre: tuple[float, float]
    cap_px: float
    whole: bool


def bring_assets(cdf: CdfProject, truth: Path, *, classic: bool) -> int:
    """Create the hall's missing assets in the project; return their number."""
    from capture360.cdf.client import cdf_errors

    with (truth / "assets.csv").open(newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    with cdf_errors("Creating the hall's assets"):
        return _bring_classic(cdf, rows) if classic else _bring_nodes(cdf, rows)


def _bring_classic(cdf: CdfProject, rows: Sequence[Mapping[str, str]]) -> int:
    from cognite.client.data_classes import AssetWrite

    assets = cdf.client.assets
    found = assets.retrieve_multiple(external_ids=[row["externalId"] for row in rows], ignore_unknown_ids=True)
    there = {asset.external_id for asset in found}
    new = [row for row in rows if row["externalId"] not in there]
    if new:
        assets.create(
            [
                AssetWrite(
                    name=row["name"],
                    external_id=row["externalId"],
                    description=row["description"] or None,
                    parent_external_id=row["parentExternalId"] or None,
                )
                for row in new
            ]
        )
    return len(new)


def _bring_nodes(cdf: CdfProject, rows: Sequence[Mapping[str, str]]) -> int:
    """Create CogniteAsset nodes, parents and children in one request."""
    from cognite.client.data_classes.data_modeling import NodeId, SpaceApply
    from cognite.client.data_classes.data_modeling.cdm.v1 import CogniteAssetApply

    instances = cdf.client.data_modeling.instances
    cdf.client.data_modeling.spaces.apply(SpaceApply(_ASSET_SPACE))
    there = instances.retrieve(nodes=[NodeId(_ASSET_SPACE, row["externalId"]) for row in rows]).nodes
    known = {node.external_id for node in there}
    new = [row for row in rows if row["externalId"] not in known]
    if new:
        instances.apply(
            [
                CogniteAssetApply(
                    _ASSET_SPACE,
                    row["externalId"],
                    name=row["name"],
                    description=row["description"] or None,
                    parent=(_ASSET_SPACE, row["parentExternalId"]) if row["parentExternalId"] else None,
                )
                for row in new
            ]
        )
    return len(new)


def plates(key: CaptureKey, truth: Path, records: Records) -> Plates:
    """Compare the matches of a capture's texts with the plates in the hall."""
    from capture360.matching.questions import tags_of
    from capture360.steps.match import REPORT, recorded_matches

    state = records.load(key)
    if state is None or state.body("annotate") is None:
        return Plates(0, 0, 0, 0, 0, (), (f"{key}: it was not contextualized.",))
    matches = recorded_matches(records, key, state.fingerprint)
    seen = list(_seen(key, truth))
    linked = [match for match in matches if match.asset is not None and match.status != "dropped"]
    approved = [match for match in linked if match.status == "approved"]
    wrong = [_wrong(match, seen) for match in approved]
    # A plate that is asked about is suggested in its best view alone, and people choose among the tags that it may be.
    offered = {match.plate: [asset.name for asset, _ in tags_of(match)] for match in linked if match.plate}
    named = {(match.detection.image, match.asset.name) for match in linked if match.asset}
    named |= {(match.detection.image, tag) for match in matches for tag in offered.get(match.plate, ())}
    legible = [
        plate
        for plate in seen
        if plate.tag and plate.whole and plate.cap_px >= LEGIBLE_CAP_PX and plate.face in _SEARCHED
    ]
    found = sum((plate.image, plate.tag) in named for plate in legible)
    return Plates(
        len(legible),
        found,
        len({match.detection for match in matches}),
        len(approved),
        len(linked) - len(approved),
        [sentence for sentence in wrong if sentence],
        list(_differences(key, [sentence for sentence in wrong if sentence], len(approved), found, len(legible))),
        f"{key}/{state.fingerprint}/{REPORT}",
    )


def _differences(key: CaptureKey, wrong: Sequence[str], approved: int, found: int, legible: int) -> Iterator[str]:
    yield from (f"{key}: {sentence}" for sentence in wrong)
    if legible and not approved:
        yield f"{key}: of {legible} legible plates none was approved."
    if found < _LEAST_FOUND * legible:
        yield f"{key}: of {legible} legible plates only {found} were linked or suggested."


def _seen(key: CaptureKey, truth: Path) -> Iterator[_Seen]:
    try:
        document: dict[str, Any] = json.loads((truth / "plates.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInputError(f"{truth} holds no plates.json. Run `make clean`.") from None
    for plate in document["plates"]:
        for station, regions in plate["seen"].items():
            for region in regions:
                xs, ys = zip(*region["polygon"], strict=True)
                yield _Seen(
                    image=image_id(key, station),
                    face=region["face"],
                    tag=plate["tag"] if plate["asset"] else None,
                    centre=(sum(xs) / len(xs), sum(ys) / len(ys)),
                    cap_px=region["cap_height_px"],
                    whole=region["visible"] * region["share"] > 0.99,
                )


def _wrong(match: Match, seen: Sequence[_Seen]) -> str | None:
    """Return a sentence if an approved link is not on a plate of its asset."""
    detection = match.detection
    xs, ys = zip(*detection.polygon, strict=True)
    under = [
        plate.tag
        for plate in seen
        if (plate.image, plate.face) == (detection.image, detection.face)
        and min(xs) - _SLACK <= plate.centre[0] <= max(xs) + _SLACK
        and min(ys) - _SLACK <= plate.centre[1] <= max(ys) + _SLACK
    ]
    name = match.asset.name if match.asset else ""
    if name in under:
        return None
    where = f"{detection.image} {detection.face}"
    return f'"{detection.text}" on {where} was approved as {name}, where {under or "nothing"} hangs.'
