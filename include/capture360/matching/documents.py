"""Detections and matches as values that JSON can hold, for the records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from capture360.geometry.boxes import Polygon
from capture360.model import Asset, Detection, Match


def detection_document(detection: Detection) -> dict[str, Any]:
    """Return a detection as JSON values."""
    return {
        "image": detection.image,
        "face": detection.face,
        "text": detection.text,
        "score": detection.score,
        "polygon": [list(corner) for corner in detection.polygon],
        "outline": [list(corner) for corner in detection.outline] if detection.outline else None,
        "whole": detection.whole,
        "cap_px": detection.cap_px,
        "uncut": [list(corner) for corner in detection.uncut] if detection.uncut else None,
    }


def detection_from_document(document: Mapping[str, Any]) -> Detection:
    """Build a detection from its `detection_document`."""
    outline = _polygon(document["outline"]) if document["outline"] else None
    return Detection(
        image=document["image"],
        face=document["face"],
        text=document["text"],
        score=float(document["score"]),
        polygon=_polygon(document["polygon"]),
        outline=outline,
        whole=document["whole"],
        cap_px=document["cap_px"],
        uncut=_polygon(document["uncut"]) if document.get("uncut") else None,
    )


def _polygon(corners: Sequence[Sequence[float]]) -> Polygon:
    return tuple((float(x), float(y)) for x, y in corners)


def match_document(match: Match) -> dict[str, Any]:
    """Return a match as JSON values."""
    return {
        "detection": detection_document(match.detection),
        "asset": asset_document(match.asset) if match.asset else None,
        "confidence": match.confidence,
        "status": match.status,
        "reason": match.reason,
        "candidates": [[asset_document(asset), share] for asset, share in match.candidates],
        "plate": match.plate,
        "cause": match.cause,
    }


def match_from_document(document: Mapping[str, Any]) -> Match:
    """Build a match from its `match_document`."""
    return Match(
        detection=detection_from_document(document["detection"]),
        asset=asset_from_document(document["asset"]) if document["asset"] else None,
        confidence=float(document["confidence"]),
        status=document["status"],
        reason=document["reason"],
        candidates=tuple((asset_from_document(asset), float(share)) for asset, share in document["candidates"]),
        plate=document["plate"],
        cause=document.get("cause"),
    )


def asset_document(asset: Asset) -> dict[str, str | Sequence[str]]:
    """Return an asset as JSON values."""
    return {"ref": asset.ref, "name": asset.name, "tags": list(asset.tags)}


def asset_from_document(document: Mapping[str, Any]) -> Asset:
    """Build an asset from its `asset_document`."""
    return Asset(document["ref"], document["name"], tuple(document["tags"]))
