"""The form of a link in CDF's Annotations API, and links in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capture360.cdf.core_views import ASSET
from capture360.cdf.instances import parsed_ref, relation
from capture360.cdf.links.annotation_plan import CREATING_APP, WantedAnnotation
from capture360.cdf.links.linked_assets import LinkType
from capture360.geometry.boxes import Polygon, bounds
from capture360.geometry.polygons import clipped
from capture360.model import MAX_TEXT_LENGTH, Match

if TYPE_CHECKING:
    from cognite.client.data_classes import Annotation

CREATING_APP_VERSION = "1.0.0"
"""SemVer of the form of links, not of the program, so that an upgrade changes nothing in CDF."""


def wanted_annotation(match: Match, file: int, link_type: LinkType) -> WantedAnnotation:
    """Return the link that a match asks for on a face file; ValueError if it asks for none."""
    if match.asset is None or match.status == "dropped":
        raise ValueError("a dropped match is no link")
    polygon = clipped(match.detection.polygon)
    if polygon is None:
        raise ValueError(f"the outline of {match.detection.text!r} lies outside its face")
    text = match.detection.text[:MAX_TEXT_LENGTH]
    data = {"text": text, **_regions(polygon), **_reference(match.asset.ref, link_type)}
    return WantedAnnotation(file, match.status, data, match)


def request_body(link: WantedAnnotation, link_type: LinkType) -> dict[str, Any]:
    """Return a link as the API is asked to create it."""
    return {
        "annotatedResourceType": "file",
        "annotatedResourceId": link.file,
        "annotationType": link_type,
        "creatingApp": CREATING_APP,
        "creatingAppVersion": CREATING_APP_VERSION,
        "creatingUser": None,
        "data": dict(link.data),
    }


def _reference(ref: str, link_type: LinkType) -> dict[str, Any]:
    if link_type == "images.AssetLink":
        return {"assetRef": {"id": int(ref)}}
    return {"instanceRef": {"instanceType": "node", **relation(*parsed_ref(ref)), "sources": [ASSET.ref]}}


def _regions(polygon: Polygon) -> dict[str, Any]:
    x_min, y_min, x_max, y_max = bounds(polygon)
    return {
        "textRegion": {"xMin": x_min, "xMax": x_max, "yMin": y_min, "yMax": y_max},
        "objectRegion": {"polygon": {"vertices": [{"x": x, "y": y} for x, y in polygon]}},
    }


def link_name(link: WantedAnnotation) -> str:
    """Name a link in a sentence, by its text, image and asset."""
    asset = link.match.asset
    return f'"{link.data["text"]}" on {link.match.detection.image}: {asset.name if asset else "nothing"}'


def asset_ref(match: Match) -> str:
    """Return the reference of the asset; empty without one."""
    return match.asset.ref if match.asset else ""


def description(match: Match) -> str:
    """Describe a recorded link, by its place and status too."""
    asset = match.asset.name if match.asset else "nothing"
    return f'"{match.detection.text}" on {match.detection.image} {match.detection.face} to {asset} ({match.status})'


def phrase(item: Annotation) -> str:
    """Name an annotation by the text that it lies on, if it has one, and as CDF knows it."""
    text = str(item.data.get("text") or "").splitlines()
    named = f' of "{" / ".join(text)}"' if text else ""
    return f"annotation {item.id}{named} ({item.status}) on file {item.annotated_resource_id}"
