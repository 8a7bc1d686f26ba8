"""How a text is written: what the key of a text drops, and what yet tells that the text may be no tag."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

_ARROW = re.compile(
    r"[\u2190-\u21ff\u25b2-\u25c5\u2794-\u27bf\u2b05-\u2b0d]|[-=]>|<[-=]"
    r"|>>|<<|(?<!\S)[<>](?!\S|\s*\d)|^\s*[<>](?!\s*\d)|[<>]\s*$"
)
_GOES_ON = ("-", "/", "&", "+", "...", "\N{HORIZONTAL ELLIPSIS}")
_NOT_WRITTEN = re.compile(r"[\W_]+")
_MIXED_LETTERS = re.compile(r"(?=[A-Za-z]*[A-Z])[A-Za-z]*[abdeghkmnqrt][A-Za-z]*")
"""Letters of both cases, the small ones of other shape than their capitals, or a unit's k: Pt, mV, kV."""
_SMALL_DIGIT = re.compile(r"(?<=\d)[bgq]|[bgq](?=\d)")
_UNITS = "KW|MW|KVA|VA|KV|V[AD]C|HZ|M?BAR|BAR[AG]|[KM]PA|PSI[AG]?|MM|M2|M3|M3H|KG|RPM|1MIN"
_UNITS_OF_ONE_LETTER = "V|W|L|M"
_VALUE = re.compile(rf"\d+({_UNITS})")
_SHORT_VALUE = re.compile(rf"[1-9]\d+({_UNITS_OF_ONE_LETTER})")
"""Beside a tag a value; in the key of a text the end of a longer tag: PT-1019L."""
_UNIT = re.compile(f"{_UNITS}|{_UNITS_OF_ONE_LETTER}|C|F")
_NUMBER = re.compile(r"[-+~\u2265\u2264=]?\d+([-.\u2013]+\d+)*")
_DATE = re.compile(r"[-+]?\d+([-.]+\d+)*\N{DEGREE SIGN}[CF]|\d\d\.\d\d\.\d{2,4}|\d{4}-\d\d-\d\d")
_DECIMAL = re.compile(rf"(?<=\d),(?=\d+ ?({_UNITS})\b)", re.IGNORECASE)
_IN_ONE_WORD = re.compile(r"(?<=\bS)/(?=N\b)|(?<=[13Ll])/(?=(h|min|s)\b)")
_DAY = re.compile(r"\d\d?\W+(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)\W+\d\d(\d\d)?")
_ROMAN = re.compile("[IVX]+")
_IN_A_ROW = "ABCDEFGHIJ"
_OF_LETTERS_AND_DIGITS = re.compile(r"\s*[^\W\d_]+ ?\d+[^\W\d_]*\s*")


def has_arrow(text: str) -> bool:
    """Return whether a text has an arrow, which says TO or FROM."""
    return _ARROW.search(text) is not None


def is_written_otherwise(text: str, tag: str) -> bool:
    """Return whether signs or small letters tell a text from the tag of which it has the letters and digits.

    Signs are + and - of IEC 81346 (-K101 is a part in a cabinet, K-101 a compressor), and one at the end,
    after which the text goes on. Small letters are those of Pt100 beside PT-100, marks those of Ä beside A. A letter of
    another alphabet is another one, whatever it looks like: a pi may be one T or two, a Cyrillic Р is an R.
    """
    if not (text.isascii() and tag.isascii()) and (
        not _marks(text) <= _marks(tag) or _other_alphabets(text) != _other_alphabets(tag)
    ):
        return True
    if _DAY.fullmatch(text.upper()):
        return True
    text, tag = text.strip().removeprefix("="), tag.strip().removeprefix("=")
    begins = text[:1] if text[:1] in ("+", "-") else ""
    if (begins and not tag.startswith(begins)) or (text.endswith(_GOES_ON) and not tag.endswith(_GOES_ON)):
        return True
    if "+" in text and text.count("+") != tag.count("+"):
        return True
    return _MIXED_LETTERS.search(text) is not None and _NOT_WRITTEN.sub("", text) != _NOT_WRITTEN.sub("", tag)


def has_digit(text: str) -> bool:
    """Return whether a text has a digit, and so may name a thing."""
    return any(map(str.isdigit, text))


def is_count(word_key: str) -> bool:
    """Return whether a word is a Roman number, or letters in a row: P-101 III, P-101 ABC."""
    return word_key in _IN_A_ROW or _ROMAN.fullmatch(word_key) is not None


def _marks(text: str) -> set[str]:
    decomposed = unicodedata.normalize("NFD", text.upper())
    return {character for character in decomposed if unicodedata.combining(character)}


def _other_alphabets(text: str) -> set[str]:
    """Return the letters of a text that may look like Latin ones and are none."""
    return {letter for letter in text.upper() if unicodedata.name(letter, "").startswith(("CYRILLIC", "GREEK"))}


def in_one_word(text: str) -> str:
    """Return a text without the signs that part units, values and S/N into words: m3/h, 5,5 kW."""
    return _IN_ONE_WORD.sub("", _DECIMAL.sub(".", text)) if "/" in text or "," in text else text


def values(words: Sequence[str], word_keys: Sequence[str]) -> set[int]:
    """Return the indices of words that are numbers with their units, or dates: 45 kW, 0-16 bar, 690V, 12.05.2025."""
    found = set()
    for place, (word, of_key) in enumerate(zip(words, word_keys, strict=True)):
        if is_value(of_key) or _SHORT_VALUE.fullmatch(of_key) or _DATE.fullmatch(word):
            found.add(place)
        elif (
            place
            and _UNIT.fullmatch(of_key)
            and _NUMBER.fullmatch(words[place - 1])
            and (len(of_key) > 1 or len(word_keys[place - 1]) > 1)
        ):
            found |= {place - 1, place}
    return found


def is_value(of_key: str) -> bool:
    """Return whether the key of a text is a number with its unit: 45KW."""
    return _VALUE.fullmatch(of_key) is not None


def small_digits(text: str) -> Iterator[tuple[str, str]]:
    """Yield each digit that a small letter beside a digit has the shape of (b, g, q), and the text with it."""
    for found in _SMALL_DIGIT.finditer(text):
        digit = "6" if found[0] == "b" else "9"
        yield digit, text[: found.start()] + digit + text[found.end() :]


class Designations:
    """Texts that stand on many plates and are no tags: Pt100, IP65, A105. `#` in a pattern is any digit."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        alternatives = "|".join(r"\d".join(map(re.escape, pattern.upper().split("#"))) for pattern in patterns)
        self._pattern = re.compile(alternatives or r"(?!)")

    def has(self, text: str, of_key: str) -> bool:
        """Return whether a text is a designation, and not divided by a sign as a tag is: PT 100, but not PT-100."""
        return self._pattern.fullmatch(of_key) is not None and _OF_LETTERS_AND_DIGITS.fullmatch(text) is not None
