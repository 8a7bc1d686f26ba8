"""Loads `capture.yaml` from untrusted bytes; scalars stay text until the manifest's types convert them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from capture360.landing.folder import CaptureFolder
from capture360.model import CaptureKind
from capture360.readers.manifest import MANIFEST, Manifest
from capture360.readers.manifest_keys import refused
from capture360.readers.problem import Unreadable
from capture360.rules.finding import Finding
from capture360.rules.manifest import S01, S09

_LARGEST = 64_000
"""Bytes. The file is read at every poll of the landing zone, and parsing YAML is slow."""
_ABSENT = ("", "~", "null")
_CONVENTIONS = ("frame", "rotation", "time")
_FIX = {
    "frame": "Name the frame, its up axis, unit and handedness",
    "rotation": "State kind and direction of the rotations",
    "time": "State time.base: utc, unix_s, unix_ms, gps_s or local",
    "rotation.direction": "Say whether the rotation is camera_to_world or world_to_camera",
    "rotation.euler_order": "Name the order of the angles, XZY (as CDF does), XYZ, ZYX and the like",
    "frame.handedness": "Only right-handed frames can be published; write right",
    "numbers.decimal": "Write point or comma",
    "kind": "Use cubemap, panorama (or equirectangular) or e57",
    "schema": "Use capture/1",
}


class _TextLoader(yaml.BaseLoader):
    """Loader that keeps scalars as text, since an id may be 0012 or no, and refuses anchors, which can expand a lot."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML has no types here
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.composer.ComposerError(None, None, "anchors and aliases are not used here", event.start_mark)
        return super().compose_node(parent, index)

    def construct_scalar(self, node: yaml.ScalarNode) -> str:
        text = str(super().construct_scalar(node))
        if any(0xD800 <= ord(each) <= 0xDFFF for each in text):
            problem = "an escape of half a character, which no file can hold"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return text

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, "a key is there twice or is no text", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_manifest(document: Mapping[str, Any], defaults: Mapping[str, Any]) -> Manifest:
    """Validate the document, completed by a reader's `defaults`; Unreadable with a finding for each mistake."""
    try:
        manifest = Manifest.model_validate(_merged(defaults, document))
    except ValidationError as error:
        raise Unreadable(*_findings(error)) from None
    mistakes = list(_conventions(manifest))
    if mistakes:
        raise Unreadable(*mistakes)
    return manifest


def load_document(folder: CaptureFolder) -> dict[str, Any]:
    """Load capture.yaml as a mapping of texts; Unreadable if it is no YAML mapping."""
    content = folder.read(MANIFEST, _LARGEST + 1)
    if len(content) > _LARGEST:
        raise _broken(f"it has more than {_LARGEST:,} bytes", "Keep tables out of the manifest.")
    try:
        loader = _TextLoader(_decoded(content))
        document = loader.get_single_data()
    except UnicodeDecodeError as error:
        at = content.count(b"\n", 0, error.start) + 1
        problem = f"it is not UTF-8 (byte 0x{content[error.start]:02x} in line {at})"
        raise _broken(problem, "Save it as UTF-8.") from None
    except RecursionError:
        raise _broken("it is nested too deep", "Write it as the manual shows.") from None
    except yaml.reader.ReaderError as error:
        problem = f"it holds the character {int(error.character):#04x}, which YAML does not allow"
        raise _broken(problem, "Save it as text in UTF-8.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or type(error).__name__
        raise _broken(f"it is not valid YAML{line} ({problem})", "Correct it there.") from None
    if not isinstance(document, dict):
        raise _broken("it holds no keys", "Write lines such as kind: cubemap.")
    return {key: value for key, value in document.items() if value not in _ABSENT}


def _decoded(content: bytes) -> str:
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return content.decode(encoding)


def _broken(problem: str, fix: str) -> Unreadable:
    return Unreadable(S01.finding(MANIFEST, problem=problem, fix=fix))


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            result[key] = _merged(old, {name: inner for name, inner in value.items() if inner not in _ABSENT})
        else:
            result[key] = value
    return result


def _findings(error: ValidationError) -> list[Finding]:
    findings = []
    for mistake in error.errors(include_url=False):
        path = [str(part) for part in mistake["loc"]]
        key = ".".join(path) or MANIFEST
        rule = S09 if path and path[0] in _CONVENTIONS else S01
        problem, fix = _sentence(key, path, mistake)
        findings.append(rule.finding(MANIFEST, _brief(mistake["input"]), column=key, problem=problem, fix=fix))
    return findings


def _sentence(key: str, path: list[str], mistake: Mapping[str, Any]) -> tuple[str, str]:
    """Word a validation error for a surveyor: the problem, and how to fix it."""
    kind, value = mistake["type"], _brief(mistake["input"])
    fix = _FIX.get(key)
    if kind == "missing":
        return f"{key} is missing", f"{fix or 'Add it'}."
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(path[-1], _known(path), 1)
        return f'"{key}" is not known', f"Did you mean {near[0]}?" if near else "Remove it."
    if kind in ("literal_error", "enum"):
        allowed = str(mistake.get("ctx", {}).get("expected", "")).replace("'", "")
        return f'{key} "{value}" is not known', f"{fix or f'Use {allowed}'}."
    if kind == "value_error":
        problem, _, advice = str(mistake["msg"]).removeprefix("Value error, ").partition(". ")
        if problem.startswith("holds "):
            problem = f'{key} "{value}" {problem}'
        return problem, advice if advice.endswith("?") else f"{(advice or 'Correct it').removesuffix('.')}."
    return f'{key} "{value}" is wrong ({mistake["msg"]})', f"{fix or 'Correct it'}."


def _known(path: list[str]) -> list[str]:
    model: Any = Manifest
    for part in path[:-1]:
        field = model.model_fields.get(part) if isinstance(model, type) and issubclass(model, BaseModel) else None
        model = field.annotation if field else None
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _brief(value: object) -> str:
    return str(value)[:80] if isinstance(value, str | int | float) else type(value).__name__


def _conventions(manifest: Manifest) -> list[Finding]:
    """Findings about conventions that this kind of capture requires and the types cannot express."""
    rotation, found = manifest.rotation, []

    def missing(key: str, fix: str) -> None:
        found.append(S09.finding(MANIFEST, column=key, problem=f"{key} is missing", fix=f"{fix}."))

    if manifest.kind is not CaptureKind.E57:
        if rotation.kind != "none" and rotation.direction is None:
            missing("rotation.direction", _FIX["rotation.direction"])
        if rotation.kind in ("euler_deg", "euler_rad"):
            if rotation.euler_order is None:
                missing("rotation.euler_order", _FIX["rotation.euler_order"])
            elif sorted(rotation.euler_order.upper()) != ["X", "Y", "Z"]:
                found.append(
                    S09.finding(
                        MANIFEST,
                        rotation.euler_order,
                        column="rotation.euler_order",
                        problem=f'rotation.euler_order "{rotation.euler_order}" does not name each axis once',
                        fix=f"{_FIX['rotation.euler_order']}.",
                    )
                )
    for key, value, problem, fix in refused(manifest):
        found.append(S09.finding(MANIFEST, value, column=key, problem=problem, fix=fix))
    if manifest.time.base == "local" and not manifest.time.zone:
        missing("time.zone", "Times are local: name their zone, such as Europe/Oslo")
    if manifest.time.zone and not _zone_known(manifest.time.zone):
        found.append(
            S09.finding(
                MANIFEST,
                manifest.time.zone,
                column="time.zone",
                problem=f'time.zone "{manifest.time.zone}" is no IANA time zone',
                fix="Write one such as Europe/Oslo.",
            )
        )
    return found


def _zone_known(name: str) -> bool:
    from zoneinfo import available_timezones

    return name in available_timezones()
