"""Words for what a pydantic model refuses in a file that people write: no sentence of a library reaches them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, TypeAdapter

from capture360.text import near_misses

_NUMBER = ("float_parsing", "float_type")
_WHOLE = ("int_parsing", "int_type", "int_from_float", "int_parsing_size")
_LIMITS = {"greater_than": ("gt", "more than"), "greater_than_equal": ("ge", "at least")}
_LIMITS |= {"less_than": ("lt", "less than"), "less_than_equal": ("le", "at most")}
_GROUP = ("dict_type", "model_type", "model_attributes_type", "dataclass_type", "mapping_type")
_DURATION = TypeAdapter(timedelta, config=ConfigDict(defer_build=True))
_SLIP = 0.8
"""Likeness of two keys that differ by a slip; below it, a key that holds the word whole is the likelier one."""


def problem_and_fix(kind: str, limits: Mapping[str, Any]) -> tuple[str, str]:
    """Return what is wrong with a value of another type or size, and how to fix it.

    `kind` and `limits` are `type` and `ctx` of an error of pydantic.
    """
    if kind in _NUMBER:
        return "is no number", "Write digits alone, with a decimal point and without a unit"
    if kind in _WHOLE:
        return "is no whole number", "Write digits alone"
    if kind == "finite_number":
        return "is no finite number", "Write a number"
    if kind in _LIMITS:
        name, words = _LIMITS[kind]
        return f"is not {words} {limits.get(name)}", "Correct it"
    if kind == "multiple_of":
        return f"is not a multiple of {limits.get('multiple_of')}", "Correct it"
    if kind in ("too_long", "too_short"):
        limit = limits.get("max_length") if kind == "too_long" else limits.get("min_length")
        if limits.get("actual_length") is None:  # pydantic stops counting at the limit
            return f"has {'more' if kind == 'too_long' else 'fewer'} than {limit} entries", "Leave some out"
        return f"has {limits.get('actual_length')} entries, not {limit}", "Write one entry for each place"
    if kind in ("string_too_long", "string_too_short"):
        limit = limits.get("max_length") or limits.get("min_length")
        return f"has {'more' if kind == 'string_too_long' else 'fewer'} than {limit} characters", "Correct it"
    if kind in ("tuple_type", "list_type"):
        return "is no list", "Write the entries in brackets, such as [1, 2, 3]"
    if kind in _GROUP:
        return "is no group of keys", "Write it as the manual shows"
    if kind == "string_type":
        return "is no text", "Write it in quotes"
    if kind.startswith("bool"):
        return "is neither true nor false", "Write true or false"
    if kind.startswith("time_delta"):
        return "is no duration", "Write one such as PT10M, PT2H or P1D"
    return "cannot be used", "Write it as the manual shows"


def allowed_values(limits: Mapping[str, Any]) -> list[str]:
    """Return the texts that a Literal or Enum allows, from `ctx` of its error."""
    return re.findall(r"'([^']+)'", str(limits.get("expected", "")))


def listed(values: Sequence[str]) -> str:
    """Return values as a choice: "a, b or c"."""
    return f"{', '.join(values[:-1])} or {values[-1]}" if len(values) > 1 else "".join(values)


def near_key(name: str, known: Sequence[str]) -> str:
    """Return the known key that was probably meant; empty if none is near."""
    word = name.casefold()
    slips = near_misses(word, known, 1, _SLIP)
    holding = [each for each in known if word in each.split("_")]
    return next(iter([*slips, *holding, *near_misses(word, known, 1)]), "")


def quoted(value: object) -> str:
    """Return a value as a sentence names it: short, and groups by their kind alone."""
    if isinstance(value, str | int | float | timedelta):
        return f'"{brief(value)}"'
    return {"list": "(a list)", "dict": "(a group of keys)"}.get(type(value).__name__, "(nothing)")


def brief(value: object) -> str:
    """Return the first 80 characters of a value, or the name of its type."""
    if isinstance(value, int) and value.bit_length() > 1000:  # Python refuses to write out much longer ones
        return f"{hex(value)[:79]}…"
    if isinstance(value, timedelta):
        return str(_DURATION.dump_python(value, mode="json"))
    return str(value)[:80] if isinstance(value, str | int | float) else type(value).__name__


def known_keys(model: type[BaseModel], section: Sequence[str]) -> list[str]:
    """Return the keys that `model` knows in the section below it that a path names."""
    models: list[Any] = [model]
    for part in section:
        fields = [each.model_fields[part] for each in models if part in each.model_fields]
        models = [each for field in fields for each in _models(field.annotation)]
    return [field.alias or name for each in models for name, field in each.model_fields.items()]


def _models(annotation: Any) -> Iterator[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
