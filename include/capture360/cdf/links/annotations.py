"""Links from plates to assets in CDF's Annotations API: made once, never against a person's decision.

The API has neither a key nor uniqueness, so every write is look, create, look. What a person did always wins: an
annotation of another application, a rejected one, and one of ours that was changed after we made it are left alone, and
nothing is written over them. Ours that nobody touched and that the newest matches no longer hold are removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from capture360.cdf.assets import CORE_ASSET
from capture360.cdf.capabilities import Need
from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.ports import Decision, LinkDrift, LinksWritten, MissingLink
from capture360.errors import CdfError
from capture360.geometry.polygons import Box, Polygon, bounds, clipped, is_same_place
from capture360.model import FaceRef, Match, PublishedImage

if TYPE_CHECKING:
    from cognite.client.data_classes import Annotation

CREATING_APP = "capture360"
CREATING_APP_VERSION = "1.0.0"
"""SemVer of how we write links; not of the program, so that an upgrade changes nothing in CDF."""
MAX_TEXT = 128
_ITEMS = 1000
_RESOURCES = 1000
_ONE_OF_THEM = frozenset({400, 404, 422})
"""Answers that may be about one link of many, such as an asset that is gone; others are about all of them."""

LinkType = Literal["images.AssetLink", "images.InstanceLink"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One link as it is to be, on the face file with that internal id."""

    file: int
    status: Literal["approved", "suggested"]
    data: Mapping[str, Any]
    match: Match

    @property
    def box(self) -> Box:
        return _box(self.data)


@dataclass(slots=True)
class _Plan:
    create: list[_Wanted]
    remove: list[int]
    kept: int = 0
    decided: int = 0


class Annotations:
    """AssetLinks to classic assets, or InstanceLinks to CogniteAsset nodes."""

    def __init__(self, cdf: CdfProject, link_type: LinkType) -> None:
        self._cdf = cdf
        self._client = cdf.client
        self._type: LinkType = link_type

    @property
    def needs(self) -> Sequence[Need]:
        return [Need("annotationsAcl", action) for action in ("READ", "WRITE", "SUGGEST")]

    def write(self, images: Sequence[PublishedImage], matches: Sequence[Match]) -> LinksWritten:
        files = self._files(images)
        wanted = [self._wanted(match, files[_face(images, match)]) for match in matches if match.status != "dropped"]
        existing = self._existing(sorted(files.values()))
        plan = self._plan(wanted, existing)
        refused = [sentence for status in ("approved", "suggested") for sentence in self._create(plan.create, status)]
        self._delete(plan.remove)
        created = len(plan.create) > 0
        doubles = self._doubles(self._existing(sorted(files.values()))) if created else []
        self._delete(doubles)
        made = [link for link in plan.create if _sentence(link) not in refused]
        return LinksWritten(
            approved=sum(link.status == "approved" for link in made),
            suggested=sum(link.status == "suggested" for link in made),
            kept=plan.kept,
            decided=plan.decided,
            removed=len(plan.remove) + len(doubles),
            refused=tuple(refused),
        )

    def undecided(self, images: Sequence[PublishedImage], suggestions: Sequence[Match]) -> Sequence[Match]:
        standing = self._standing(images, suggestions)
        return [
            match
            for match, items in zip(suggestions, standing, strict=True)
            if not any(_is_decided(item) for item in items)
        ]

    def decide(
        self, images: Sequence[PublishedImage], decisions: Sequence[tuple[Match, Decision]]
    ) -> Sequence[tuple[Match, str]]:
        from cognite.client.data_classes import AnnotationUpdate

        updates: list[AnnotationUpdate] = []
        otherwise: list[tuple[Match, str]] = []
        standing = self._standing(images, [match for match, _ in decisions])
        for (match, decision), items in zip(decisions, standing, strict=True):
            before = next((item for item in items if _is_decided(item)), None)
            if before is None:
                updates += [AnnotationUpdate(item.id).status.set(decision) for item in items]
            elif before.status != decision:
                otherwise.append((match, str(before.status)))
        for some in _chunks(updates, _ITEMS):
            with cdf_errors("Deciding on suggested links"):
                self._client.annotations.update(list(some))
        return otherwise

    def _standing(self, images: Sequence[PublishedImage], matches: Sequence[Match]) -> list[list[Annotation]]:
        """For each match the annotations that say the same."""
        files = self._files(images)
        existing = self._existing(sorted(files.values()))
        wanted = [self._wanted(match, files[_face(images, match)]) for match in matches]
        return [
            [
                item
                for item in existing
                if item.annotated_resource_id == link.file
                and _refers(item, link.data)
                and is_same_place(_box(item.data), link.box)
            ]
            for link in wanted
        ]

    def remove(self, images: Sequence[PublishedImage], *, dry_run: bool) -> Sequence[str]:
        ours = [item for item in self._on_files(_faces(images)) if _is_ours(item)]
        if not dry_run:
            self._delete([item.id for item in ours])
        return [_told(item) for item in ours]

    def remove_from_files(self, faces: Sequence[FaceRef]) -> Sequence[str]:
        ours = [item for item in self._on_files(faces) if _is_ours(item)]
        self._delete([item.id for item in ours])
        return [_told(item) for item in ours]

    def of_people(self, images: Sequence[PublishedImage]) -> Sequence[str]:
        return [_told(item) for item in self._on_files(_faces(images)) if _is_decided(item)]

    def _on_files(self, faces: Sequence[FaceRef]) -> list[Annotation]:
        """All links on those of these files that are there."""
        if not faces:
            return []
        with cdf_errors("Looking for face files"):
            found = self._client.files.retrieve_multiple(
                external_ids=[ref.external_id for ref in faces], ignore_unknown_ids=True
            )
        return self._existing(sorted(int(file.id) for file in found))

    def compare(self, images: Sequence[PublishedImage], matches: Sequence[Match]) -> LinkDrift:
        """What people decided is no drift, and CDF itself says which links are ours."""
        files = self._files(images)
        wanted = [self._wanted(match, files[_face(images, match)]) for match in matches if match.status != "dropped"]
        existing = self._existing(sorted(files.values()))
        plan = self._plan(wanted, existing)
        unexplained = set(plan.remove)
        return LinkDrift(
            missing=tuple(MissingLink(_asset_ref(link.match), _described(link.match)) for link in plan.create),
            unexplained=tuple(_told(item) for item in existing if int(item.id) in unexplained),
        )

    def recover(self, images: Sequence[PublishedImage], matches: Sequence[Match], *, gone_by_hand: bool) -> int:
        """Nothing to do: each link carries its maker's name."""
        return 0

    def _files(self, images: Sequence[PublishedImage]) -> dict[FaceRef, int]:
        """Internal ids of the face files."""
        refs = _faces(images)
        with cdf_errors("Looking for face files"):
            found = self._client.files.retrieve_multiple(external_ids=[ref.external_id for ref in refs])
        ids = {file.external_id: int(file.id) for file in found}
        return {ref: ids[ref.external_id] for ref in refs}

    def _existing(self, files: Sequence[int]) -> list[Annotation]:
        """All links on these files, whoever made them, oldest first."""
        from cognite.client.data_classes import AnnotationFilter

        found: list[Annotation] = []
        for some in _chunks(files, _RESOURCES):
            query = AnnotationFilter("file", [{"id": file} for file in some], annotation_type=self._type)
            with cdf_errors("Reading annotations"):
                found.extend(self._client.annotations.list(query, limit=None))
        return sorted(found, key=lambda item: item.id)

    def _wanted(self, match: Match, file: int) -> _Wanted:
        if match.asset is None or match.status == "dropped":
            raise ValueError("a dropped match is no link")
        polygon = clipped(match.detection.polygon)
        if polygon is None:
            raise ValueError(f"the outline of {match.detection.text!r} lies outside its face")
        text = match.detection.text[:MAX_TEXT]
        data = {"text": text, **_regions(polygon), **self._reference(match.asset.ref)}
        return _Wanted(file, match.status, data, match)

    def _reference(self, ref: str) -> dict[str, Any]:
        if self._type == "images.AssetLink":
            return {"assetRef": {"id": int(ref)}}
        space, _, external_id = ref.partition("/")
        instance = {"instanceType": "node", "space": space, "externalId": external_id, "sources": [CORE_ASSET]}
        return {"instanceRef": instance}

    def _plan(self, wanted: Sequence[_Wanted], existing: Sequence[Annotation]) -> _Plan:
        by_file: dict[int, list[Annotation]] = {}
        for item in existing:
            by_file.setdefault(int(item.annotated_resource_id), []).append(item)
        plan = _Plan(create=[], remove=[])
        fulfilled: set[int] = set()
        for link in wanted:
            near = [item for item in by_file.get(link.file, []) if is_same_place(_box(item.data), link.box)]
            same = [item for item in near if _refers(item, link.data)]
            if any(_is_decided(item) for item in near if _refers(item, link.data) or item.status == "approved"):
                plan.decided += 1
                fulfilled.update(int(item.id) for item in same)
            elif kept := next((item for item in same if item.status == link.status), None):
                plan.kept += 1
                fulfilled.add(int(kept.id))
            else:
                plan.create.append(link)
        plan.remove = [
            int(item.id)
            for item in existing
            if _is_ours(item) and not _is_decided(item) and int(item.id) not in fulfilled
        ]
        return plan

    def _create(self, links: Sequence[_Wanted], status: str) -> Iterator[str]:
        """Create the links of one status; a sentence for each that CDF refuses, CdfError if it refuses writing."""
        path = "/annotations/suggest" if status == "suggested" else "/annotations"
        for some in _chunks([link for link in links if link.status == status], _ITEMS):
            yield from self._create_some(path, some)

    def _create_some(self, path: str, links: Sequence[_Wanted]) -> Iterator[str]:
        items = [_body(link, self._type) for link in links]
        if path == "/annotations":
            items = [{**item, "status": "approved"} for item in items]
        # Without the trailing slash the SDK does not repeat the request, which would make the links twice.
        url = f"/api/v1/projects/{self._cdf.connection.project}{path}"
        try:
            with cdf_errors(f"Writing {len(links)} links"):
                self._client.post(url, {"items": items})
        except CdfError as error:
            if getattr(error.__cause__, "code", None) not in _ONE_OF_THEM:
                raise
            if len(links) == 1:
                yield _sentence(links[0])
                return
            middle = len(links) // 2
            yield from self._create_some(path, links[:middle])
            yield from self._create_some(path, links[middle:])

    def _delete(self, ids: Sequence[int]) -> None:
        for some in _chunks(ids, _ITEMS):
            with cdf_errors("Removing annotations"):
                self._client.annotations.delete(list(some))

    def _doubles(self, existing: Sequence[Annotation]) -> list[int]:
        """Ours that stand a second time in the same place; the oldest is kept."""
        kept: list[Annotation] = []
        doubles: list[int] = []
        for item in existing:
            twin = any(
                item.annotated_resource_id == other.annotated_resource_id
                and item.status == other.status
                and _refers(item, other.data)
                and is_same_place(_box(item.data), _box(other.data))
                for other in kept
                if _is_ours(other)
            )
            if twin and _is_ours(item) and not _is_decided(item):
                doubles.append(int(item.id))
            else:
                kept.append(item)
        return doubles


def _faces(images: Sequence[PublishedImage]) -> list[FaceRef]:
    return [ref for image in images for ref in image.faces.values()]


def _face(images: Sequence[PublishedImage], match: Match) -> FaceRef:
    for image in images:
        if image.external_id == match.detection.image:
            return image.faces[match.detection.face]
    raise ValueError(f"{match.detection.image} is none of the images")


def _body(link: _Wanted, link_type: LinkType) -> dict[str, Any]:
    return {
        "annotatedResourceType": "file",
        "annotatedResourceId": link.file,
        "annotationType": link_type,
        "creatingApp": CREATING_APP,
        "creatingAppVersion": CREATING_APP_VERSION,
        "creatingUser": None,
        "data": dict(link.data),
    }


def _regions(polygon: Polygon) -> dict[str, Any]:
    x_min, y_min, x_max, y_max = bounds(polygon)
    return {
        "textRegion": {"xMin": x_min, "xMax": x_max, "yMin": y_min, "yMax": y_max},
        "objectRegion": {"polygon": {"vertices": [{"x": x, "y": y} for x, y in polygon]}},
    }


def _box(data: Mapping[str, Any]) -> Box:
    region = data["textRegion"]
    return region["xMin"], region["yMin"], region["xMax"], region["yMax"]


def _refers(item: Annotation, data: Mapping[str, Any]) -> bool:
    """Whether an annotation names the same asset as `data`."""
    have, want = item.data, data
    if "assetRef" in want:
        return bool(have.get("assetRef", {}).get("id") == want["assetRef"].get("id"))
    one, other = have.get("instanceRef", {}), want["instanceRef"]
    return (one.get("space"), one.get("externalId")) == (other["space"], other["externalId"])


def _is_ours(item: Annotation) -> bool:
    return item.creating_app == CREATING_APP


def _is_decided(item: Annotation) -> bool:
    """Whether a person stands behind it: made elsewhere, rejected, or changed after we made it."""
    return not _is_ours(item) or item.status == "rejected" or item.last_updated_time != item.created_time


def _sentence(link: _Wanted) -> str:
    asset = link.match.asset
    return (
        f'CDF refused the link of "{link.data["text"]}" on {link.match.detection.image} to '
        f"{asset.name if asset else 'nothing'}. Was the asset deleted meanwhile? Run the matching again."
    )


def _asset_ref(match: Match) -> str:
    return match.asset.ref if match.asset else ""


def _described(match: Match) -> str:
    asset = match.asset.name if match.asset else "nothing"
    return f'"{match.detection.text}" on {match.detection.image} {match.detection.face} to {asset} ({match.status})'


def _told(item: Annotation) -> str:
    return f"annotation {item.id} ({item.status}) on file {item.annotated_resource_id}"


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
