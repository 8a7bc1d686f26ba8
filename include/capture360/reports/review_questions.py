"""What is asked about a plate, in words: which characters the tags that it may be differ in."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from capture360.model import Asset

_SIGNS = {"-": "hyphen", "_": "underscore", ".": "full stop", "/": "slash", " ": "blank"}


@dataclass(frozen=True, slots=True)
class Character:
    """A character of a tag; `marked` where it tells this tag from the other ones or from the text as it was read."""

    text: str
    kind: Literal["letter", "digit", "sign"]
    marked: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A question in words, and for each tag, in the order given, what answers it; empty where nothing does so shortly.

    Plates whose `text` is the same are asked the same, and an answer to one may be taken for all of them.
    """

    text: str
    labels: tuple[str, ...]


def question_about(read: str, tags: Sequence[str]) -> Question:
    """The question whether the plate that was read as `read` is one of the tags, the likeliest first."""
    first, *others = tags
    if place := _one_place([first, *others]):
        names = tuple(character_name(tag[place[0]]) for tag in tags)
        return Question(f"{_capital(_either(names))}?", names)
    if others:
        return Question("Which of these tags is on the plate?", ("",) * len(tags))
    text = _plain(read)
    if text.casefold() == first.casefold():
        return Question("Is this the whole tag on the plate?", ("the whole tag",))
    if place := _one_place([first, text]):
        name = character_name(first[place[0]])
        return Question(f"Read as {character_name(text[place[0]])}: is it {name}?", (name,))
    return Question("Is this the tag on the plate?", ("this tag",))


def character_name(character: str) -> str:
    """The character in words that tell it from those that look alike: "letter O", "digit 0"."""
    if character in _SIGNS:
        return _SIGNS[character]
    kind = _kind(character)
    if kind == "letter" and character.islower():
        return f"small letter {character}"
    if kind == "sign":
        return unicodedata.name(character, "sign").lower()
    return f"{kind} {character}"


def characters(tag: str, others: Sequence[str]) -> list[Character]:
    """The characters of a tag, marked where any of the others has something else."""
    marked: set[int] = set()
    for other in others:
        alike = SequenceMatcher(None, tag.casefold(), _plain(other).casefold(), autojunk=False)
        if len(tag.casefold()) != len(tag):
            continue
        for kind, begin, end, _, _ in alike.get_opcodes():
            if kind != "equal":
                marked.update(range(begin, end))
    return [Character(each, _kind(each), place in marked) for place, each in enumerate(tag)]


def tag_of(asset: Asset, read: str) -> str:
    """The tag of an asset that is most like the text."""
    tags = asset.tags or (asset.name,)
    return _plain(max(tags, key=lambda each: SequenceMatcher(None, read, each, autojunk=False).ratio()))


def _kind(character: str) -> Literal["letter", "digit", "sign"]:
    if character.isdigit():
        return "digit"
    return "letter" if character.isalpha() else "sign"


def _one_place(texts: Sequence[str]) -> tuple[int] | None:
    """Where texts of one length differ, if it is one place and no two of them have the same there."""
    if len(texts) < 2 or len({len(text) for text in texts}) > 1:
        return None
    places = [place for place, column in enumerate(zip(*texts, strict=True)) if len(set(column)) > 1]
    if len(places) != 1 or len({text[places[0]] for text in texts}) < len(texts):
        return None
    return (places[0],)


def _either(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _plain(text: str) -> str:
    return " ".join(text.split())
