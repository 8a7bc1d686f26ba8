"""Loads `capture.yaml` from untrusted bytes; scalars stay text until the manifest's types convert them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import ValidationError
from typing_extensions import override

from capture360 import lfs
from capture360.landing.folder import CaptureFolder
from capture360.model import CaptureKind
from capture360.readers.manifest import MANIFEST, Manifest
from capture360.readers.manifest_keys import refused
from capture360.readers.manifest_words import FIX, findings_of, near_zone
from capture360.readers.problem import Unreadable
from capture360.rules.finding import Finding
from capture360.rules.manifest import S01, S09
from capture360.settings.register import laid_over
from capture360.text import printable
from capture360.time_zones import zone_problem
from capture360.validation_words import quoted

_NAMED = 80
"""Characters of a key that a message shows."""
_LARGEST = 64_000
"""Bytes. The file is read at every poll of the landing zone, and parsing YAML is slow."""
_ABSENT = frozenset({"", "~", "null", "Null", "NULL"})
"""Ways to write nothing without quotes (YAML 1.1); an empty text in quotes is nothing as well."""
_HALF = re.compile("[\ud800-\udfff]")
_HALF_PROBLEM = "an escape of half a character, which no file can hold"
_YAML_WORDS = (
    ("anchors|merge keys|there twice|half a character|no text$", ""),
    (r"\\t", "a tab stands where only blanks may"),
    ("mapping values are not allowed", "a line has a second colon, or is indented otherwise than the one before it"),
    ("could not find expected ':'", "a line has no colon with a blank behind it"),
    ("found another document", "a second document begins"),
    ("document start", "other text stands around the keys"),
    ("block end", "a line is indented otherwise than the one before it"),
    ("end of stream|unexpected end", "a quote or bracket is not closed"),
    ("',' or|flow", "brackets hold something else than entries with commas between them"),
    ("escape", "quotes hold a backslash that means nothing; write paths in single quotes"),
    ("cannot start any token", "a key or value begins with a character that YAML keeps for itself: write it in quotes"),
    ("sequence entries", "a list begins on a line of its own"),
)
"""What PyYAML finds wrong, by a piece of its sentence; empty for our own sentences, which stay."""
_IN_FULL = "Write what they stand for in full."
_OTHER_FILES = (
    (lfs.POINTER, f"it is {lfs.WHAT}", lfs.FETCH),
    (b"PK\x03\x04", "it is a zip archive or an office document", "Save it as plain text."),
    (b"{\\rtf", "it is a rich text document", "Save it as plain text."),
    (b"<<<<<<<", "it holds two versions with marks of git around them", "Keep one, and remove the marks."),
    (b"<<", "merge keys (<<) are not used here", _IN_FULL),
    (b"<", "it is a web page or XML", "Write lines such as kind: cubemap."),
)


class _TextLoader(yaml.BaseLoader):
    """Loader that keeps scalars as text, since an id may be 0012 or no, and refuses anchors, which can expand a lot."""

    @override
    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML has no types here
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.composer.ComposerError(None, None, "anchors and aliases are not used here", event.start_mark)
        return super().compose_node(parent, index)

    @override
    def construct_scalar(self, node: yaml.ScalarNode) -> str | None:  # type: ignore[override]  # as YAML itself has it
        text = str(super().construct_scalar(node))
        if not text or (node.style is None and text in _ABSENT):
            return None
        if _HALF.search(text):
            raise yaml.constructor.ConstructorError(None, None, _HALF_PROBLEM, node.start_mark)
        return text

    @override
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            problem = ""
            if key.value == "<<":
                problem = "merge keys (<<) are not used here; write in full what they stand for"
            elif not isinstance(key, yaml.ScalarNode):
                problem = "a key is no text"
            elif _HALF.search(key.value):
                problem = _HALF_PROBLEM
            elif key.value in seen:
                problem = f'the key "{printable(key.value, _NAMED)}" is there twice'
            if problem:
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        # What is stated as nothing is not stated.
        values = {key.value: self.construct_object(value, deep=True) for key, value in node.value}
        return {key: value for key, value in values.items() if value is not None}


def read_manifest(document: Mapping[str, Any], defaults: Mapping[str, Any]) -> Manifest:
    """Validate the document, completed by a reader's `defaults`; Unreadable with a finding for each mistake."""
    try:
        manifest = Manifest.model_validate(laid_over(defaults, document))
    except ValidationError as error:
        raise Unreadable(*findings_of(error, document)) from None
    mistakes = list(_conventions(manifest))
    if mistakes:
        raise Unreadable(*mistakes)
    return manifest


def load_document(folder: CaptureFolder) -> dict[str, Any]:
    """Load capture.yaml as a mapping of texts; Unreadable if it is no YAML mapping."""
    content = folder.read(MANIFEST, _LARGEST + 1)
    if len(content) > _LARGEST:
        raise _broken(f"it has more than {_LARGEST:,} bytes", "Keep tables out of the manifest.")
    for start, problem, fix in _OTHER_FILES:
        if content.startswith(start):
            raise _broken(problem, fix)
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
        if bytes(4) in content:
            raise _broken("bytes of it are zero, as after a transfer that broke", "Copy it again.") from None
        problem = f"it holds the character {int(error.character):#04x}, which YAML does not allow"
        raise _broken(problem, "Save it as text in UTF-8.") from None
    except (ValueError, OverflowError):
        raise _broken("an escape stands for no character", "Remove it, or write its digits right.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        problem = _in_words(str(getattr(error, "problem", None)))
        raise _broken(f"it is not valid YAML{line} ({problem})", "Correct it there.") from None
    if not isinstance(document, dict):
        raise _broken("it holds no keys", "Write lines such as kind: cubemap.")
    return document


def _in_words(problem: str) -> str:
    """Word what the parser found wrong."""
    for piece, words in _YAML_WORDS:
        if re.search(piece, problem):
            return words or problem
    return "the line cannot be read"


def _decoded(content: bytes) -> str:
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return content.decode(encoding)


def _broken(problem: str, fix: str) -> Unreadable:
    return Unreadable(S01.finding(MANIFEST, problem=problem, fix=fix))


def _conventions(manifest: Manifest) -> list[Finding]:
    """Findings about conventions that this kind of capture requires and the types cannot express."""
    rotation, found, of_kind = manifest.rotation, [], list(refused(manifest))
    keys = {key for key, *_ in of_kind}

    def missing(key: str, fix: str) -> None:
        found.append(S09.finding(MANIFEST, column=key, problem=f"{key} is missing", fix=f"{fix}."))

    if manifest.kind is not CaptureKind.E57:
        if rotation.kind != "none" and rotation.direction is None:
            missing("rotation.direction", FIX["rotation.direction"])
        is_plain = rotation.kind in ("none", "heading_pitch_roll_deg") and "rotation.direction" not in keys
        if is_plain and rotation.direction == "world_to_camera":
            problem = f'rotation.direction "world_to_camera" cannot be used with rotation.kind {rotation.kind}'
            key, fix = "rotation.direction", "Write camera_to_world."
            found.append(S09.finding(MANIFEST, rotation.direction, column=key, problem=problem, fix=fix))
        if rotation.kind in ("euler_deg", "euler_rad"):
            if rotation.euler_order is None:
                missing("rotation.euler_order", FIX["rotation.euler_order"])
            elif sorted(rotation.euler_order.upper()) != ["X", "Y", "Z"]:
                found.append(
                    S09.finding(
                        MANIFEST,
                        rotation.euler_order,
                        column="rotation.euler_order",
                        problem=f'rotation.euler_order "{rotation.euler_order}" does not name each axis once',
                        fix=f"{FIX['rotation.euler_order']}.",
                    )
                )
    for key, value, problem, fix in of_kind:
        found.append(S09.finding(MANIFEST, value, column=key, problem=problem, fix=fix))
    if manifest.time.base == "local" and not manifest.time.zone:
        missing("time.zone", "Times are local: name their zone, such as Europe/Oslo")
    if manifest.time.base != "local" and manifest.time.zone and "time.zone" not in keys:
        found.append(
            S09.finding(
                MANIFEST,
                manifest.time.zone,
                column="time.zone",
                problem=f"time.zone {quoted(manifest.time.zone)} contradicts time.base {manifest.time.base}, "
                "which is UTC",
                fix="Remove it, or write base: local if the times are those of that zone.",
            )
        )
    problem, fix = zone_problem(manifest.time.zone) if manifest.time.zone else ("", "")
    if problem:
        found.append(
            S09.finding(
                MANIFEST,
                manifest.time.zone,
                column="time.zone",
                problem=f"time.zone {quoted(manifest.time.zone)} {problem}",
                fix=f"{fix}, or write the offset behind each time." if fix else near_zone(manifest.time.zone or ""),
            )
        )
    return found
