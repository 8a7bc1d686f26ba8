"""Letters of a table that is not UTF-8: as Windows-1252 they may be others than those that were typed.

Such a file does not say how it is encoded. It is read as Windows-1252 where that gives words of Western European
languages. Where it does not and another encoding gives words, and where an id depends on the choice, reading stops with
both readings.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from capture360.rules.finding import Finding
from capture360.rules.structure import S03

if TYPE_CHECKING:
    import pandas as pd

ASSUMED = "cp1252"
_MOST_CELLS = 200
"""Cells with other letters than those of ASCII that are judged, from each column."""
_IDS = frozenset({"station_id", "collection_id", "site_id"})
_WEST = frozenset("àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþßœÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞŒªº")
_EAST = frozenset("áâăäąćçčďđéęëěíîĺľłńňóôőöŕřśşšţťúůűüýźżžßÁÂĂÄĄĆÇČĎĐÉĘËĚÍÎĹĽŁŃŇÓÔŐÖŔŘŚŞŠŢŤÚŮŰÜÝŹŻŽ")
_CYRILLIC = frozenset("абвгдежзийклмнопрстуфхцчшщъыьэюяёАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЁіїєґІЇЄҐ")
_MARKS = frozenset("°²³½¼µ–—’‘“”„»«…€·®™©§¿¡\u00a0")
"""Other characters that stand beside letters."""
_WITHIN = frozenset("’–—·\u00a0")
"""Of these, the ones that stand between letters."""
_SIGNS = frozenset("±×÷£¥¢†‰")
"""Characters that stand beside numbers."""
_READINGS = 4
_SHOWN = 40
"""Characters of a reading that are shown."""
_TOGETHER = 2
"""Letters with accents that follow one another at most."""


class _Encoding(NamedTuple):
    codec: str
    name: str
    letters: frozenset[str] | None
    """None for the scripts of East Asia."""


_OTHERS = (
    _Encoding("cp1250", "Windows-1250", _EAST),
    _Encoding("cp1251", "Windows-1251", _CYRILLIC),
    _Encoding("koi8_r", "KOI8-R", _CYRILLIC),
    _Encoding("cp866", "DOS 866", _CYRILLIC),
    _Encoding("mac_roman", "Mac Roman", _WEST),
    _Encoding("cp850", "DOS 850", _WEST),
    _Encoding("shift_jis", "Shift JIS", None),
    _Encoding("euc_jp", "EUC-JP", None),
    _Encoding("gbk", "GBK", None),
    _Encoding("euc_kr", "EUC-KR", None),
)
_ASSUMED = _Encoding(ASSUMED, "Windows-1252", _WEST)


class _Cell(NamedTuple):
    column: str
    row: int
    text: str


def encoding_finding(file: str, header: Sequence[str], names: Sequence[str], frame: pd.DataFrame) -> Finding:
    """Return the finding about a table that was read as Windows-1252: a note, or that its letters are not certain.

    `header` are its column names as delivered, `names` the canonical ones.
    """
    cells = [_Cell("the header", 1, name) for name in header if not name.isascii()]
    columns = dict(zip(frame.columns, names, strict=False))
    cells += [cell for column in columns for cell in _cells(frame, column, columns[column])]
    if not cells:
        return S03.finding(file, message="encoding", readings="its rows hold no letters with accents")
    readings = {other.name: found for other in _OTHERS if (found := _read(cells, other)) is not None}
    typed = [cell.text for cell in cells]
    is_sound = all(_is_plausible(text, _ASSUMED) for text in typed) or typed in readings.values()
    changed = {cell: [found[at] for found in readings.values()] for at, cell in enumerate(cells)}
    doubtful = [cell for cell in cells if set(changed[cell]) - {cell.text}]
    first = min(doubtful or cells, key=lambda cell: cell.column not in _IDS)
    is_certain = is_sound and not (doubtful and first.column in _IDS)
    return S03.finding(
        file,
        first.text,
        message="encoding" if is_certain or not doubtful else "encodings",
        column=first.column,
        readings=f"{_place(first)} is {_listed(first, readings, changed[first])}",
    )


def _listed(cell: _Cell, names: Iterable[str], texts: Sequence[str]) -> str:
    """The readings of a cell that differ, each with the first encoding that gives it."""
    shown = {cell.text: _ASSUMED.name}
    for name, text in zip(names, texts, strict=True):
        shown.setdefault(text, name)
    parts = [f'"{text[:_SHOWN]}" as {name}' for text, name in itertools.islice(shown.items(), _READINGS)]
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else f'"{cell.text[:_SHOWN]}"'


def _place(cell: _Cell) -> str:
    return cell.column if cell.row == 1 else f"{cell.column} of row {cell.row}"


def _cells(frame: pd.DataFrame, column: str, name: str) -> Iterator[_Cell]:
    found = frame.loc[frame[column].str.contains("[^\\x00-\\x7f]", regex=True), [column, "row"]].drop_duplicates(column)
    for text, row in zip(found[column].iloc[:_MOST_CELLS], found["row"], strict=False):
        yield _Cell(name, int(row), str(text))


def _read(cells: Sequence[_Cell], encoding: _Encoding) -> list[str] | None:
    """The texts in another encoding; None if they are no words in it."""
    texts: list[str] = []
    for cell in cells:
        try:
            text = cell.text.encode(ASSUMED).decode(encoding.codec)
        except UnicodeError:
            return None
        if not _is_plausible(text, encoding):
            return None
        texts.append(text)
    return texts


def _is_plausible(text: str, encoding: _Encoding) -> bool:
    """Return whether a text consists of words as people write them in the encoding's script."""
    for before, each, after in zip(f" {text}", text, f"{text[1:]} ", strict=False):
        if each.isascii() or each.isalpha():
            continue
        beside = before.isalpha(), after.isalpha()
        if each not in _MARKS and (each not in _SIGNS or any(beside)):
            return False
        if (each not in _WITHIN and all(beside)) or (each == "°" and before.islower()):
            return False
    words = [word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii()]
    return all(_is_word(word, encoding.letters) for word in words) and bool(words or encoding.letters is _WEST)


def _is_word(word: str, letters: frozenset[str] | None) -> bool:
    if letters is None:
        small = re.search(r"[a-z][^\x00-\x7f]|[^\x00-\x7f][a-z]", word)
        others = [each for each in word if not each.isascii()]
        return (
            not small
            and len(others) >= _TOGETHER
            and all(each.isalpha() and unicodedata.east_asian_width(each) == "W" for each in others)
        )
    if any(not each.isascii() and each not in letters for each in word):
        return False
    if any(a.islower() and b.isupper() and not (a + b).isascii() for a, b in itertools.pairwise(word)):
        return False
    if letters is _CYRILLIC:
        return not any(each.isascii() for each in word)
    longest = max(len(run) for run in re.findall(r"[^\x00-\x7f]+", word))
    return longest <= _TOGETHER and (len(word) == 1 or any(each.isascii() for each in word))
