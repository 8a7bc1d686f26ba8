"""Number notation of a table: one decimal sign for all its cells, derived from them or stated in the manifest.

`1.234` alone is a number with three decimals or a whole one with a thousands separator. So a separator counts as the
decimal sign only where a cell of the table proves it: `0,5`, `12.75`, `1.234,5`, any angle or quaternion. Without
proof reading stops and reports both interpretations, since the wrong one makes a site a thousand times too small.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from capture360.readers.manifest import Manifest
from capture360.readers.problem import Unreadable
from capture360.rules.tables import S11

if TYPE_CHECKING:
    import pandas as pd

Mask = NDArray[np.bool_]
_SIGNS = {".": "point", ",": "comma"}
_OTHER = {".": ",", ",": "."}
_SPACES = "[ \u00a0\u2007\u2009\u202f]"
_APOSTROPHES = "['\u2019\u02bc]"
_MINUS = "\u2212"
_FINE = ("mm", "cm", "in")
"""Units in which three decimals are implausible, so that `1.234` may as well have a thousands separator."""
_SHORT = "^[+-]?[0-9]{1,3}$"
_EXPONENT = "(?:[eE][+-]?[0-9]+)?"


def _grouped(sign: str) -> str:
    """Whole numbers in groups of three, or two as in India."""
    return f"(?:[1-9][0-9]{{0,2}}(?:{sign}[0-9]{{3}})+|[1-9][0-9]?(?:{sign}[0-9]{{2}})+{sign}[0-9]{{3}})"


_ANY_GROUPS = {
    sign: "|".join(_grouped(other) for other in (f"[{_OTHER[sign]}]", _SPACES, _APOSTROPHES)) for sign in _SIGNS
}
"""Groups that a decimal sign may follow."""
_DOUBTFUL = {sign: f"^[+-]?[1-9][0-9]{{0,2}}[{sign}][0-9]{{3}}$" for sign in _SIGNS}
_DECIMAL = {
    sign: f"^[+-]?(?:(?:[0-9]+|{_ANY_GROUPS[sign]})[{sign}][0-9]*|[{sign}][0-9]+){_EXPONENT}$" for sign in _SIGNS
}
_GROUPING = {
    sign: f"^[+-]?(?:[1-9][0-9]{{0,2}}(?:[{sign}][0-9]{{2,3}})*[{sign}][0-9]{{2,3}}[{sign}][0-9]{{3}}"
    f"(?:[{_OTHER[sign]}][0-9]*)?|{_grouped(f'[{sign}]')}[{_OTHER[sign]}][0-9]*)$"
    for sign in _SIGNS
}
_WHOLE = {
    sign: f"^[+-]?(?:(?:[0-9]+|{_ANY_GROUPS[sign]})(?:[{sign}][0-9]*)?|[{sign}][0-9]+){_EXPONENT}$" for sign in _SIGNS
}
"""A number in the notation with this decimal sign."""


class _Cell(NamedTuple):
    column: str
    at: int


@dataclass
class _Evidence:
    """The first cell that proves each sign to be the decimal sign, and the columns that prove neither."""

    decimal: dict[str, _Cell] = field(default_factory=dict)
    grouping: dict[str, _Cell] = field(default_factory=dict)
    doubtful: dict[str, dict[str, Mask]] = field(default_factory=lambda: {sign: {} for sign in _SIGNS})
    decimal_columns: dict[str, set[str]] = field(default_factory=lambda: {sign: set() for sign in _SIGNS})

    def proof(self, sign: str) -> _Cell | None:
        """Return the cell that proves `sign` to be the decimal sign."""
        return self.decimal.get(sign) or self.grouping.get(_OTHER[sign])


@dataclass(frozen=True)
class Numbers:
    """Number columns of a stations table, by the range of their values."""

    lengths: Sequence[str]
    bounded: Sequence[str]
    """Angles, quaternions and scales: never a thousand or more, so their separators are decimal signs."""
    others: Sequence[str] = ()


def plain_numbers(
    frame: pd.DataFrame, file: str, manifest: Manifest, numbers: Numbers, *, comma_delimited: bool
) -> pd.DataFrame:
    """The frame with its numbers in plain notation, 1234.5; cells that are no number stay as written.

    Unreadable where the table mixes notations, or neither its cells nor the manifest determine one.
    """
    columns = [name for name in (*numbers.lengths, *numbers.bounded) if name in frame.columns]
    every = [name for name in (*columns, *numbers.others) if name in frame.columns]
    minus = [name for name in every if frame[name].str.contains(_MINUS, regex=False).any()]
    frame = frame.assign(**{name: frame[name].str.replace(_MINUS, "-", regex=False) for name in minus})
    texts = {name: _arrow(frame[name]) for name in columns}
    evidence = _evidence(texts, numbers.bounded)
    where = _Places(frame, file, manifest.frame.unit)
    sign = {"point": ".", "comma": ","}.get(manifest.numbers.decimal or "")
    if sign is None:
        sign = _decided(evidence, where, comma_delimited)
        _doubts(evidence, sign, texts, where, fine=manifest.frame.unit in _FINE)
    elif proof := _against(evidence, sign, comma_delimited):
        raise where.contradiction(proof, _SIGNS[sign])
    texts |= {name: _arrow(frame[name]) for name in numbers.others if name in frame.columns}
    return frame.assign(**_rewritten(texts, sign))


def _evidence(texts: Mapping[str, Any], bounded: Iterable[str]) -> _Evidence:
    found, bounded = _Evidence(), frozenset(bounded)
    for name, text in texts.items():
        for sign in _SIGNS:
            if not _matches(text, f"[{sign}]").any():
                continue
            doubtful, decimal = _matches(text, _DOUBTFUL[sign]), _matches(text, _DECIMAL[sign])
            if name not in bounded:
                decimal &= ~doubtful
                if doubtful.any():
                    found.doubtful[sign][name] = doubtful
            if decimal.any():
                found.decimal.setdefault(sign, _Cell(name, int(decimal.argmax())))
                found.decimal_columns[sign].add(name)
            grouping = _matches(text, _GROUPING[sign]) & _matches(text, _WHOLE[_OTHER[sign]])
            if grouping.any():
                found.grouping.setdefault(sign, _Cell(name, int(grouping.argmax())))
    return found


def _against(evidence: _Evidence, sign: str, comma_delimited: bool) -> _Cell | None:
    """Return a cell that proves the other decimal sign than the stated one.

    A quoted comma between commas may be a slip of one cell, where no other cell could be taken for grouped digits.
    """
    if sign == ",":
        return evidence.proof(".")
    is_slip = comma_delimited and not evidence.doubtful[","]
    return None if is_slip else evidence.decimal.get(",")


def _decided(evidence: _Evidence, where: _Places, comma_delimited: bool) -> str:
    point, comma = evidence.proof("."), evidence.proof(",")
    if point and comma:
        slips = comma_delimited and "." not in evidence.grouping
        if not slips or evidence.decimal_columns[","] & evidence.doubtful["."].keys():
            raise where.mixed(point, comma)
        return "."
    if point or comma:
        return "." if point else ","
    return "," if evidence.doubtful[","] and not evidence.doubtful["."] and not comma_delimited else "."


def _doubts(evidence: _Evidence, sign: str, texts: Mapping[str, Any], where: _Places, fine: bool) -> None:
    """Unreadable at the first column that reads as well with thousands separators."""
    for other, columns in evidence.doubtful.items():
        for name, doubtful in columns.items():
            cell = _Cell(name, int(doubtful.argmax()))
            if other != sign:
                if other not in evidence.grouping:
                    raise where.doubt(cell)
            elif fine or evidence.proof(sign) is None:
                short = _matches(texts[name], _SHORT) | _matches(texts[name], "^$")
                if (doubtful | short).all():
                    raise where.doubt(cell)


def _rewritten(texts: Mapping[str, Any], sign: str) -> dict[str, Any]:
    import pandas as pd
    import pyarrow.compute as pc

    result: dict[str, Any] = {}
    for name, text in texts.items():
        if not _matches(text, r"[^0-9.eE+\-]|\..*\.").any() and sign == ".":
            continue
        plain = pc.replace_substring_regex(text, f"[{_OTHER[sign]}]|{_SPACES}|{_APOSTROPHES}", "")
        plain = pc.replace_substring(plain, sign, ".")
        known = pc.match_substring_regex(text, _WHOLE[sign])
        result[name] = pd.array(pc.if_else(known, plain, text), dtype="str")
    return result


@dataclass(frozen=True)
class _Places:
    """Location of a cell, for findings."""

    frame: pd.DataFrame
    file: str
    unit: str

    def doubt(self, cell: _Cell) -> Unreadable:
        text = self._text(cell)
        point, comma = (f"{text.replace(_OTHER[sign], '').replace(sign, '.')} {self.unit}" for sign in _SIGNS)
        return self._unreadable(cell, point=point, comma=comma)

    def mixed(self, point: _Cell, comma: _Cell) -> Unreadable:
        first, second = sorted((point, comma), key=lambda cell: (cell.at, cell.column))
        other = f'{second.column} "{self._text(second)}" in row {self._row(second)}'
        return self._unreadable(first, message="mixed", other=other)

    def contradiction(self, cell: _Cell, stated: str) -> Unreadable:
        return self._unreadable(cell, message="stated", stated=stated)

    def _unreadable(self, cell: _Cell, message: str = "", **fields: str) -> Unreadable:
        station = str(self.frame["station_id"].iat[cell.at]) if "station_id" in self.frame.columns else ""
        return Unreadable(
            S11.finding(
                self.file,
                self._text(cell),
                message=message,
                station=station or None,
                row=self._row(cell),
                column=cell.column,
                **fields,
            )
        )

    def _text(self, cell: _Cell) -> str:
        return str(self.frame[cell.column].iat[cell.at])

    def _row(self, cell: _Cell) -> int:
        return int(self.frame["row"].to_numpy()[cell.at])


def _arrow(column: pd.Series[str]) -> Any:
    import pyarrow as pa

    return pa.array(column.array, type=pa.large_string())


def _matches(text: Any, pattern: str) -> Mask:
    import pyarrow.compute as pc

    return np.asarray(pc.match_substring_regex(text, pattern).to_numpy(zero_copy_only=False), dtype=bool)
