"""Format of the results of a 3D job ImageTextDetection; no other module knows it.

Cognite does not publish the format. The sandbox's format is read; any other is refused with a description of its
structure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from capture360.errors import CdfError
from capture360.geometry.spherical_polygons import Directions, polygons

_SHOWN = 60


class UnknownResultError(CdfError):
    """A result in an unknown format; `structure` names its fields and their types, a line each."""

    def __init__(self, why: str, structure: str) -> None:
        super().__init__(why)
        self.structure = structure


@dataclass(frozen=True, slots=True)
class FoundText:
    """A text on an image. `outline` are unit vectors in the image's cube frame."""

    key: str
    space: str
    image: str
    text: str
    confidence: float
    outline: Directions


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, alias_generator=to_camel)


class _Instance(_Part):
    space: str
    external_id: str


class _Image(_Part):
    instance_id: _Instance


class _Polygon(_Part):
    version: Literal["2.0.0"]
    data: list[float]


class _Text(_Part):
    key: str
    image360: _Image
    text: str
    confidence: Annotated[float, Field(ge=0, le=1)]
    polygon: _Polygon


class _Result(_Part):
    version: Literal["1.0"]
    items: list[_Text]


def parse(content: bytes) -> list[FoundText]:
    """Parse a result file into texts, one for each polygon; UnknownResultError if it has another format."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UnknownResultError(f"it is not JSON: {error}", f"{len(content)} bytes") from None
    try:
        return [
            FoundText(
                item.key,
                item.image360.instance_id.space,
                item.image360.instance_id.external_id,
                item.text,
                item.confidence,
                outline,
            )
            for item in _Result.model_validate(document).items
            for outline in polygons(item.polygon.data)
        ]
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UnknownResultError(f"{place}: {first['msg']}", structure(document)) from None
    except ValueError as error:
        raise UnknownResultError(str(error), structure(document)) from None


def structure(document: Any) -> str:
    """Describe every field of a JSON document by the types of its values, without the values."""
    try:
        lines = list(dict.fromkeys(_fields(document, "")))
    except RecursionError:
        return "nested too deeply to be described"
    more = [f"and {len(lines) - _SHOWN} more fields"] if len(lines) > _SHOWN else []
    return "\n".join([*lines[:_SHOWN], *more])


def _fields(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, dict):
        if not value:
            yield f"{place}: empty object".lstrip(": ")
        for name, part in value.items():
            yield from _fields(part, f"{place}.{name}".lstrip("."))
    elif isinstance(value, list):
        if not value:
            yield f"{place}[]: empty"
        for part in value:
            yield from _fields(part, f"{place}[]")
    else:
        yield f"{place}: {type(value).__name__}"
