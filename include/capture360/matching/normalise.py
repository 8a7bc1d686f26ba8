"""Texts and tags in the one form in which they are compared: upper-case letters and digits, nothing else.

`key` drops punctuation, since plates and asset names disagree on it. `fold` maps look-alikes to one character, since
OCR takes one for another. `shape` keeps only what is a letter and what is a digit: it tells a misread tag (an unknown
shape) from a tag of something that is not in the list (a known shape).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import accumulate

# Latin twins of Cyrillic and Greek capitals, the slashed zero, and a T that touches the next one, read as pi.
_SAME_INK = str.maketrans("АВЕКМНОРСТХІЅЈΑΒΕΖΗΙΚΜΝΟΡΤΥΧØΠ", "ABEKMHOPCTXISJABEZHIKMNOPTYX0T")
_NOT_IN_KEYS = re.compile(r"[\W_]+")
_NOT_IN_JOINED_KEYS = re.compile(r"[^\w\n]+|_+")
_BETWEEN_TOKENS = re.compile(r"[\s:;,/()\[\]|]+")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_WORD = re.compile(r"\S+")
_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")
# A bar within a word is a misread 1 or I; between words it is a rule of the plate's frame.
_BAR_IN_WORD = re.compile(r"(?<=\w)\|(?=\w)")


def key(text: str, *, remove_leading_zeros: bool = False) -> str:
    """The letters and digits of a text, upper-case, no accents; a small l among capitals and digits is read as 1."""
    if "|" in text:
        text = _BAR_IN_WORD.sub("1", text)
    if "l" in text:
        text = _WORD.sub(_ell_as_one, text)
    if not text.isascii():
        text = _plain(text)
    if remove_leading_zeros:
        text = _ZEROS.sub("", text)
    return _NOT_IN_KEYS.sub("", text.upper())


def keys(texts: Sequence[str], *, remove_leading_zeros: bool = False) -> list[str]:
    """`key` of each text: in one pass over all of them, with a second look at those that need more than that."""
    joined = "\n".join(texts)
    if remove_leading_zeros or joined.count("\n") != len(texts) - 1:
        return [key(text, remove_leading_zeros=remove_leading_zeros) for text in texts]
    result = _NOT_IN_JOINED_KEYS.sub("", joined.upper()).split("\n")
    if "l" not in joined and "|" not in joined and joined.isascii():
        return result
    for position, text in enumerate(texts):
        if "l" in text or "|" in text or not text.isascii():
            result[position] = key(text)
    return result


def tokens(text: str) -> list[str]:
    """The words of a text, split at white space and at signs that no tag is searched across."""
    return [token for token in _BETWEEN_TOKENS.split(text) if token]


def shape(of_key: str) -> str:
    """Letters as A, digits as 9: "21PT1019A" has the shape 99AA9999A."""
    ascii_done = of_key.translate(_SHAPES)
    return ascii_done if of_key.isascii() else _BEYOND_ASCII.sub(lambda c: "9" if c[0].isdigit() else "A", ascii_done)


def has_letter_and_digit(of_key: str) -> bool:
    """Whether a key could be a tag and not a word or a number."""
    return not of_key.isalpha() and not of_key.isdigit() and of_key != ""


def divisions(text: str, *, remove_leading_zeros: bool = False) -> frozenset[int]:
    """Places in the key of a text where signs or spaces divide it: "10-179" is divided at 2."""
    pieces = [key(piece, remove_leading_zeros=remove_leading_zeros) for piece in _NOT_IN_KEYS.split(text) if piece]
    return frozenset(accumulate(map(len, pieces[:-1])))


def is_misread(read: str, tag: str) -> bool:
    """Whether the characters in which a key differs from the tag's stand where no tag has such ones: a letter between
    two digits, or a digit between two letters. Elsewhere they may be read rightly, off the plate of another tag.
    """
    differing = [place for place, (a, b) in enumerate(zip(read, tag, strict=True)) if a != b]
    return all(
        0 < place < len(read) - 1
        and read[place - 1].isdigit() is read[place + 1].isdigit() is not read[place].isdigit()
        for place in differing
    )


class Fold:
    """Look-alikes mapped to one character."""

    def __init__(self, substitutions: Mapping[str, Sequence[str]]) -> None:
        self._table = str.maketrans(
            {other.upper(): one.upper() for one, others in substitutions.items() for other in others}
        )

    def __call__(self, of_key: str) -> str:
        return of_key.translate(self._table)


def swaps(read: str, tag: str) -> int:
    """Characters of two keys of equal fold that differ."""
    return sum(a != b for a, b in zip(read, tag, strict=True))


def _ell_as_one(word: re.Match[str]) -> str:
    rest = word[0].replace("l", "")
    return word[0].replace("l", "1") if rest.upper() == rest and _LETTER_OR_DIGIT.search(rest) else word[0]


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.upper())
    return "".join(c for c in decomposed if not unicodedata.combining(c)).upper().translate(_SAME_INK)


_SHAPES = str.maketrans(
    {**{chr(c): "A" for c in range(ord("A"), ord("Z") + 1)}, **{str(digit): "9" for digit in range(10)}}
)
