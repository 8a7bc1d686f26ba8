"""Sentences for what is wrong in the site register."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capture360.settings.site import Site
from capture360.validation_words import allowed_values, known_keys, listed, near_key, problem_and_fix, quoted

Location = tuple[str | int, ...]
"""Keys, and numbers in lists, that lead from a site to a setting."""


def sentence(mistake: Mapping[str, Any], where: str, location: Location) -> str:
    """Word an error of pydantic about the setting at `location`, which stands in `where`: file and keys above it."""
    kind, limits = mistake["type"], mistake.get("ctx", {})
    path = [str(part) for part in location]
    key = ".".join((where, *path))
    if kind == "missing":
        return f"{key} is missing. Add it."
    if kind == "extra_forbidden":
        near = near_key(path[-1], [each for each in known_keys(Site, path[:-1]) if each != "id"])
        fix = f"Did you mean {near}?" if near else "Remove it."
        return f"{where}: {quoted(path[-1])} is no setting of {'.'.join(path[:-1]) or 'a site'}. {fix}"
    if kind == "value_error":
        return f"{key}: {str(mistake['msg']).removeprefix('Value error, ')}."
    if kind == "literal_error":
        allowed = listed(allowed_values(limits)) or limits["expected"]  # numbers stand there without quotes
        return f"{key} {quoted(mistake['input'])} is not known. Use {allowed}."
    if kind == "string_pattern_mismatch":
        return f"{key} {quoted(mistake['input'])} does not match {limits['pattern']}. Correct it."
    problem, fix = problem_and_fix(kind, limits)
    return f"{key} {quoted(mistake['input'])} {problem}. {fix}."
