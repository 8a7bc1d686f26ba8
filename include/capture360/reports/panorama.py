"""The JSON document of a capture for the panorama viewer.

    {"capture": "hall-7/walk-1", "link": "https://...", "note": "",
     "stations": [{"id": "...", "name": "...", "position": [x, y, z], "rotation": [w, x, y, z],
                   "faces": {"front": "<address>", ...}}],
     "plates": [{"station": "<id of a station>", "face": "front", "polygon": [[u, v], ...], "text": "21-PT-1001",
                 "state": "suggested", "rank": 1, "review": "<address>",
                 "links": [{"asset": "21-PT-1001", "state": "suggested", "confidence": 0.8, "reason": "...", "link": "https://..."}]}]}

`rank` orders the views of a tag in one state, 1 the best. `review` is where people decide about the plate, empty if no
review asks about it. `note` says what is missing, and why; empty if nothing is. A
plate that nobody decided on yet lists the other tags that it may name, in the state `possible`: CDF holds no links to
these.

Positions are metres in the site frame, Z up; `rotation` is the unit quaternion (w, x, y, z) that turns the cube frame
(front = -Y, left = +X, top = +Z) into the site frame. Polygons are in 0..1 of the face, x right, y down.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from capture360.matching.decisions import Decided, as_decided, decisions_that_hold
from capture360.matching.questions import tags_of
from capture360.model import Asset, CaptureKey, Detection, FaceRef, Match, PublishedImage
from capture360.text import counted, noun, visible

State = Literal["approved", "suggested", "possible", "rejected"]
_STATES: tuple[State, ...] = ("approved", "suggested", "possible", "rejected")
"""Precedence of states: a plate with several links shows the first of these that occurs."""


def panorama_view(
    key: CaptureKey,
    images: Sequence[PublishedImage],
    matches: Sequence[Match],
    decisions: Sequence[Decided],
    *,
    is_shown: Callable[[Detection], bool],
    order: Mapping[Detection, int],
    absent: Collection[str] = (),
    link: str,
    review: Callable[[Detection], str] = lambda _: "",
    face_address: Callable[[PublishedImage, FaceRef], str],
    asset_link: Callable[[Asset], str],
) -> dict[str, Any]:
    """Return the document of one capture, the same for every project mode.

    `images` are those in CDF; matches and decisions on other images are left out, and so are plates whose picture is
    not `is_shown` any more, which the note counts. `order` has the ranks of views. `decisions` of people override
    `matches`, but for those about `absent` assets. Texts without a link are left out.
    """
    there = {image.external_id: image for image in images}
    found = _plates(matches, decisions, there, absent)
    plates = {plate: links for plate, links in found.items() if plate.image in there}
    current = {plate: links for plate, links in plates.items() if is_shown(plate)}
    last = len(order) + 1
    return {
        "capture": str(key),
        "link": link,
        "note": _left_out(len(plates) - len(current)),
        "stations": [_station(image, face_address) for image in images],
        "plates": [
            {**_plate(plate, links, order.get(plate, last), asset_link), "review": review(plate)}
            for plate, links in current.items()
        ],
    }


def _left_out(number: int) -> str:
    if not number:
        return ""
    return (
        f"{counted(number, 'plate')} {noun(number, 'was', 'were')} read on pictures of an earlier delivery, and not on "
        "these: captures_contextualize has not run since."
    )


def _station(image: PublishedImage, face_address: Callable[[PublishedImage, FaceRef], str]) -> dict[str, Any]:
    return {
        "id": image.external_id,
        "name": visible(image.label or image.station or image.external_id),
        "position": list(image.pose.position),
        "rotation": list(image.pose.rotation),
        "faces": {face: face_address(image, ref) for face, ref in image.faces.items()},
    }


def _plates(
    matches: Sequence[Match],
    decisions: Sequence[Decided],
    images: Mapping[str, PublishedImage],
    absent: Collection[str],
) -> Mapping[Detection, list[tuple[Match, State]]]:
    """Group links by plate."""
    found: dict[Detection, list[tuple[Match, State]]] = {}
    for match in as_decided(matches, decisions, images, absent):
        if match.asset is not None and match.status != "dropped":
            found.setdefault(match.detection, []).append((match, match.status))
    for decision in decisions_that_hold(matches, decisions, images, absent):
        if decision.match.asset is not None and decision.status == "rejected":
            found.setdefault(decision.match.detection, []).append((decision.applied_to(decision.match), "rejected"))
    for links in found.values():
        links.extend(_possible(links))
    return found


def _possible(links: Sequence[tuple[Match, State]]) -> list[tuple[Match, State]]:
    """Return the tags that an undecided plate may name besides those of its links."""
    if any(state == "approved" for _, state in links):
        return []
    known = {match.asset.ref for match, _ in links if match.asset is not None}
    others = {
        asset.ref: replace(match, asset=asset, confidence=share, reason="")
        for match, state in links
        if state == "suggested"
        for asset, share in tags_of(match)
        if asset.ref not in known
    }
    return [(match, "possible") for match in others.values()]


def _plate(
    plate: Detection, links: Sequence[tuple[Match, State]], rank: int, asset_link: Callable[[Asset], str]
) -> dict[str, Any]:
    ordered = sorted(links, key=lambda link: (_STATES.index(link[1]), -link[0].confidence))
    return {
        "station": plate.image,
        "face": plate.face,
        "polygon": [list(corner) for corner in plate.polygon],
        "text": plate.on_one_line,
        "state": ordered[0][1],
        "rank": rank,
        "links": [
            {
                "asset": match.asset.name or match.asset.ref,
                "state": state,
                "confidence": round(match.confidence, 3),
                "reason": match.reason,
                "link": asset_link(match.asset),
            }
            for match, state in ordered
            if match.asset is not None
        ],
    }
