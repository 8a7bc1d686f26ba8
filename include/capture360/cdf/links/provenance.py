"""Whose a link is in a data modeling project: the mark on its edge.

The endpoint that links an asset and an image does not say who asked for it, so the edge is marked right after it was
created, in the properties of CogniteSourceable and CogniteAnnotation:

    sourceContext, sourceCreatedUser    "capture360"
    sourceId                            digest of the pair and of what else the edge says, to detect changes by people
    confidence                          of the match
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SOURCE = "capture360"
MARK = ("sourceContext", "sourceId", "sourceCreatedUser")
CONTENT = ("polygon", "formatVersion", "status", "confidence", "name", "description", "tags", "aliases")
"""Properties of an edge in which a change by a person is detected."""
_CONFIDENCE_DIGITS = 4


@dataclass(frozen=True, slots=True, order=True)
class LinkKey:
    """An asset and an image, both as `<space>/<externalId>`."""

    asset: str
    image: str


@dataclass(frozen=True, slots=True)
class LinkEdge:
    """The edge of a link in CDF, with its type and its ends as (space, external id)."""

    space: str
    external_id: str
    version: int
    type: tuple[str, str]
    start: tuple[str, str]
    end: tuple[str, str]
    properties: Mapping[str, Any]
    updated: int = 0
    """When anybody changed it last, in ms."""
    created: int = 0
    """When it was created, in ms."""

    @property
    def id(self) -> tuple[str, str]:
        """Space and external id."""
        return self.space, self.external_id

    @property
    def name(self) -> str:
        """The edge as `<space>/<externalId>`."""
        return f"{self.space}/{self.external_id}"

    @property
    def image(self) -> str:
        """The image that the link ends at, as `<space>/<externalId>`."""
        return "/".join(self.end)

    @property
    def polygon(self) -> tuple[float, ...]:
        """The polygons in CDF's list of numbers; empty if the edge has none."""
        return tuple(float(number) for number in self.properties.get("polygon") or ())

    @property
    def format_version(self) -> str:
        """The version of CDF's list of numbers; empty if the edge has none."""
        return str(self.properties.get("formatVersion") or "")

    @property
    def is_marked(self) -> bool:
        """Whether capture360 created the edge, by its mark."""
        return bool(self.properties.get("sourceContext") == SOURCE)

    @property
    def is_bare(self) -> bool:
        """Whether nobody has marked the edge as its own."""
        return not any(self.properties.get(name) for name in MARK)


def mark(pair: LinkKey, edge: LinkEdge, confidence: float) -> Mapping[str, Any]:
    """Return the properties that mark this edge of a pair as capture360's."""
    rounded = round(confidence, _CONFIDENCE_DIGITS)
    said = {**edge.properties, "confidence": rounded}
    source = {"sourceContext": SOURCE, "sourceId": _digest(pair, said), "sourceCreatedUser": SOURCE}
    return {**source, "confidence": rounded}


def is_unchanged(pair: LinkKey, edge: LinkEdge) -> bool:
    """Return whether the edge is capture360's and links and says what it did when it was marked."""
    return edge.is_marked and edge.properties.get("sourceId") == _digest(pair, edge.properties)


def _digest(pair: LinkKey, properties: Mapping[str, Any]) -> str:
    """Return sixteen hex digits. Absent and empty values are the same."""
    said = {name: properties.get(name) or None for name in CONTENT}
    said["confidence"] = round(float(said["confidence"] or 0), _CONFIDENCE_DIGITS)
    said["polygon"] = [float(number) for number in said["polygon"] or ()]
    document = json.dumps([pair.asset, pair.image, said], sort_keys=True)
    return hashlib.sha256(document.encode()).hexdigest()[:16]
