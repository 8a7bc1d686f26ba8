"""Mapping of delivered column names to canonical ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from capture360.readers.column_names import (
    contradictions,
    fix_of,
    mapped_together,
    meant_by,
    nearest,
    plain_name,
    together_finding,
)
from capture360.readers.delimited import Table
from capture360.readers.encodings import ASSUMED, chance_finding, encoding_finding
from capture360.readers.manifest import MANIFEST, Manifest
from capture360.readers.notation import Numbers, plain_numbers
from capture360.readers.problem import Unreadable
from capture360.readers.ragged import decimal_commas, quoted, ragged_findings
from capture360.rules.finding import Disposition, Finding
from capture360.rules.manifest import S13
from capture360.rules.tables import S04
from capture360.text import near_misses

if TYPE_CHECKING:
    import pandas as pd

POSITION = ("x", "y", "z")
ROTATIONS: Mapping[str, tuple[str, ...]] = {
    "quaternion": ("qw", "qx", "qy", "qz"),
    "euler_deg": ("ex", "ey", "ez"),
    "euler_rad": ("ex", "ey", "ez"),
    "heading_pitch_roll_deg": ("heading", "pitch", "roll"),
    "matrix": ("r00", "r01", "r02", "r10", "r11", "r12", "r20", "r21", "r22"),
    "none": (),
}
SCALES = ("scale_x", "scale_y", "scale_z")
NUMBERS = (*POSITION, *dict.fromkeys(name for names in ROTATIONS.values() for name in names), *SCALES)
COUNTS = ("resolution", "width", "height", "size_bytes")
OPTIONAL_NUMBERS = (*SCALES, "position_accuracy", *COUNTS)
STATION_COLUMNS = (
    "station_id",
    "station_name",
    *NUMBERS,
    "time_taken",
    "pano_file",
    "resolution",
    "collection_id",
    "level",
    "area",
    "position_accuracy",
    "valid",
    "site_id",
)
FACE_COLUMNS = ("station_id", "face", "file", "width", "height", "size_bytes", "sha256", "taken_at")
_QUOTES = frozenset({("'", "'"), ("`", "`"), ("´", "´"), ("\u2018", "\u2019"), ("\u201c", "\u201d"),
                     ("\u201e", "\u201c"), ("\u201d", "\u201d"), ("«", "»"), ("[", "]")})  # fmt: skip
"""What stands around cells in place of double quotes; brackets come from SQL Server."""
MAPPABLE = frozenset((*STATION_COLUMNS, *FACE_COLUMNS))


def station_columns(manifest: Manifest) -> tuple[str, ...]:
    """Return the columns that a stations table must have under this manifest."""
    return ("station_id", *POSITION, *ROTATIONS[manifest.rotation.kind], "time_taken")


def canonical(
    table: Table,
    manifest: Manifest,
    known: Sequence[str],
    required: Sequence[str],
    own_names: Mapping[str, str] = MappingProxyType({}),
    *,
    judged: Collection[str] = MAPPABLE,
) -> Table:
    """Rename the columns of a table; Unreadable if a required one is missing or any is there twice.

    `own_names` are the canonical names of a vendor's plain ones, where the manifest maps no other column to them.
    Unknown columns are kept as `x_<name>`, with a warning where the name resembles a known one. The table keeps the
    header as delivered. `judged` are the entries of `columns` that do nothing unless they name a column of this table.
    """
    delivered = {name: canon for canon, name in manifest.columns.items() if canon in known}
    mapped = {delivered.get(name) for name in table.header}
    own = {name: canon for name, canon in own_names.items() if canon not in mapped}
    names = [delivered.get(name) or (name if name in known else plain_name(name)) for name in table.header]
    names = [own.get(name, name) for name in names]
    shared = mapped_together(manifest, known, table.header)
    lost = {canon for canons in shared.values() for canon in canons}
    mistakes = _no_header(table, names, known, [name for name in required if name not in lost])
    if not mistakes:
        mistakes += _twice(table, names, delivered)
        mistakes += [together_finding(name, shared[name]) for name in shared]
        mistakes += _missing(table, names, known, [name for name in required if name not in lost], delivered, own_names)
    if POSITION[0] in known:
        mistakes += contradictions(manifest)
        if table.comma_delimited:
            numbers = [column for column, name in zip(table.frame.columns, names, strict=False) if name in NUMBERS]
            mistakes += decimal_commas(table.file, len(names), table.frame, numbers, table.ragged)
    ids = names.index("station_id") if "station_id" in names else None
    ragged = ragged_findings(table.file, len(table.header), table.ragged, ids)
    warnings = [*table.findings, *ragged, *_dead_entries(table, manifest, known, judged)]
    if table.encoding and (found := _encoding(table, manifest, names, known)):
        (mistakes if found.disposition is Disposition.STOP else warnings).append(found)
    if mistakes:
        raise Unreadable(*mistakes, *warnings)
    final = []
    for name in names:
        if name in known or not name:
            final.append(name or "x_")
            continue
        near = [known_name for known_name in _near(name, known) if known_name not in names]
        if near:
            warnings.append(S04.finding(table.file, name, message="misspelt", column=name, known=near[0]))
        final.append(f"x_{name}")
    frame: pd.DataFrame = table.frame.set_axis([*final, "row"], axis=1)
    frame = frame.loc[:, ~frame.columns.duplicated()]
    if POSITION[0] in known:
        typed = {final[place] for place in table.typed}
        frame = plain_numbers(
            frame, table.file, manifest, _numbers(manifest, typed), comma_delimited=table.comma_delimited
        )
    return replace(table, frame=frame, findings=tuple(warnings))


def _encoding(table: Table, manifest: Manifest, names: Sequence[str], known: Sequence[str]) -> Finding | None:
    """Judge the columns that are read, and the whole header where a name of the manifest is not in it."""
    columns = {column: name for column, name in zip(table.frame.columns, names, strict=False) if name in known}
    if table.encoding != ASSUMED:
        return chance_finding(table.file, columns, table.frame)
    is_lost = any(not name.isascii() and name not in table.header for name in manifest.columns.values())
    header = [shown for shown, name in zip(table.header, names, strict=True) if is_lost or name in known]
    return encoding_finding(table.file, header, columns, table.frame)


def _dead_entries(table: Table, manifest: Manifest, known: Sequence[str], judged: Collection[str]) -> Iterator[Finding]:
    """Entries of `columns` that name no column, or one of a table that is not there."""
    folded = [each.casefold() for each in table.header]
    for canon, name in manifest.columns.items():
        free = [each for each in known if each not in manifest.columns and each not in table.header]
        meant = meant_by(canon, free) if canon not in known else ""
        if canon in judged and meant:
            yield S13.finding(MANIFEST, name, column=canon, file=table.file, fix=f"Did you mean {meant}?")
        elif canon in judged and canon not in known:
            fix = f"{canon} is a column of faces.csv, which is not read: remove it."
            yield S13.finding(MANIFEST, name, column=canon, file=table.file, fix=fix)
        elif canon in judged and name not in table.header:
            near = next(iter(near_misses(name.casefold(), folded)), "")
            shown = next((each for each in table.header if each.casefold() == near), "")
            fix = f'Did you mean "{shown}"?' if shown else "Write the name as it stands in the header, or remove it."
            yield S13.finding(MANIFEST, name, column=canon, file=table.file, fix=fix)
        elif canon not in MAPPABLE and POSITION[0] in known:
            guess = [meant] if meant else near_misses(canon.casefold(), (*STATION_COLUMNS, *FACE_COLUMNS))
            fix = f"Did you mean {guess[0]}?" if guess else "Remove it."
            if name in MAPPABLE and canon in table.header:
                fix = f"It is turned round: write {name}: {canon}."
            yield S13.finding(MANIFEST, canon, message="unknown", fix=fix)


def _numbers(manifest: Manifest, typed: Collection[str]) -> Numbers:
    """The number columns of a stations table that are text; times count where they are stated as numbers."""

    def of(*names: str) -> tuple[str, ...]:
        return tuple(name for name in names if name not in typed)

    times = () if manifest.time.base in ("utc", "local") else ("time_taken",)
    bounded = of(*ROTATIONS[manifest.rotation.kind], *SCALES)
    return Numbers(of(*POSITION, "position_accuracy", *times), bounded, of(*COUNTS))


def _twice(table: Table, names: Sequence[str], mapped: Mapping[str, str]) -> Iterator[Finding]:
    """Findings about names that are there twice; one of two may be what the manifest gives to another column."""
    for name in sorted(name for name, times in Counter(names).items() if name and times > 1):
        shown = [header for header, meant in zip(table.header, names, strict=True) if meant == name]
        other = next((header for header in shown if mapped.get(header) == name), None)
        if other is None or len(set(shown)) == 1:
            yield S04.finding(table.file, name, message="twice", column=name)
        else:
            yield S04.finding(table.file, name, message="mapped", column=name, other=other[:60])


def _near(name: str, known: Sequence[str]) -> list[str]:
    return [word for word in near_misses(name, known, 3, 0.75) if len(word) > 3]


def _no_header(table: Table, names: Sequence[str], known: Sequence[str], required: Sequence[str]) -> list[Finding]:
    """A finding where the first line is no header, was split wrongly, or has names in quotes that are none."""
    strangers = [name for name in names if name and name not in known]
    missing = [name for name in required if name not in names]
    if not missing:
        return []
    if found := next((name for name in table.header if name), ""):
        ends = {(name[0], name[-1]) for name in table.header if name}
        if len(ends) == 1 and ends < _QUOTES and len(found) > 1:
            return [S04.finding(table.file, found, message="quotes", column=found)]
    unlike = sum(not nearest(name, strangers) for name in missing)
    if len(table.header) == 1 or unlike > len(required) / 2:
        header = quoted(table.header)
        return [S04.finding(table.file, message="header", missing=", ".join(missing), header=header)]
    return []


def _missing(
    table: Table,
    names: Sequence[str],
    known: Sequence[str],
    required: Sequence[str],
    mapped: Mapping[str, str],
    own_names: Mapping[str, str],
) -> Iterator[Finding]:
    """One finding for each missing column, by the name that the vendor gives it if any.

    `mapped` are the known names by those of columns that the manifest maps.
    """
    vendors = {canon: name for name, canon in own_names.items()}
    delivered = {name: shown for name, shown in zip(names, table.header, strict=True) if name and name not in known}
    for name in required:
        if name not in names:
            fix = fix_of(name, delivered)
            if name in table.header and name in mapped:
                fix = f"columns.{mapped[name]} in capture.yaml takes it: remove that entry, or name another column."
            shown = vendors.get(name, name)
            key = f"columns.{name}" if shown != name else "columns"
            fix = fix.replace("under columns.", f"under {key}.")
            yield S04.finding(table.file, shown, column=shown, fix=fix)
