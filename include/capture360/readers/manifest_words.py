"""Words for what is wrong in `capture.yaml`: no sentence of a library, and the value that was probably meant."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from capture360.readers.manifest import MANIFEST, Manifest
from capture360.rules.finding import Finding
from capture360.rules.manifest import S01, S09
from capture360.text import near_misses
from capture360.validation_words import allowed_values, brief, known_keys, listed, near_key, problem_and_fix, quoted

_CONVENTIONS = ("frame", "rotation", "time")
FIX: Mapping[str, str] = {
    "frame": "Name the frame, its up axis, unit and handedness",
    "rotation": "State kind and direction of the rotations",
    "time": "State time.base: utc, unix_s, unix_ms, gps_s or local",
    "rotation.direction": "Say whether the rotation is camera_to_world or world_to_camera",
    "rotation.euler_order": "Name the order of the angles, XZY (as CDF does), XYZ, ZYX and the like",
    "frame.origin": "Write latitude, longitude and height, such as [59.91, 10.75, 14]",
    "frame.transform.origin_offset": "Write its x, y and z, such as [1200, 850, 0]",
    "frame.handedness": "Only right-handed frames can be published; write right",
    "numbers.decimal": "Write point or comma",
    "kind": "Use cubemap, panorama (or equirectangular) or e57",
    "schema": "Use capture/1",
}
_MEANT: Mapping[str, Sequence[str]] = {
    "m": ("metre", "metres", "meter", "meters"),
    "mm": ("millimetre", "millimetres", "millimeter", "millimeters"),
    "cm": ("centimetre", "centimetres", "centimeter", "centimeters"),
    "ft": ("foot", "feet", "internationalfoot", "internationalfeet", "ftint", "intft"),
    "us_ft": ("ftus", "usfoot", "usfeet", "surveyfoot", "surveyfeet", "ussurveyfoot", "ussurveyfeet", "usft"),
    "in": ("inch", "inches"),
    "right": ("righthanded", "righthand", "rh"),
    "camera_to_world": ("c2w", "cam2world", "camera2world", "camtoworld"),
    "world_to_camera": ("w2c", "world2cam", "world2camera", "worldtocam"),
    "quaternion": ("quat", "quaternions"),
    "gps_s": ("gps", "gpsseconds"),
    "jpeg": ("jpg",),
    "cubemap": ("cube", "cubemaps", "cubefaces"),
    "panorama": ("pano", "panos", "panoramas", "equirect", "spherical"),
}
"""Other words for the values of a key, without case, blanks, hyphens and underscores."""
_MEANT_KEYS: Mapping[str, Sequence[str]] = {
    "kind": ("projection", "projectiontype", "type"),
    "operator": ("author", "surveyor", "photographer", "creator"),
    "camera": ("sensor", "device", "scanner", "instrument"),
    "notes": ("comment", "comments", "description", "remarks"),
    "zone": ("tz", "timezone", "utcoffset"),
    "base": ("format", "type", "standard"),
}
"""Other words for keys, alike; none where the sign may be another one (translation, azimuth)."""
_CLOSE = 0.85
_CLOSE_PLACE = 0.8
"""Likeness of places, lower than of whole names: one letter of five may be another."""
_SHORTEST_PLACE = 5
"""Letters. Shorter words are like many abbreviations: MSK is like Omsk, WEST like Australia/West."""
_WITH_PLACES = ("Africa/", "America/", "Asia/", "Atlantic/", "Europe/", "Indian/", "Pacific/")
"""Where the last part of a zone's name is a place, not a direction (Brazil/East) or letters (Australia/ACT)."""
_SECTIONS = ("frame", "rotation", "time", "numbers", "image", "faces", "camera", "frame.transform")
_OFFSET = re.compile(r"(?:Etc/)?(?:UTC|GMT)?\s*[+\u2212-]?\s*[0-9]", re.IGNORECASE)
_ABBREVIATION = re.compile(r"[A-Z]{2,5}")


def findings_of(error: ValidationError, document: Mapping[str, Any]) -> list[Finding]:
    """Return a finding for each mistake of a manifest that states what `document` holds."""
    findings = []
    for mistake in error.errors(include_url=False):
        path = [str(part) for part in mistake["loc"]]
        key = ".".join(path) or MANIFEST
        rule = S09 if path and path[0] in _CONVENTIONS else S01
        problem, fix = _sentence(key, path, mistake, document)
        findings.append(rule.finding(MANIFEST, brief(mistake["input"]), column=brief(key), problem=problem, fix=fix))
    return findings


def near_zone(stated: str) -> str:
    """Return the fix for a time zone that is none: the one that was probably meant, or how to write an offset."""
    from zoneinfo import available_timezones

    if _OFFSET.match(stated.strip()):
        return (
            "Write the offset behind each time, such as 2026-04-17T09:30:00+02:00, or name a zone such as Europe/Oslo."
        )
    zones = {name.casefold(): name for name in sorted(available_timezones())}
    word = stated.strip().replace(" ", "_").casefold()
    near = [name for key, name in zones.items() if key == word or key.endswith(f"/{word}")]
    if _ABBREVIATION.fullmatch(stated.strip()):  # WEST is no direction, but the summer time of Western Europe
        near = [name for name in near if name.startswith(_WITH_PLACES)]
    if not near and len(word) >= _SHORTEST_PLACE:
        places = {key.rpartition("/")[2]: name for key, name in zones.items() if name.startswith(_WITH_PLACES)}
        slips = [places[key] for key in near_misses(word, places, 2, _CLOSE_PLACE)]
        if slips:
            return f"Did you mean {listed(slips)}?"
    if not near and _ABBREVIATION.fullmatch(stated.strip()):
        return "Such letters may mean several zones: write one such as Europe/Oslo."
    near = near[:1] or [zones[key] for key in near_misses(word, zones, 1, _CLOSE)]
    if near:
        return f"Did you mean {near[0]}?"
    return "Write one such as Europe/Oslo."


def _sentence(key: str, path: list[str], mistake: Mapping[str, Any], document: Mapping[str, Any]) -> tuple[str, str]:
    """Word a validation error for a surveyor: the problem, and how to fix it."""
    kind, value, limits = mistake["type"], mistake["input"], mistake.get("ctx", {})
    fix = FIX.get(key)
    if kind == "missing":
        whole, _, place = key.rpartition(".")
        if place.isdecimal():
            return f"{whole} has no entry {int(place) + 1}", f"{FIX.get(whole, 'Add it')}."
        return f"{key} is missing", f"{fix or 'Add it'}."
    if kind == "extra_forbidden":
        return f'"{brief(key)}" is not known', _fix_of_unknown(path, document)
    if kind in ("literal_error", "enum"):
        allowed = allowed_values(limits)
        meant = _meant(value, allowed)
        return (
            f"{key} {quoted(value)} is not known",
            f"Did you mean {meant}?" if meant else f"{fix or f'Use {listed(allowed)}'}.",
        )
    if kind == "value_error":
        problem, _, advice = str(mistake["msg"]).removeprefix("Value error, ").partition(". ")
        if problem.startswith("holds "):
            problem = f"{key} {quoted(value)} {problem}"
        return problem, advice if advice.endswith("?") else f"{(advice or 'Correct it').removesuffix('.')}."
    problem, advice = problem_and_fix(kind, limits)
    return f"{key} {quoted(value)} {problem}", f"{fix or advice}."


def _fix_of_unknown(path: list[str], document: Mapping[str, Any]) -> str:
    """Return the fix for a key that is not known where it stands: its right place, or the key that was meant."""
    name, inside = path[-1], ".".join(path[:-1])
    homes = [home for home in ("", *_SECTIONS) if name in known_keys(Manifest, _parts(home))]
    free = [home for home in homes if _has_room(document, _parts(home), name)]
    if len(free) == 1:
        home = free[0]
        return (
            f"It belongs to {home}: indent it below {home}."
            if home
            else f"It does not belong to {inside}: indent it less."
        )
    known = known_keys(Manifest, path[:-1])
    near = next((key for key in known if _plain(name) in _MEANT_KEYS.get(key, ())), "") or near_key(name, known)
    if not near:
        stated = [home for home in homes if home and home not in inside]
        if stated:
            return f"Remove it. {stated[0]}.{name} is stated already: correct that one."
        others = [key for key in known if _has_room(document, path[:-1], key)]
        return f"Remove it{f', or write one of {listed(others)}' if others else ''}."
    room = _has_room(document, path[:-1], near)
    return f"Did you mean {near}?" if room else f"Did you mean {near}? That is stated already: keep one of them."


def _parts(section: str) -> list[str]:
    return section.split(".") if section else []


def _has_room(document: Mapping[str, Any], section: Sequence[str], name: str) -> bool:
    """Return whether key `name` can be added to a section: the section is absent or holds keys, and not that one."""
    inner: Any = document
    for part in section:
        inner = inner.get(part, {}) if isinstance(inner, Mapping) else None
    return isinstance(inner, Mapping) and name not in inner


def _meant(value: object, allowed: Sequence[str]) -> str:
    """The allowed value that is written otherwise; empty if there is none."""
    if not isinstance(value, str):
        return ""
    word = _plain(value)
    for each in allowed:
        if word == _plain(each) or word in _MEANT.get(each, ()):
            return each
    near = next(iter(near_misses(value.casefold(), allowed, 1, _CLOSE)), "")
    return near if re.findall("[0-9]+", value) == re.findall("[0-9]+", near) else ""  # another version is no slip


def _plain(text: str) -> str:
    """Text without case, and without separators between letters: a sign in front remains."""
    return re.sub(r"(?<=\w)[ _.-]+(?=\w)", "", text.strip().casefold()).replace("_", "")
