"""Views of the plates of a matched capture, and which of them are the best, by rays through their texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from capture360.cdf.fusion import asset_link
from capture360.matching.places import Place
from capture360.matching.viewpoints import Viewpoint, quality, viewpoints
from capture360.model import Asset, CaptureKey, Detection
from capture360.records import Records
from capture360.reports.addresses import panorama_path
from capture360.reports.views import View
from capture360.steps.asset_list import AssetList
from capture360.steps.matched_captures import MatchedCapture
from capture360.steps.plates import SeenPlate, images_of_record, plates_of_record
from capture360.steps.review_plates import direction


def ranked_views(
    capture: MatchedCapture, plate: SeenPlate, asset: Asset, assets: AssetList | None, pages: str
) -> Iterator[tuple[View, tuple[bool, float]]]:
    """Return the views of an asset on a plate, with what ranks them: the larger, the better."""
    poses = {name: image.pose for name, image in capture.images.items()}
    detections: dict[Detection, None] = dict.fromkeys(view.detection for view in plate.views)
    place = capture.places.get(plate.name)
    for each in viewpoints(list(detections), poses, capture.resolution, place.position if place else None):
        yield _view(capture, plate, asset, each, assets, pages), quality(each)


def view_order(records: Records, key: CaptureKey, body: Mapping[str, Any]) -> Mapping[Detection, int]:
    """Return the ranks of the views of plates in a record of matching, 1 the best, by the rule of `ranked_views`."""
    poses = {name: image.pose for name, image in images_of_record(body).items()}
    found: dict[Detection, tuple[bool, float]] = {}
    for plate in plates_of_record(records, key, body):
        place = body.get("plates", {}).get(plate.name)
        point = Place.from_document(place).position if place else None
        detections = list(dict.fromkeys(view.detection for view in plate.views))
        found.update({each.detection: quality(each)
                      for each in viewpoints(detections, poses, body.get("resolution", 0), point)})  # fmt: skip
    ordered = sorted(found, key=lambda detection: found[detection], reverse=True)
    return {detection: rank for rank, detection in enumerate(ordered, 1)}


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
        verdict=plate.result,
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
