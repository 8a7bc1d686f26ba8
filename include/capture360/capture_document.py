"""A capture as JSON values, as records and notes keep it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from capture360.model import Capture, CaptureKey, CaptureKind, Pose, Station, StationMedia


def capture_document(capture: Capture) -> dict[str, Any]:
    """Return the capture as JSON values; `capture_from_document` is its inverse."""
    return {
        "key": str(capture.key),
        "kind": capture.kind.value,
        "site_name": capture.site_name,
        "label": capture.label,
        "revision": capture.revision,
        "supersedes": list(capture.supersedes),
        "history": capture.history,
        "scans": dict(capture.scans),
        "extracted_here": list(capture.extracted_here),
        "reused": dict(capture.reused),
        "held_back": list(capture.held_back),
        "camera_height": capture.camera_height,
        "stations": [
            {
                "id": station.id,
                "name": station.name,
                "position": list(station.pose.position),
                "rotation": list(station.pose.rotation),
                "taken_at": station.taken_at.isoformat(),
                "collection": station.collection,
            }
            for station in capture.stations
        ],
        "media": {
            station: {"faces": dict(media.faces), "panorama": media.panorama}
            for station, media in capture.media.items()
        },
    }


def capture_from_document(document: Mapping[str, Any]) -> Capture:
    """Build the capture from its `capture_document`."""
    return Capture(
        key=CaptureKey.parse(document["key"]),
        kind=CaptureKind(document["kind"]),
        site_name=document["site_name"],
        label=document["label"],
        revision=document["revision"],
        supersedes=tuple(document["supersedes"]),
        history=document["history"],
        scans=document["scans"],
        extracted_here=tuple(document["extracted_here"]),
        reused=document["reused"],
        held_back=tuple(document["held_back"]),
        camera_height=document["camera_height"],
        stations=tuple(
            Station(
                id=row["id"],
                name=row["name"],
                pose=pose_of(row["position"], row["rotation"]),
                taken_at=datetime.fromisoformat(row["taken_at"]),
                collection=row["collection"],
            )
            for row in document["stations"]
        ),
        media={
            station: StationMedia(faces=media["faces"], panorama=media["panorama"])
            for station, media in document["media"].items()
        },
    )


def pose_of(position: Sequence[float], rotation: Sequence[float]) -> Pose:
    """Build a pose of x, y, z and of w, x, y, z."""
    east, north, up = position
    w, x, y, z = rotation
    return Pose((east, north, up), (w, x, y, z))
