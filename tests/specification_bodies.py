"""Bodies of requests made from the published specification: every field of every route, its values and its limits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]
References = tuple[str, ...]
"""The schemas that enclose a place, by reference; filters are made of filters."""


@dataclass(frozen=True)
class Case:
    """A body, and where it differs from the smallest one of its kind."""

    place: str
    value: Any
    fits: bool | None = None
    """Whether it fits, where that is known from how it was made; `None` where the schema is to be asked."""

    def within(self, place: str, value: Any) -> Case:
        """The same difference in a larger body."""
        return Case(place + self.place, value, self.fits)


_TEXTS = ("a", "/a", "1/2", "a@b.example", "1.0.0", "1")
_TIME = "2020-01-01T00:00:00.000+00:00"
_TYPES: Mapping[str, Any] = {
    "object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
    "null": type(None),
}  # fmt: skip
_NOTHING: Schema = {"enum": []}
_MOST_ITEMS = 1200
"""Longer lists are not made."""


class Bodies:
    """Makes bodies from the schemas of a specification, `document`.

    `smallest` has values to begin with, by the names of fields, for fields of which the first valid value will not do.
    """

    def __init__(self, document: Schema, smallest: Mapping[str, Any] | None = None) -> None:
        self.document = document
        self._chosen = smallest or {}

    def fits(self, value: Any, given: Schema) -> bool:
        """Whether `value` fits a schema, as CDF takes it: no unknown fields, and those that are null are left out."""
        schema = self.merged(given)
        for name in ("anyOf", "oneOf"):
            if name in schema:
                rest = {other: each for other, each in schema.items() if other != name}
                return any(self.fits(value, {"allOf": [rest, branch]}) for branch in schema[name])
        if value is None and schema.get("nullable", False):
            return True
        if ("enum" in schema and value not in schema["enum"]) or ("const" in schema and value != schema["const"]):
            return False
        named = schema.get("type", list(_TYPES))
        kinds = [named] if isinstance(named, str) else named
        if not any(isinstance(value, _TYPES[kind]) for kind in kinds):
            return False
        if isinstance(value, bool):
            return "boolean" in kinds
        if isinstance(value, dict):
            return self._object_fits(value, schema)
        if isinstance(value, list):
            within = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
            twice = schema.get("uniqueItems", False) and any(each in value[:place] for place, each in enumerate(value))
            return within and not twice and all(self.fits(each, schema.get("items", {})) for each in value)
        if isinstance(value, str):
            within = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
            return within and re.search(schema.get("pattern", ""), value) is not None
        return value is None or schema.get("minimum", value) <= value <= schema.get("maximum", value)

    def _object_fits(self, value: dict[str, Any], schema: Schema) -> bool:
        properties = schema.get("properties", {})
        more = schema.get("additionalProperties", not properties)
        given = {name: each for name, each in value.items() if each is not None or self._null_is_kept(name, schema)}
        if not schema.get("minProperties", 0) <= len(given) <= schema.get("maxProperties", len(given)):
            return False
        return all(name in given for name in schema.get("required", ())) and all(
            self.fits(each, properties.get(name, more)) for name, each in given.items()
        )

    def _null_is_kept(self, name: str, schema: Schema) -> bool:
        """Whether null is a value of a field, and does not count as left out; entries of maps have no fields."""
        properties = schema.get("properties", {})
        if name in properties:
            return self.fits(None, properties[name])
        return schema.get("additionalProperties", not properties) is not False

    def unknown_fields(self, value: Any, given: Schema, place: str = "") -> Sequence[str]:
        """Places of fields that a schema does not have; of alternatives, the one that has most of them counts."""
        schema = self.merged(given)
        for name in ("anyOf", "oneOf"):
            if name in schema:
                rest = {other: each for other, each in schema.items() if other != name}
                ways = ({"allOf": [rest, branch]} for branch in schema[name])
                return min((self.unknown_fields(value, way, place) for way in ways), key=len)
        if isinstance(value, list):
            parts = {f"{place}[]": (each, schema.get("items", {})) for each in value[:1]}
        elif isinstance(value, dict):
            properties = schema.get("properties", {})
            more = schema.get("additionalProperties", not properties)
            parts = {f"{place}.{name}": (each, properties.get(name, more)) for name, each in value.items()}
        else:
            return []
        unknown = [where for where, (_, inner) in parts.items() if inner is False]
        known = {where: part for where, part in parts.items() if part[1] is not False}
        return unknown + [each for where, part in known.items() for each in self.unknown_fields(*part, where)]

    def of(self, schema: Schema) -> Iterator[Case]:
        """The smallest body that fits `schema`, then others that differ from such a one in one place."""
        return self._cases(schema, ())

    def _cases(self, given: Schema, within: References) -> Iterator[Case]:
        names = tuple(part["$ref"] for part in (given, *given.get("allOf", ())) if "$ref" in part)
        times = max((within.count(name) for name in names), default=0)
        if times > 1:
            return
        for case in self._cases_of(self.merged(given), (*within, *names)):
            yield case
            if times:
                return

    def _cases_of(self, schema: Schema, within: References) -> Iterator[Case]:
        branches = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
        if branches:
            rest = {name: value for name, value in schema.items() if name not in ("anyOf", "oneOf")}
            for number, branch in enumerate(branches):
                for case in self._cases({"allOf": [rest, branch]}, within):
                    yield case.within(f"|{number}", case.value)
        elif "enum" in schema:
            yield from (Case(f"={value}", value) for value in schema["enum"])
            yield Case("=unlisted", "unlisted" if isinstance(schema["enum"][0], str) else 99)
        elif "const" in schema:
            yield Case("", schema["const"])
        else:
            is_object = "properties" in schema or "additionalProperties" in schema
            kind = schema.get("type", "object" if is_object else "string")
            yield from getattr(self, f"_{kind if isinstance(kind, str) else kind[0]}s")(schema, within)

    def merged(self, given: Schema | bool) -> Schema:
        """`given` with what it refers to and all of `allOf` in one."""
        if isinstance(given, bool):
            return {} if given else _NOTHING
        merged: dict[str, Any] = {name: value for name, value in given.items() if name not in ("$ref", "allOf")}
        parts = [self.resolved(given["$ref"])] if "$ref" in given else []
        for part in (*parts, *given.get("allOf", ())):
            for name, value in self.merged(part).items():
                if name == "properties":
                    merged["properties"] = {**merged.get("properties", {}), **value}
                elif name == "required":
                    merged["required"] = [*merged.get("required", ()), *value]
                else:
                    merged.setdefault(name, value)
        return merged

    def resolved(self, reference: str) -> Schema:
        """Return what a reference refers to."""
        node: Any = self.document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
        return node

    def _objects(self, schema: Schema, within: References) -> Iterator[Case]:
        properties = {name: each for name, each in schema.get("properties", {}).items() if isinstance(each, Mapping)}
        smallest: dict[str, Any] = {}
        # What is updated must be named, although it may be named in several ways and none is required.
        named = ["id"] if {"id", "update"} <= properties.keys() else []
        for name in dict.fromkeys([*schema.get("required", ()), *named]):
            first = next(self._cases(properties[name], within), None) if name in properties else None
            if first is None:
                return
            smallest[name] = self._chosen.get(name, first.value)
        more = schema.get("additionalProperties")
        if not properties and isinstance(more, Mapping) and more:
            entry = next(self._cases(more, within), None)
            smallest = {} if entry is None else {"a": entry.value}
        yield Case("", smallest)
        for name in smallest:
            yield Case(f".{name} left out", {other: value for other, value in smallest.items() if other != name})
        for name, inner in properties.items():
            for case in self._cases(inner, within):
                yield case.within(f".{name}", {**smallest, name: case.value})
            yield Case(f".{name} of another type", {**smallest, name: [[]]})
            yield Case(f".{name} null", {**smallest, name: None})
        if properties:
            yield Case(".unknown", {**smallest, "unknownField": 1})
        if isinstance(more, Mapping) and more:
            for case in self._cases(more, within):
                yield case.within(".*", {**smallest, "a": case.value})
            first, most = next(self._cases(more, within), None), schema.get("maxProperties")
            yield Case(".* empty", {})
            if first is not None and most is not None:
                for number, place in ((most, ".* most"), (most + 1, ".* too many")):
                    yield Case(place, {f"a{each}": first.value for each in range(number)})
        elif not properties:
            yield Case(".*", {"a": "b"})

    def _arrays(self, schema: Schema, within: References) -> Iterator[Case]:
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        # Of the ways to name a resource the first is at times an object without any name.
        first = next((case for case in self._cases(schema.get("items", {}), within) if case.value != {}), None)
        if first is None:
            return
        number = max(least, 1)
        for case in self._cases(schema.get("items", {}), within):
            yield case.within("[]", [case.value, *self._different(first.value, number)[1:]])
        yield Case("[] empty", [])
        yield Case("[] too few", self._different(first.value, max(least - 1, 0)))
        if schema.get("uniqueItems", False):
            yield Case("[] twice", [first.value, first.value])
        if most is not None and most <= _MOST_ITEMS:
            yield Case("[] most", self._different(first.value, most), fits=True)
            yield Case("[] too many", self._different(first.value, most + 1), fits=False)

    @staticmethod
    def _different(first: Any, number: int) -> list[Any]:
        """`number` values like `first`, each another one where that is easy."""
        if type(first) is int:
            return list(range(1, number + 1))
        if isinstance(first, str):
            return [first, *(f"{first}{place}" for place in range(number - 1))][:number]
        if isinstance(first, dict):
            for name, value in first.items():
                if isinstance(value, int | str) and name.lower().endswith(("id", "space", "name")):
                    kind = type(value)
                    own = [kind(place) if kind is int else f"{value}{place}" for place in range(1, number + 1)]
                    return [{**first, name: each} for each in own]
        return [first] * number

    def _strings(self, schema: Schema, _: References) -> Iterator[Case]:
        pattern = schema.get("pattern", "")
        least, most = schema.get("minLength", 0), schema.get("maxLength")
        texts = [_TIME] if schema.get("format") == "date-time" else _TEXTS
        text = next((each for each in texts if re.search(pattern, each) and len(each) >= least), "a" * max(1, least))
        yield Case("", text)
        yield Case(" empty", "")
        yield Case(" with a space and a dot", "a b.c")
        yield Case(" a number", 5)
        if least > 1:
            yield Case(" too short", "a" * (least - 1))
        if most is not None and len(text) < most:
            yield Case(" longest", text + "a" * (most - len(text)))
            yield Case(" too long", text + "a" * (most + 1 - len(text)))

    def _integers(self, schema: Schema, _: References) -> Iterator[Case]:
        least, most = schema.get("minimum"), schema.get("maximum")
        yield Case("", max(1, least or 0))
        yield from (Case(" as text", "1"), Case(" with a fraction", 1.5), Case(" 0", 0), Case(" negative", -1))
        if least is not None:
            yield from (Case(" least", least), Case(" too small", least - 1))
        if most is not None:
            yield from (Case(" most", most), Case(" too large", most + 1))

    _numbers = _integers

    def _booleans(self, _: Schema, __: References) -> Iterator[Case]:
        yield from (Case("", True), Case(" false", False), Case(" as text", "true"))

    def _nulls(self, _: Schema, __: References) -> Iterator[Case]:
        yield Case("", None)
