"""Normalisation of texts and tags for comparison: upper-case letters and digits, nothing else.

`key` drops punctuation, since plates and asset names disagree on it. `fold` maps look-alikes to one character, since
OCR takes one for another. `shape` keeps the pattern of letters and digits: a misread tag has an unknown shape,
a tag that the list lacks a known one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise

# Latin twins of Cyrillic and Greek capitals, the slashed zero, and a T that touches the next one, read as pi.
_SAME_INK = str.maketrans("АВЕКМНОРСТХІЅЈΑΒΕΖΗΙΚΜΝΟΡΤΥΧØΠ", "ABEKMHOPCTXISJABEZHIKMNOPTYX0T")
_NOT_IN_KEYS = re.compile(r"[\W_]+")
_NOT_IN_JOINED_KEYS = re.compile(r"[^\w\n]+|_+")
_BETWEEN_TOKENS = re.compile(r"[\s:;,/()\[\]|]+")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_WORD = re.compile(r"\S+")
_WORD_OF_LETTERS = re.compile(r"(?<!\w)[^\W\d_]{4,}(?!\w)")
_FROM_FIRST_DIGIT = re.compile(r"\d.*")
_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)\n(?=\d)")
_BAR_IN_WORD = re.compile(r"(?<=[^\s|])\|(?=[^\s|])")

_TAKEN_FOR_ONE_ANOTHER = (
    "06", "08", "09", "14", "17", "27", "35", "38", "39", "49", "56", "68", "89",
    "AR", "BE", "BP", "BR", "CG", "DP", "EF", "EL", "FP", "HM", "HN", "KX", "MN", "PR", "TY", "UV", "UY", "VY",
    "A4", "T1", "T7",
)  # fmt: skip
_MISREADINGS = {
    one: "".join(pair.replace(one, "") for pair in _TAKEN_FOR_ONE_ANOTHER if one in pair)
    for one in sorted(set("".join(_TAKEN_FOR_ONE_ANOTHER)))
}

STROKE = "\N{LATIN LETTER DENTAL CLICK}"
"""What keys have for a small l among capitals and digits, and for a bar within a word: a 1, I or L."""
SIGN = "\N{LATIN LETTER RETROFLEX CLICK}"
"""What keys have for a sign that is made of letters, such as № or ℃, and for a raised letter: no tag has it."""


def key(text: str, *, remove_leading_zeros: bool = False) -> str:
    """Return a text's letters and digits, upper-case, no accents; `STROKE` where 1, I and L look alike.

    Raised and circled digits stay what they are: they are no digits of a tag. So does ß, which texts that are read from
    pictures have for a B or an 8, and which is no SS.
    """
    if "|" in text:
        text = with_bars_read(text)
    if "l" in text:
        text = _WORD.sub(_ell_as_stroke, text)
    if not text.isascii():
        text = _plain(text)
    if remove_leading_zeros:
        text = _ZEROS.sub("", text)
    return _NOT_IN_KEYS.sub("", text.upper())


def keys(texts: Sequence[str], *, remove_leading_zeros: bool = False) -> list[str]:
    """Return the `key` of each text, vectorised, with single treatment of the few that need it."""
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


def has_bar_in_word(text: str) -> bool:
    """Return whether a bar stands within a word, where it is a character or parts two fields of the plate."""
    return "|" in text and _BAR_IN_WORD.search(text) is not None


def with_bars_read(text: str) -> str:
    """Return a text with its bars within words as characters."""
    return _BAR_IN_WORD.sub(STROKE, text)


def tokens(text: str) -> list[str]:
    """Return the words of a text, split at white space and at signs that tags do not contain."""
    return [token for token in _BETWEEN_TOKENS.split(text) if token]


def shape(of_key: str) -> str:
    """Return letters as A and digits as 9: "21PT1019A" has the shape 99AA9999A."""
    ascii_done = of_key.translate(_SHAPES)
    return ascii_done if of_key.isascii() else _BEYOND_ASCII.sub(lambda c: "9" if c[0].isdigit() else "A", ascii_done)


def has_letter_and_digit(of_key: str) -> bool:
    """Return whether a key could be a tag and not a word or a number."""
    return not of_key.isalpha() and not of_key.isdigit() and of_key != ""


def leading_letters(of_key: str) -> str:
    """Return the letters before the first digit: "P1019A" begins with P."""
    return _FROM_FIRST_DIGIT.sub("", of_key)


def divisions(text: str, *, remove_leading_zeros: bool = False) -> frozenset[int]:
    """Return the indices in a text's key at which signs or spaces divide it: 2 for "10-179"."""
    pieces = [key(piece, remove_leading_zeros=remove_leading_zeros) for piece in _NOT_IN_KEYS.split(text) if piece]
    return frozenset(accumulate(map(len, pieces[:-1])))


def divided_key(text: str, *, remove_leading_zeros: bool = False) -> str:
    """Return a text's key with a hyphen where a sign or space divides two digits: "P10-179" for "P-10 179"."""
    text_key = key(text, remove_leading_zeros=remove_leading_zeros)
    places = sorted(divisions(text, remove_leading_zeros=remove_leading_zeros))
    pieces = (text_key[begin:end] for begin, end in pairwise([0, *places, len(text_key)]))
    return _BETWEEN_DIGITS.sub("-", "\n".join(pieces)).replace("\n", "")


def is_misread(read: str, tag: str, divided: Collection[int] = ()) -> bool:
    """Return whether the differences of a key from a tag's are implausible for any tag.

    That is a letter between two digits, or a digit between two letters, all in one group: in DB-1B-02, which signs
    divide (`divided`), the B may be the letter of a section. Other differences may be the right reading of another
    tag's plate.
    """
    divided_at = frozenset(divided)
    differing = [place for place, (a, b) in enumerate(zip(read, tag, strict=True)) if a != b]
    return all(
        0 < place < len(read) - 1
        and divided_at.isdisjoint((place, place + 1))
        and read[place - 1].isdigit() is read[place + 1].isdigit() is not read[place].isdigit()
        for place in differing
    )


class Fold:
    """Mapping of look-alike characters to one of them."""

    def __init__(self, substitutions: Mapping[str, Sequence[str]]) -> None:
        self._table = str.maketrans(
            {other.upper(): one.upper() for one, others in substitutions.items() for other in others}
        )
        self._table[ord(STROKE)] = "1".translate(self._table)

    def __call__(self, of_key: str) -> str:
        """Return a key with each look-alike in its one form."""
        return of_key.translate(self._table)


def misreadings(of_key: str) -> Iterator[str]:
    """Yield each key that OCR seldom takes for this one: with one character of similar shape, or one more or less.

    Not the look-alikes, which a fold makes equal: these are frequent, and this is about what is left. A character is
    lost or added beside its equal, or if it is a thin one beside others of its kind: TT for T, TI for T, 11 for 1.
    """
    for place, character in enumerate(of_key):
        before, after = of_key[:place], of_key[place + 1 :]
        for other in _MISREADINGS.get(character, ""):
            yield before + other + after
        if character in before[-1:]:
            yield before + after
        yield before + character + character + after
        thin = "1" if character.isdigit() else "I"
        if character != thin:
            yield before + thin + character + after
            yield before + character + thin + after
        elif any(beside.isdigit() is character.isdigit() for beside in before[-1:] + after[:1]):
            yield before + after


def swaps(read: str, tag: str) -> int:
    """Return the number of differing characters of two keys of equal fold."""
    return sum(a != b for a, b in zip(read, tag, strict=True))


def _ell_as_stroke(word: re.Match[str]) -> str:
    rest = word[0].replace("l", "")
    return word[0].replace("l", STROKE) if rest.upper() == rest and _LETTER_OR_DIGIT.search(rest) else word[0]


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    upper = _WORD_OF_LETTERS.sub(lambda word: word[0].replace("Ø", "O"), text.replace("ß", "ẞ").upper())
    decomposed = "".join(map(_in_plain_letters, upper))
    return "".join(c for c in decomposed if not unicodedata.combining(c)).upper().translate(_SAME_INK)


def _in_plain_letters(character: str) -> str:
    """Return the letters and digits that a character is drawn with; of signs and raised letters, none of a tag."""
    category = unicodedata.category(character)
    if category == "No":
        return character
    decomposition = unicodedata.decomposition(character)
    if decomposition and (category == "So" or decomposition.startswith("<super>")):
        return SIGN
    return unicodedata.normalize("NFKD", character)


_SHAPES = str.maketrans(
    {**{chr(c): "A" for c in range(ord("A"), ord("Z") + 1)}, **{str(digit): "9" for digit in range(10)}}
)
