"""Decisions of people as the Annotations API holds them: approvals and rejections with their places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from capture360.cdf.link_ports import SOMEBODY, Decision
from capture360.cdf.links.annotation_plan import WantedAnnotation, asset_in, box_of, is_answered, is_ours, plate_of
from capture360.geometry.boxes import Polygon
from capture360.geometry.polygons import clipped
from capture360.matching.decisions import Decided
from capture360.model import Asset, Detection, FaceName, Match

if TYPE_CHECKING:
    from cognite.client.data_classes import Annotation


def decisions_in(
    items: Sequence[Annotation], places: Mapping[int, tuple[str, FaceName]], refs: Mapping[str, str]
) -> tuple[list[Decided], list[str]]:
    """Return the decisions in annotations, and sentences about those without a place or an asset.

    `places` has image and face by file; `refs` the references of classic assets that are named by external id.
    Suggestions of other applications are no decisions.
    """
    found: list[Decided] = []
    unclear: list[str] = []
    for item in items:
        if item.status not in ("approved", "rejected"):
            continue
        image, face = places[int(item.annotated_resource_id)]
        polygon = clipped(_polygon_of(item.data))
        if polygon is None:
            unclear.append(f"annotation {item.id} ({item.status}) marks no area of face {face} of image {image}")
            continue
        text = str(item.data.get("text") or "")
        ref = refs.get(_external_id(item.data)) or asset_in(item.data)
        if not ref:
            name = _external_id(item.data)
            unclear.append(f'annotation {item.id} ({item.status}) names asset "{name}", which is not in the project')
            continue
        asset = Asset(ref, text, ())
        match = Match(Detection(image, face, text, 1.0, polygon), asset, 1.0, "approved", "decided in CDF")
        by = item.creating_user or (SOMEBODY if is_ours(item) else str(item.creating_app))
        at = datetime.fromtimestamp(int(item.last_updated_time or 0) / 1000, UTC).isoformat()
        status: Decision = "approved" if item.status == "approved" else "rejected"
        found.append(Decided(match, status, by, at, of_view=not is_ours(item)))
    return found, unclear


def held_plates(
    decisions: Sequence[tuple[Match, Decision]],
    there: Sequence[tuple[WantedAnnotation, Sequence[Annotation]]],
    asked: Sequence[Match],
) -> tuple[dict[str | Detection, str], dict[str | Detection, set[str]]]:
    """Return the plates of which somebody decided on a link of capture360 otherwise than these decisions do.

    `there` has for each decision its link with the annotations in its place. The first are plates whose link people
    decided on, with what they decided; the second those whose link they gave to other assets, with these. A link of the
    asset that was suggested, see `asked`, is none of these if these decisions approve it too: a line may name several.
    """
    suggested = {(plate_of(match), match.asset.ref) for match in asked if match.asset}
    agreed = suggested.intersection(
        (plate_of(match), link.key[1])
        for (match, decision), (link, _) in zip(decisions, there, strict=True)
        if decision == "approved"
    )
    held: dict[str | Detection, str] = {}
    given: dict[str | Detection, set[str]] = defaultdict(set)
    for (match, decision), (link, near) in zip(decisions, there, strict=True):
        for item in (each for each in near if is_ours(each) and is_answered(each)):
            if (ref := asset_in(item.data)) != link.key[1]:
                if item.status == decision == "approved" and (plate_of(match), ref) not in agreed:
                    given[plate_of(match)].add(ref)
            elif match.plate and item.status != decision:
                held.setdefault(match.plate, str(item.status))
    return held, given


def _external_id(data: Mapping[str, Any]) -> str:
    return str((data.get("assetRef") or {}).get("externalId") or "")


def _polygon_of(data: Mapping[str, Any]) -> Polygon:
    """Return the outline on the face: the polygon, or the corners of the box."""
    vertices = ((data.get("objectRegion") or {}).get("polygon") or {}).get("vertices")
    if vertices:
        return tuple((float(corner["x"]), float(corner["y"])) for corner in vertices)
    x_min, y_min, x_max, y_max = box_of(data)
    return (x_min, y_min), (x_max, y_min), (x_max, y_max), (x_min, y_max)
