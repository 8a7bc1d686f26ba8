"""Letters of a table that is not UTF-8: as Windows-1252 they may be others than those that were typed.

Such a file does not say how it is encoded. It is read as Windows-1252 where that gives words of Western European
languages. Where it does not and another encoding gives words, and where an id is not certain, reading stops with all
readings.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from capture360.rules.finding import Finding
from capture360.rules.structure import S03

if TYPE_CHECKING:
    import pandas as pd

ASSUMED = "cp1252"
_MOST_CELLS = 200
"""Cells with other letters than those of ASCII that are judged, from each column."""
_IDS = frozenset({"collection_id"})
"""Columns whose cells become ids with any letters; their rules hold station_id and site_id to those of ASCII."""
_WEST = frozenset("àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþßœÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞŒªº")
_EAST = frozenset("áâăäąćçčďđéęëěíîĺľłńňóôőöŕřśşšţťúůűüýźżžßÁÂĂÄĄĆÇČĎĐÉĘËĚÍÎĹĽŁŃŇÓÔŐÖŔŘŚŞŠŢŤÚŮŰÜÝŹŻŽ")
_CYRILLIC = frozenset("абвгдежзийклмнопрстуфхцчшщъыьэюяёАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЁіїєґІЇЄҐ")
_MARKS = frozenset("°²³½¼µ–—’‘“”„»«…€·®™©§¿¡\u00a0")
"""Other characters that stand beside letters."""
_WITHIN = frozenset("’–—·\u00a0")
"""Of these, the ones that stand between letters."""
_SIGNS = frozenset("±×÷£¥¢†‰")
"""Characters that stand beside numbers."""
_NUMERALS = frozenset("¹³¼¾")
"""Numbers that are letters in other encodings."""
_ORDINALS = frozenset("ªº")
_LETTER = "A-Za-zªºÀ-ÖØ-öø-ÿŒœŠšŽžŸƒ"
_LONE = "¡-©«-´¶-¹»-¿×÷"
_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}")
"""A letter in UTF-8: one that is no word in Windows-1252 may be of a table with other damage."""
_CERTAIN = re.compile(
    rf"(?<![{_LETTER}])(?:"
    r"(?:[A-Z]?m|[kcdmµ]m|ft|in|yd)[²³]"
    r"|µ(?:bar|Bq|Gy|mol|Pa|rad|Sv|Wh|[ACFgHJlLmMNPsSTVW])?"
    r"|(?:G|R[cp]?|NPT)?[¼½¾](?:Zoll|inch|in|[hlmt])?"
    r"|[A-Z](?:×[A-Z])+"
    r"|nºs?"
    rf")(?![{_LETTER}])|(?<=[0-9])×(?![\x80-\uffff])|(?<![\x80-\uffff])×(?=[0-9])"
    rf"|(?<![{_LETTER}\x80-\uffff])[{_LONE}](?![{_LETTER}\x80-\uffff])",
    re.IGNORECASE,
)
"""Signs of Windows-1252 that are certain: units, fractions, products, and what stands by itself."""
_READINGS = 4
_SHOWN = 40
"""Characters of a reading that are shown."""
_TOGETHER = 2
"""Letters with accents that follow one another at most."""


class _Encoding(NamedTuple):
    codec: str
    name: str
    letters: frozenset[str] | None
    """Letters outside of ASCII that the encoding is used for; None for the multi-byte encodings of East Asia."""


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
_PAIRS = (
    _Encoding("gb2312", "GBK", None),
    _Encoding("euc_jp", "EUC-JP", None),
    _Encoding("euc_kr", "EUC-KR", None),
)
"""Encodings whose characters are pairs of high bytes, none of which is a letter of ASCII by itself."""
_HIGH_BYTES = re.compile(rb"[\x80-\xff]+")
_RUN = re.compile("[A-Za-z0-9]?[^\x00-\x7f]+[A-Za-z0-9]?")
_LETTERS = "[\u00a2-\u00a6\u00a8\u00ac\u00af\u00b4\u00b6\u00b8\u0180-\u036f\u0460-\u07ff]+"
_STRANGE = re.compile(f"[A-Za-z0-9]{_LETTERS}[A-Za-z0-9]?|{_LETTERS}[A-Za-z0-9]")
"""Signs of money, loose accents, and letters of scripts that are not written beside letters and digits of ASCII."""
_ASSUMED = _Encoding(ASSUMED, "Windows-1252", _WEST)


class _Cell(NamedTuple):
    column: str
    row: int
    text: str


def encoding_finding(file: str, header: Sequence[str], columns: Mapping[str, str], frame: pd.DataFrame) -> Finding:
    """Return the finding about a table that was read as Windows-1252: a note, or that its letters are not certain.

    `header` are the column names that are judged, `columns` the canonical names of the columns that are, by the
    frame's. A doubt arises from letters alone: signs that are certain are no part of it.
    """
    found = [_Cell("the header", 1, name) for name in header if not name.isascii()]
    found += [cell for column, name in columns.items() for cell in _cells(frame, column, name)]
    if not found:
        nothing = "none of the columns that are read holds letters with accents"
        return S03.finding(file, message="encoding", readings=nothing)
    cells = [cell for cell in found if not _uncertain(cell.text).isascii()]
    readings = {other.name: texts for other in _OTHERS if (texts := _read(cells, other)) is not None}
    typed = [cell.text for cell in cells]
    no_words = [cell for cell in cells if not _is_plausible(_uncertain(cell.text), _ASSUMED)]
    is_sound = not no_words or typed in readings.values()
    if no_words and not readings:
        # Words of East Asia that are one character long, or stand beside Latin letters, need another proof.
        readings |= _in_pairs(cells, ASSUMED)
    changed = {cell: {name: texts[at] for name, texts in readings.items()} for at, cell in enumerate(cells)}
    doubtful = [cell for cell in cells if set(changed[cell].values()) - {cell.text}]
    uncertain = doubtful or (
        [] if is_sound else [cell for cell in no_words if _UTF8.search(cell.text.encode("cp1252"))]
    )
    first = min(uncertain or found, key=lambda cell: cell.column not in _IDS)
    is_certain = not (uncertain and first.column in _IDS) and (is_sound or not doubtful)
    return S03.finding(
        file,
        first.text,
        message="encoding" if is_certain else "encodings",
        column=first.column,
        readings=f"{_place(first)} is {_listed(first, changed.get(first, {}), _ASSUMED.name)}",
    )


def chance_finding(file: str, columns: Mapping[str, str], frame: pd.DataFrame) -> Finding | None:
    """Return the finding about a table that can be read as UTF-8 though its letters are no words in it; None for none.

    A character of East Asia in two bytes may be a sign or a letter of another script in UTF-8, such as \u697c in GBK.
    """
    cells = [cell for column, name in columns.items() for cell in _cells(frame, column, name)]
    if not cells or not all(_is_by_chance(cell.text) for cell in cells):
        return None
    readings = {name: texts[0] for name, texts in _in_pairs(cells, "utf-8").items()}
    if not readings:
        return None
    shown = _listed(cells[0], readings, "UTF-8")
    return S03.finding(
        file, cells[0].text, message="chance", column=cells[0].column, readings=f"{_place(cells[0])} is {shown}"
    )


def _is_by_chance(text: str) -> bool:
    """Return whether none of the letters of a text is one that people write there in UTF-8."""
    composed = unicodedata.normalize("NFC", text)
    return all(_STRANGE.fullmatch(found[0]) is not None for found in _RUN.finditer(composed))


def _in_pairs(cells: Sequence[_Cell], codec: str) -> Mapping[str, list[str]]:
    """The texts, read in `codec`, in encodings of East Asia: all of their other letters are pairs of high bytes."""
    found: dict[str, list[str]] = {}
    for encoding in _PAIRS:
        texts: list[str] = []
        for cell in cells:
            content = cell.text.encode(codec)
            try:
                text = content.decode(encoding.codec)
            except UnicodeError:
                break
            others = "".join(each for each in text if not each.isascii())
            is_wide = all(each.isalpha() and unicodedata.east_asian_width(each) == "W" for each in others)
            if not is_wide or any(len(run) % 2 for run in _HIGH_BYTES.findall(content)):
                break
            texts.append(text)
        else:
            found[encoding.name] = texts
    return found


def _listed(cell: _Cell, readings: Mapping[str, str], read_as: str) -> str:
    """The readings of a cell that differ, each with the first encoding that gives it."""
    shown = {cell.text: read_as}
    for name, text in readings.items():
        shown.setdefault(text, name)
    parts = [f'"{text[:_SHOWN]}" as {name}' for text, name in itertools.islice(shown.items(), _READINGS)]
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else f'"{cell.text[:_SHOWN]}"'


def _place(cell: _Cell) -> str:
    return cell.column if cell.row == 1 else f"{cell.column} of row {cell.row}"


def _cells(frame: pd.DataFrame, column: str, name: str) -> Iterator[_Cell]:
    found = frame.loc[frame[column].str.contains("[^\\x00-\\x7f]", regex=True), [column, "row"]].drop_duplicates(column)
    for text, row in zip(found[column].iloc[:_MOST_CELLS], found["row"], strict=False):
        yield _Cell(name, int(row), str(text))


def _uncertain(text: str) -> str:
    """The text without the signs that are certain."""
    return _CERTAIN.sub(" ", text)


def _read(cells: Sequence[_Cell], encoding: _Encoding) -> list[str] | None:
    """The texts in another encoding; None if they are no words in it.

    Signs that are certain in Windows-1252 stay, except where two bytes are a character.
    """
    texts: list[str] = []
    for cell in cells:
        is_whole = encoding.letters is None
        pieces = [cell.text] if is_whole else _CERTAIN.split(cell.text)
        try:
            decoded = [piece.encode(ASSUMED).decode(encoding.codec) for piece in pieces]
        except UnicodeError:
            return None
        if not _is_plausible(" ".join(decoded), encoding):
            return None
        signs = [] if is_whole else _CERTAIN.findall(cell.text)
        texts.append("".join(each for pair in itertools.zip_longest(decoded, signs, fillvalue="") for each in pair))
    return texts


def _is_plausible(text: str, encoding: _Encoding) -> bool:
    """Return whether a text consists of words as people write them in the encoding's script."""
    for before, each, after in zip(f" {text}", text, f"{text[1:]} ", strict=False):
        beside = before.isalpha(), after.isalpha()
        if each in _ORDINALS and all(beside):
            return False
        if each.isascii() or each.isalpha():
            continue
        if each not in _MARKS and (any(beside) or (each not in _SIGNS and encoding is not _ASSUMED)):
            return False
        if (each in _NUMERALS and any(beside)) or (each == "¿" and "?" not in text):
            return False
        if (each not in _WITHIN and all(beside)) or (each == "°" and before.islower()):
            return False
    letters = "".join(each if each.isalpha() else " " for each in text)
    words = [word for word in letters.split() if not word.isascii()]
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
