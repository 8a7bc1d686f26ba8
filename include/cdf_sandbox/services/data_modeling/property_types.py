"""The types a property can have, and the check and the normal form of a value of each.

The normal form is what the tables keep and what is read back: timestamps in UTC with milliseconds, `float32` rounded
to single precision, relations with exactly `space` and `externalId`. Limits: schema `RawPropertyValueV3` of the
published API specification.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from cdf_sandbox.services.data_modeling.ids import SPACE_PATTERN, ContainerId

MAX_TEXT_BYTES = 128_000
MAX_LIST = 1000
MAX_RELATION_LIST = 100
MAX_LIST_OVERRIDE = 2000
MAX_JSON_BYTES = 40_960
MAX_JSON_VALUE_BYTES = 10_240
MAX_JSON_KEYS = 256
MAX_JSON_KEY_LENGTH = 128
MAX_JSON_DEPTH = 200
"""Not published; deep enough for any use, and shallow enough to be read back."""
_FLOAT32_MAX = float(np.finfo(np.float32).max)

REFERENCE_KINDS = frozenset({"timeseries", "file", "sequence"})
TEXT_KINDS = frozenset({"text", "enum", *REFERENCE_KINDS})
NUMBER_KINDS = frozenset({"int32", "int64", "float32", "float64"})


class ValueMismatch(ValueError):
    """A value that its property cannot hold; the message states what was expected."""


@dataclass(frozen=True)
class PropertyType:
    """One property type; `wire` is its definition as CDF writes it."""

    kind: str
    is_list: bool = False
    max_list_size: int | None = None
    max_text_bytes: int | None = None
    container: ContainerId | None = None
    enum_values: frozenset[str] = frozenset()
    """Values that can be written, without the value for unknown ones."""
    wire: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def list_limit(self) -> int:
        """Maximum number of values in a list."""
        return self.max_list_size or (MAX_RELATION_LIST if self.kind == "direct" else MAX_LIST)

    def check(self, value: Any) -> Any:
        """The normal form of `value`, which is not null; `ValueMismatch` if it does not fit."""
        if not self.is_list:
            return self.check_element(value)
        if not isinstance(value, list):
            raise ValueMismatch(f"expected a list of {self.kind}, got {_shown(value)}")
        if len(value) > self.list_limit:
            raise ValueMismatch(f"expected a list of at most {self.list_limit} values, got {len(value)}")
        checked = [self.check_element(element) for element in value]
        if self.kind in TEXT_KINDS and sum(len(text.encode()) for text in checked) > MAX_TEXT_BYTES:
            raise ValueMismatch(f"the texts of the list exceed {MAX_TEXT_BYTES} bytes together")
        if self.kind == "json" and len(_compact(checked)) > MAX_JSON_BYTES:
            raise ValueMismatch(f"the JSON of the list exceeds {MAX_JSON_BYTES} bytes")
        return checked

    def check_element(self, value: Any) -> Any:
        """The normal form of one value, whether the property is a list or not."""
        if value is None:
            raise ValueMismatch(f"expected {self.kind}, got null inside a list")
        return _CHECKS[self.kind](self, value)


def parse_type(wire: Mapping[str, Any]) -> PropertyType:
    """The property type that a definition, already checked for its form, stands for."""
    container = wire.get("container")
    return PropertyType(
        kind=wire["type"],
        is_list=wire.get("list", False),
        max_list_size=wire.get("maxListSize"),
        max_text_bytes=wire.get("maxTextSize"),
        container=ContainerId(container["space"], container["externalId"]) if container else None,
        enum_values=frozenset(wire.get("values", ())) - {wire.get("unknownValue")},
        wire=wire,
    )


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _text(of: PropertyType, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueMismatch(f"expected {of.kind}, got {_shown(value)}")
    if "\0" in value:
        raise ValueMismatch("text must not contain the character U+0000")
    limit = of.max_text_bytes or MAX_TEXT_BYTES
    if len(value) * 4 > limit and len(value.encode()) > limit:
        raise ValueMismatch(f"text exceeds {limit} bytes in UTF-8")
    return value


def _reference(of: PropertyType, value: Any) -> str:
    text = _text(of, value)
    if not 1 <= len(text) <= 255:
        raise ValueMismatch(f"expected the external id of a {of.kind}, 1 to 255 characters, got {_shown(value)}")
    return text


def _enum(of: PropertyType, value: Any) -> str:
    if not isinstance(value, str) or value not in of.enum_values:
        raise ValueMismatch(f"expected one of {', '.join(sorted(of.enum_values))}, got {_shown(value)}")
    return value


def _boolean(_: PropertyType, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueMismatch(f"expected boolean, got {_shown(value)}")
    return value


def _integer(of: PropertyType, value: Any) -> int:
    bits = 31 if of.kind == "int32" else 63
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueMismatch(f"expected {of.kind}, got {_shown(value)}")
    if not -(1 << bits) <= value < 1 << bits:
        raise ValueMismatch(f"{_shown(value)} is out of the range of {of.kind}")
    return value


def _float64(of: PropertyType, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueMismatch(f"expected {of.kind}, got {_shown(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueMismatch(f"{_shown(value)} is out of the range of {of.kind}")
    return number


def _float32(of: PropertyType, value: Any) -> float:
    number = _float64(of, value)
    if abs(number) > _FLOAT32_MAX:
        raise ValueMismatch(f"{_shown(value)} is out of the range of float32")
    return float(str(np.float32(number)))


_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,3})?(Z|[+-]\d\d(?::?\d\d)?)?", re.ASCII)


def parse_timestamp(text: str) -> datetime:
    """A timestamp with up to three decimal digits, in UTC, also if it names no zone. `ValueMismatch` if invalid."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise ValueMismatch(f"expected a timestamp YYYY-MM-DDTHH:MM:SS[.millis][Z|time zone], got {_shown(text)}")
    seconds, fraction, zone = match.groups()
    millis = ((fraction or "")[1:] + "000")[:3]
    try:
        return datetime.fromisoformat(f"{seconds}.{millis}{zone or '+00:00'}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueMismatch(f"{_shown(text)} is no timestamp that exists") from None


def _timestamp(_: PropertyType, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueMismatch(f"expected a timestamp as text, got {_shown(value)}")
    return parse_timestamp(value).isoformat(timespec="milliseconds")


def _date(_: PropertyType, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise ValueMismatch(f"expected a date YYYY-MM-DD, got {_shown(value)}")
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise ValueMismatch(f"{_shown(value)} is no date that exists") from None


def _json(_: PropertyType, value: Any) -> Any:
    if not isinstance(value, dict):  # arrays are wrapped in an object
        raise ValueMismatch(f"expected a JSON object, got {_shown(value)}")
    if len(_compact(value)) > MAX_JSON_BYTES:
        raise ValueMismatch(f"JSON exceeds {MAX_JSON_BYTES} bytes")
    keys = 0
    pending: list[tuple[Any, int]] = [(value, 1)]
    while pending:
        part, depth = pending.pop()
        if depth > MAX_JSON_DEPTH:
            raise ValueMismatch(f"JSON is nested more than {MAX_JSON_DEPTH} levels deep")
        if isinstance(part, dict):
            keys += len(part)
            long_key = next((key for key in part if len(key) > MAX_JSON_KEY_LENGTH), None)
            if long_key is not None:
                raise ValueMismatch(f"the JSON key {_shown(long_key)} exceeds {MAX_JSON_KEY_LENGTH} characters")
            pending.extend((each, depth + 1) for each in part.values())
        elif isinstance(part, list):
            pending.extend((each, depth + 1) for each in part)
        elif isinstance(part, str) and len(part.encode()) > MAX_JSON_VALUE_BYTES:
            raise ValueMismatch(f"a JSON value exceeds {MAX_JSON_VALUE_BYTES} bytes")
    if keys > MAX_JSON_KEYS:
        raise ValueMismatch(f"JSON has more than {MAX_JSON_KEYS} keys")
    return value


_SPACE = re.compile(SPACE_PATTERN)


def _direct(_: PropertyType, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or value.keys() != {"space", "externalId"}:
        raise ValueMismatch(
            f'expected a direct relation {{"space": ..., "externalId": ...}} and nothing else, got {_shown(value)}'
        )
    space, external_id = value["space"], value["externalId"]
    if not isinstance(space, str) or not _SPACE.match(space) or "\n" in space:
        raise ValueMismatch(f"{_shown(space)} is not a valid space")
    if not isinstance(external_id, str) or not 1 <= len(external_id) <= 256 or "\0" in external_id:
        raise ValueMismatch(f"{_shown(external_id)} is not a valid external id of 1 to 256 characters")
    return {"space": space, "externalId": external_id}


_CHECKS: dict[str, Callable[[PropertyType, Any], Any]] = {
    "text": _text,
    "enum": _enum,
    "boolean": _boolean,
    "int32": _integer,
    "int64": _integer,
    "float32": _float32,
    "float64": _float64,
    "timestamp": _timestamp,
    "date": _date,
    "json": _json,
    "direct": _direct,
    **dict.fromkeys(REFERENCE_KINDS, _reference),
}
KINDS = frozenset(_CHECKS)
