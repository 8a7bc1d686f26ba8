"""Wording of review questions: which characters distinguish the tags that a plate may name."""

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
    """A character of a tag; `marked` if it differs from the other tags or from the text that was read."""

    text: str
    kind: Literal["letter", "digit", "sign"]
    marked: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the short answer for each tag in the order given; empty where there is none.

    Plates with the same `text` have the same question, and an answer to one may be applied to all.
    """

    text: str
    labels: tuple[str, ...]


def question_about(read: str, tags: Sequence[str]) -> Question:
    """Ask whether the plate that was read as `read` shows one of the tags, given with the likeliest first."""
    first, *others = tags
    if place := _one_place([first, *others]):
        names = tuple(character_name(tag[place[0]]) for tag in tags)
        return Question(f"{_capital(_either(names))}?", names)
    if others:
        return Question("Which of these tags is on the plate?", ("",) * len(tags))
    text = _plain(read)
    place = _one_place([first, text])
    is_line_break = place is not None and text[place[0]] == " " and first[place[0]] in _SIGNS
    if text.casefold() == first.casefold() or is_line_break:
        return Question("Is this the whole tag on the plate?", ("the whole tag",))
    if place:
        name = character_name(first[place[0]])
        return Question(f"Read as {character_name(text[place[0]])}: is it {name}?", (name,))
    return Question("Is this the tag on the plate?", ("this tag",))


def character_name(character: str) -> str:
    """Name a character so that look-alikes are distinguished: "letter O", "digit 0"."""
    if character in _SIGNS:
        return _SIGNS[character]
    kind = _kind(character)
    if kind == "letter" and character.islower():
        return f"small letter {character}"
    if kind == "sign":
        return unicodedata.name(character, "sign").lower()
    return f"{kind} {character}"


def characters(tag: str, others: Sequence[str]) -> list[Character]:
    """Return the characters of a tag, marked where another one differs."""
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
    """Return the tag of an asset that is most similar to the text."""
    tags = asset.tags or (asset.name,)
    return _plain(max(tags, key=lambda each: SequenceMatcher(None, read, each, autojunk=False).ratio()))


def _kind(character: str) -> Literal["letter", "digit", "sign"]:
    if character.isdigit():
        return "digit"
    return "letter" if character.isalpha() else "sign"


def _one_place(texts: Sequence[str]) -> tuple[int] | None:
    """Index of the only position where texts of equal length differ, if all of them differ there; else None."""
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
