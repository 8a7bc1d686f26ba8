"""Decisions of people on suggested links. They persist across deliveries and override every later match.

A decision is about a picture: its image keeps its id when the capture is delivered again with other pictures. On the
file that a person has seen it holds for good. On another picture from the same pose it holds where the same tag is
read at the same place; elsewhere it says nothing, and the plate is judged and asked about anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from capture360.geometry.boxes import bounds, is_centred_in, is_same_place
from capture360.geometry.poses import same_pose
from capture360.matching.documents import match_document, match_from_document
from capture360.matching.manual import ROWS
from capture360.matching.questions import in_question, tags_of
from capture360.model import Asset, FaceName, FaceRef, Match, Pose

NOTE = "decisions"
"""Name of the note beside the capture's records."""
_LONGEST_NAME = 255
_MOST_TAGS = 20
_Face = tuple[str, str]


class ShownImage(Protocol):
    """An image in CDF: where it was taken, and the files of its faces."""

    @property
    def pose(self) -> Pose:
        """The pose of the image."""
        ...

    @property
    def faces(self) -> Mapping[FaceName, FaceRef]:
        """The file of each face; its external id is of its content."""
        ...


Images = Mapping[str, ShownImage]
"""Images by external id."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A person's decision on one link, with the time in ISO 8601.

    `file` is the external id of the face's file, and `pose` that of the image, which the person has seen; empty and
    None if they are not known.
    """

    match: Match
    status: Literal["approved", "rejected"]
    by: str
    at: str
    file: str = ""
    pose: Pose | None = None
    of_view: bool = False
    """Whether it is about its own view alone: what another application linked says nothing about the plate."""

    def on(self, image: ShownImage | None) -> Decided:
        """Return the decision as one about what the image shows now."""
        file = image.faces.get(self.match.detection.face) if image else None
        return replace(self, file=file.external_id if file else "", pose=image.pose if image else None)

    def is_of_file(self, image: ShownImage | None) -> bool:
        """Return whether the image shows the file that the person has seen."""
        return self.file != "" and self.file == self.on(image).file

    def is_about(self, match: Match) -> bool:
        """Return whether it is the same asset in the same place."""
        return (
            self.match.asset is not None
            and match.asset is not None
            and self.match.asset.ref == match.asset.ref
            and self.is_at(match)
        )

    def is_at(self, match: Match) -> bool:
        """Return whether it is the same place of the same face.

        A rejection is about all that its outline holds, or that holds its outline: another engine divides lines
        otherwise, and a link that a person rejected must not come back by that.
        """
        mine, other = self.match.detection, match.detection
        if (mine.image, mine.face) != (other.image, other.face):
            return False
        boxes = bounds(mine.polygon), bounds(other.polygon)
        return is_same_place(*boxes) or (self.status == "rejected" and is_centred_in(*boxes))

    def applied_to(self, match: Match) -> Match:
        """Return a match with this decision: approved, or dropped if a person rejected it."""
        status: Literal["approved", "dropped"] = "approved" if self.status == "approved" else "dropped"
        return replace(match, status=status, reason=f"{self.status} by {self.by}", cause=None)

    @property
    def moment(self) -> datetime:
        """When it was made."""
        return moment_of(self.at)

    def bare(self) -> Decided:
        """Return the decision without what only its question needed, and with names and tags of bounded size."""
        named = self.match.asset
        tags = [tag for tag in named.tags if len(tag) <= _LONGEST_NAME][:_MOST_TAGS] if named else ()
        asset = named and Asset(named.ref, named.name[:_LONGEST_NAME], tuple(tags))
        return replace(self, match=replace(self.match, asset=asset, candidates=(), plate="", reason=""))

    def document(self) -> dict[str, Any]:
        """Return the decision as JSON values."""
        pose = {"position": list(self.pose.position), "rotation": list(self.pose.rotation)} if self.pose else None
        seen = {"file": self.file, "pose": pose}
        alone = {"of_view": True} if self.of_view else {}
        return {
            "match": match_document(self.match),
            "status": self.status,
            "by": self.by,
            "at": self.at,
            **seen,
            **alone,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Decided:
        """Build a decision from its `document`."""
        pose = document.get("pose")
        return cls(
            match_from_document(document["match"]),
            document["status"],
            document["by"],
            document["at"],
            document.get("file", ""),
            Pose(tuple(pose["position"]), tuple(pose["rotation"])) if pose else None,
            document.get("of_view", False),
        )


def moment_of(at: str) -> datetime:
    """Return when a decision was made; an `at` that is no time counts as the oldest."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        moment = datetime.min
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def as_decided(
    matches: Sequence[Match], decisions: Sequence[Decided], images: Images, absent: Collection[str] = ()
) -> list[Match]:
    """Apply decisions, the oldest first, to matches; add approved links whose text is no longer read on their file.

    A decision on one view of a plate applies to the plate's question, whichever view it is asked on. `images` are those
    that the matches are on, `absent` the references of assets that the site no longer lists; see `decisions_that_hold`.
    """
    holding = decisions_that_hold(matches, decisions, images, absent)
    on_faces = by_face(holding)
    of_plates = by_plate(matches, holding)
    seen: set[int] = set()
    found: list[Match] = []
    by_hand: dict[_Face, list[Match]] = defaultdict(list)
    for match in matches:
        if match.cause in ROWS:
            by_hand[_face(match)].append(match)
    for match in matches:
        about = [each for each in on_faces.get(_face(match), ()) if each.is_about(match)]
        seen.update(id(each) for each in about)
        others = of_plates.get(match.plate) or [each for each in on_faces.get(_face(match), ()) if each.is_at(match)]
        of_view = [each for each in on_faces.get(_face(match), ()) if each.of_view and each.is_at(match)]
        of_plate = [*of_plates.get(match.plate, ()), *of_view]
        decided = about[-1].applied_to(match) if about else _as_its_plate(match, of_plate)
        found.append(_next_of_tie(match, others) or decided if decided.status == "dropped" else decided)
    unread = [
        each
        for each in holding
        if each.status == "approved"
        and id(each) not in seen
        and not any(each.is_at(match) for match in by_hand.get(_face(each.match), ()))
    ]
    names = {match.detection: match.plate for match in matches if match.plate}
    return found + [replace(each.applied_to(each.match), plate=names.get(each.match.detection, "")) for each in unread]


def decisions_that_hold(
    matches: Sequence[Match], decisions: Sequence[Decided], images: Images, absent: Collection[str] = ()
) -> list[Decided]:
    """Return the decisions that say something about these matches.

    They are about the file that the image shows, or about one from the same pose whose tag is read at the same place;
    where no file is known, the tag at the place is enough. Of those about assets that are absent, rejections count for
    an asset of the same name, which was created anew. An approval that was suspended does not come back beside one of
    another asset since.
    """
    here: dict[_Face, list[Match]] = defaultdict(list)
    for match in matches:
        here[_face(match)].append(match)
    found = []
    for decision in decisions:
        there = [match for match in here[_face(decision.match)] if decision.is_at(match)]
        asset = decision.match.asset
        if asset is not None and asset.ref in absent:
            named = (each for match in there for each in in_question(match) if each.name == asset.name)
            anew = next(named, None) if decision.status == "rejected" else None
            if anew is None:
                continue
            decision = replace(decision, match=replace(decision.match, asset=anew))
        if _is_seen(decision, images.get(decision.match.detection.image), there):
            found.append(decision)
    on_faces = by_face(found)
    return [each for each in found if not is_outdone(each, on_faces[_face(each.match)], here[_face(each.match)])]


def is_outdone(decision: Decided, others: Iterable[Decided], matches: Iterable[Match]) -> bool:
    """Return whether people approved another asset since in the place where a decision approved one.

    Not where the text names several, and not by what is about its own view alone. `others` and `matches` are on the
    same face.
    """
    if decision.status != "approved" or decision.of_view or decision.match.asset is None:
        return False
    ref = decision.match.asset.ref
    newer = (one for one in others if one.status == "approved" and not one.of_view and one.moment > decision.moment)
    another = (one for one in newer if one.match.asset is not None and one.match.asset.ref != ref)
    if decision.match.cause == "several" or not any(one.is_at(decision.match) for one in another):
        return False
    return not any(match.cause == "several" and decision.is_at(match) for match in matches)


def _is_seen(decision: Decided, image: ShownImage | None, there: Sequence[Match]) -> bool:
    if decision.is_of_file(image):
        return True
    is_known = decision.file != "" or decision.pose is not None
    if is_known and (image is None or decision.pose is None or not same_pose(decision.pose, image.pose)):
        return False
    named = decision.match.asset
    return named is not None and any(asset.ref == named.ref for match in there for asset in in_question(match))


def by_face(decisions: Iterable[Decided]) -> dict[_Face, list[Decided]]:
    """Group decisions by image and face, in their order."""
    found: dict[_Face, list[Decided]] = defaultdict(list)
    for each in decisions:
        found[_face(each.match)].append(each)
    return found


def by_plate(matches: Sequence[Match], decisions: Sequence[Decided]) -> dict[str, list[Decided]]:
    """Return the decisions on any view of each plate, whatever is read there now, in their order.

    Without those that are about their own view alone.
    """
    found: dict[str, list[Decided]] = defaultdict(list)
    for decision, plates in with_plates(matches, (each for each in decisions if not each.of_view)):
        for views in plates:
            found[views[0].plate].append(decision)
    return found


def with_plates(
    matches: Sequence[Match], decisions: Iterable[Decided]
) -> Iterator[tuple[Decided, Sequence[Sequence[Match]]]]:
    """Yield each decision with the plates that have a view at its place: the matches of all their views.

    Where plates overlap in a picture, a decision is about the one that has its outline and is read as its asset.
    """
    plates: dict[str, list[Match]] = defaultdict(list)
    on_face: dict[_Face, list[Match]] = defaultdict(list)
    for match in matches:
        if match.plate:
            plates[match.plate].append(match)
            on_face[_face(match)].append(match)
    for decision in decisions:
        there = [match for match in on_face.get(_face(decision.match), ()) if decision.is_at(match)]
        names = {match.plate for match in _nearest(decision, there)}
        yield decision, [plates[name] for name in sorted(names)]


def _nearest(decision: Decided, there: Sequence[Match]) -> Sequence[Match]:
    """Of the matches at the place of a decision, return those with its outline, and of these those of its asset.

    Where none is so, all count: another engine divides lines otherwise, and reads other texts.
    """
    outline, asset = bounds(decision.match.detection.polygon), decision.match.asset
    same = [match for match in there if is_same_place(outline, bounds(match.detection.polygon))] or there
    return [match for match in same if asset and any(one.ref == asset.ref for one in in_question(match))] or same


def _as_its_plate(match: Match, decisions: Sequence[Decided]) -> Match:
    """Apply decisions on other views of a link's plate: its tag was rejected there, or one was approved.

    A manual match stays: only a decision on its own view changes it.
    """
    if match.status == "dropped" or match.asset is None or match.cause == "by hand":
        return match
    same = [each for each in decisions if each.match.asset and each.match.asset.ref == match.asset.ref]
    if same:
        return match if match.status == same[-1].status else same[-1].applied_to(match)
    if any(decision.status == "approved" for decision in decisions):
        return replace(match, status="dropped", reason="another tag was approved for this plate")
    return match


def _next_of_tie(match: Match, decisions: Sequence[Decided]) -> Match | None:
    """Return a suggestion of the next tag of a tie whose first tag was rejected; None if none is left in question."""
    if match.status != "suggested" or any(each.status == "approved" for each in decisions):
        return None
    rejected = {each.match.asset.ref: each.by for each in decisions if each.match.asset}
    left = [asset for asset in in_question(match) if asset.ref not in rejected]
    if match.asset is None or match.asset.ref not in rejected or not left:
        return None
    tags = tuple((asset, share) for asset, share in tags_of(match) if asset.ref not in rejected)
    share = next(share for asset, share in tags if asset == left[0])
    reason = f"{match.asset.name} was rejected by {rejected[match.asset.ref]}; {match.reason}"
    return replace(match, asset=left[0], confidence=share, candidates=tags, reason=reason)


def added(decisions: Iterable[Decided], new: Sequence[Decided]) -> list[Decided]:
    """Merge decisions; new ones replace earlier ones on the same links."""
    on_faces = by_face(new)
    kept = [
        each
        for each in decisions
        if not any(
            later.is_about(each.match) or each.is_about(later.match) for later in on_faces.get(_face(each.match), ())
        )
    ]
    return [*kept, *new]


def _face(match: Match) -> _Face:
    return match.detection.image, match.detection.face
