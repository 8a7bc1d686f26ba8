"""Views of assets' plates, the best first, from the records of matching. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from capture360.cdf.fusion import asset_link
from capture360.errors import Capture360Error
from capture360.matching.normalise import key as comparable
from capture360.matching.places import Place
from capture360.matching.viewpoints import Viewpoint, quality, viewpoints
from capture360.model import Asset, CaptureKey, Detection
from capture360.records import Records
from capture360.reports.addresses import panorama_path
from capture360.reports.views import View
from capture360.steps.asset_list import AssetList, asset_list
from capture360.steps.plates import PlateImage, SeenPlate, images_of_record, last_matching, plates_of_record
from capture360.steps.published import NOTE as PUBLISHED
from capture360.steps.review_plates import direction


@dataclass(frozen=True, slots=True)
class MatchedCapture:
    """A published capture with its last matches. `stale` describes later changes."""

    key: CaptureKey
    captured_on: str
    matched_at: datetime
    stale: str
    plates: Sequence[SeenPlate]
    images: Mapping[str, PlateImage]
    places: Mapping[str, Place]
    """Of plates that several stations see, by their names."""
    resolution: int
    link: str


@dataclass(frozen=True, slots=True)
class SiteViews:
    """The views of the assets of a site by reference, best first, with the captures that were looked at.

    `left_out` is the reason, by capture, why a published one is not among them.
    """

    site: str
    assets: AssetList | None
    looked: Sequence[MatchedCapture]
    left_out: Mapping[CaptureKey, str]
    named: Sequence[Asset] = ()
    views: Mapping[str, Sequence[View]] = field(default_factory=dict)

    def known(self) -> Sequence[Asset]:
        """The site's assets; only those that plates name if the list was not kept."""
        if self.assets is not None:
            return self.assets.assets
        return self.seen()

    def seen(self) -> Sequence[Asset]:
        """Return the assets that plates name, by name."""
        seen = {asset.ref: asset for each in self.looked for plate in each.plates for asset in plate.assets}
        return sorted(seen.values(), key=lambda asset: (asset.name, asset.ref))


def site_views(
    records: Records, site: str, pages: str = "", only: CaptureKey | None = None, tag: str = ""
) -> SiteViews:
    """Return the views of the assets that a tag names, or of all, of all published captures of a site or of one.

    `pages` is the address of capture360's pages in Airflow, empty if it is not known: views then have no panorama. A
    capture whose records cannot be read is left out and named.
    """
    looked, left_out = matched_captures(records, site, only)
    assets = asset_list(records, site)
    empty = SiteViews(site, assets, looked, left_out)
    named = assets_named(empty.known(), tag) if tag else empty.seen()
    wanted = {asset.ref for asset in named}
    found: dict[str, list[tuple[bool, tuple[bool, float], View]]] = {}
    for capture in looked:
        for plate in capture.plates:
            for asset in (each for each in plate.assets if each.ref in wanted):
                for view, rank in _views(capture, plate, asset, assets, pages):
                    found.setdefault(asset.ref, []).append((plate.verdict == "linked", rank, view))
    ordered = {
        ref: [view for _, _, view in sorted(some, key=lambda each: each[:2], reverse=True)]
        for ref, some in found.items()
    }
    return SiteViews(site, assets, looked, left_out, named, ordered)


def matched_captures(
    records: Records, site: str, only: CaptureKey | None = None
) -> tuple[list[MatchedCapture], dict[CaptureKey, str]]:
    """The published captures whose texts were matched, by capture date, and why the others are not among them."""
    looked: list[MatchedCapture] = []
    left_out: dict[CaptureKey, str] = {}
    published, damaged = records.notes(site, PUBLISHED, lambda _, note: str(note["fingerprint"]))
    left_out.update((key, error.message) for key, error in damaged.items() if only in {None, key})
    for key, fingerprint in published.items():
        if only not in {None, key}:
            continue
        try:
            found = _matched(records, key, fingerprint)
        except Capture360Error as error:
            left_out[key] = error.message
            continue
        if found is None:
            left_out[key] = "its texts were not matched"
        else:
            looked.append(found)
    return sorted(looked, key=lambda each: (each.captured_on, str(each.key))), left_out


def _matched(records: Records, key: CaptureKey, published: str) -> MatchedCapture | None:
    last = last_matching(records, key, published)
    if last is None:
        return None
    record, publication = last.record, last.publication
    validation = records.get(key, published, "validate")
    return MatchedCapture(
        key,
        str(validation.body.get("captured_on") or "") if validation else "",
        record.at,
        "published again since its texts were matched" if last.is_stale else "",
        plates_of_record(records, key, record.body),
        images_of_record(record.body),
        {name: Place.from_document(place) for name, place in record.body["plates"].items()},
        record.body["resolution"],
        str(publication.body["link"] or "") if publication else "",
    )


def assets_named(assets: Sequence[Asset], tag: str) -> list[Asset]:
    """The assets with that reference, name or tag; without any, those whose tag differs in case or signs alone."""
    exact = [asset for asset in assets if tag in (asset.ref, asset.name, *asset.tags)]
    wanted = comparable(tag)
    if exact or not wanted:
        return exact
    return [asset for asset in assets if wanted in map(comparable, (asset.name, *asset.tags))]


def _views(
    capture: MatchedCapture, plate: SeenPlate, asset: Asset, assets: AssetList | None, pages: str
) -> Iterator[tuple[View, tuple[bool, float]]]:
    poses = {name: image.pose for name, image in capture.images.items()}
    detections: dict[Detection, None] = dict.fromkeys(view.detection for view in plate.views)
    place = capture.places.get(plate.name)
    for each in viewpoints(list(detections), poses, capture.resolution, place.position if place else None):
        yield _view(capture, plate, asset, each, assets, pages), quality(each)


def view_order(records: Records, key: CaptureKey, body: Mapping[str, Any]) -> Mapping[Detection, int]:
    """Return the ranks of the views of plates in a record of matching, 0 the best, by the rule of `site_views`."""
    poses = {name: image.pose for name, image in images_of_record(body).items()}
    found: dict[Detection, tuple[bool, float]] = {}
    for plate in plates_of_record(records, key, body):
        place = body.get("plates", {}).get(plate.name)
        point = Place.from_document(place).position if place else None
        detections = list(dict.fromkeys(view.detection for view in plate.views))
        found.update({each.detection: quality(each)
                      for each in viewpoints(detections, poses, body.get("resolution", 0), point)})  # fmt: skip
    ordered = sorted(found, key=lambda detection: found[detection], reverse=True)
    return {detection: rank for rank, detection in enumerate(ordered)}


def _view(
    capture: MatchedCapture, plate: SeenPlate, asset: Asset, seen: Viewpoint, assets: AssetList | None, pages: str
) -> View:
    detection = seen.detection
    image = capture.images.get(detection.image)
    file = image.faces.get(detection.face) if image else None
    heading = pitch = None
    panorama = ""
    if image is not None:
        heading, pitch = direction(image.pose, detection)
        panorama = f"{pages}/{panorama_path(capture.key, detection.image, heading, pitch)}" if pages else ""
    return View(
        asset=asset.ref,
        asset_name=asset.name,
        verdict=plate.verdict,
        capture=str(capture.key),
        station=image.station if image else detection.image,
        taken_at=(image.taken_at if image else "") or capture.captured_on,
        image=detection.image,
        image_space=image.space if image else "",
        face=detection.face,
        file=file.external_id if file else "",
        file_space=(file.space or "") if file else "",
        heading_deg=heading,
        pitch_deg=pitch,
        width_px=seen.width_px,
        height_px=seen.height_px,
        whole=detection.whole,
        distance_m=seen.distance_m,
        angle_deg=seen.angle_deg,
        text=detection.text,
        asset_link=asset_link(assets.pages, asset) if assets else "",
        capture_link=capture.link,
        panorama=panorama,
    )
