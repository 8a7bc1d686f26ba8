"""A review page as Markdown: a table of suggested links.

Texts of plates and names of assets come from outside, so they are written as code spans, in which nothing is markup.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher

from capture360.matching.answers import letter
from capture360.model import Asset, Detection, Match
from capture360.reports.escaping import for_markdown

_MISSING = "·"
_LEGEND = (
    "Is the plate in the picture the tag beside it? **Bold** is what differs from the text as it was read; "
    f"{_MISSING} stands where a character was read that the tag does not have. An answer holds for all views of the "
    "plate. To approve another tag than the one suggested, give its letter too, such as 3b."
)
_TIES = (
    "The different tags for one plate that are marked *or* are equally likely. *Approve all* leaves such plates as "
    "they are: approve one of their tags, such as 3a or 3b. Rejecting such a number rejects all its tags."
)
_TIE = 0.5
"""Least ratio of another tag's probability to the likeliest one's in a tie."""


def review_page(matches: Sequence[Match], picture: Callable[[Detection], str | None]) -> str:
    """Return the table of matches, numbered from 1; `picture` returns the address of a detection's picture, if any.

    The first tag of a row is the suggested one, the others are alternatives.
    """
    head = "| No. | Picture | Read | Suggested | Or else | Why it is not certain |\n|---|---|---|---|---|---|"
    rows = [_row(number, match, picture(match.detection)) for number, match in enumerate(matches, 1)]
    ties = [_TIES, ""] if any(map(is_tie, matches)) else []
    return "\n".join((_LEGEND, "", *ties, head, *rows))


def tags_of(match: Match) -> list[tuple[Asset, float]]:
    """Return the tags that a question offers with their probability, the suggested one first."""
    first = [(match.asset, match.confidence)] if match.asset else []
    return first + [(asset, share) for asset, share in match.candidates if asset != match.asset]


def is_tie(match: Match) -> bool:
    """Return whether another tag is nearly as likely as the suggested one."""
    shares = [share for _, share in tags_of(match)]
    return len(shares) > 1 and max(shares[1:]) >= _TIE * shares[0]


def in_question(match: Match) -> list[Asset]:
    """Return the suggested asset and those that are nearly as likely."""
    tags = tags_of(match)
    return [asset for place, (asset, share) in enumerate(tags) if place == 0 or share >= _TIE * tags[0][1]]


def _row(number: int, match: Match, picture: str | None) -> str:
    read = match.detection.text
    first, *others = [_candidate(read, asset, share) for asset, share in tags_of(match)] or [""]
    lettered = [f"{number}{letter(place)} {other}" for place, other in enumerate(others, 1)]
    between = ", *or* " if is_tie(match) else ", "
    shown = f"![plate {number}]({picture})" if picture else "cannot be shown"
    or_else = between.join(["", *lettered]).lstrip(", ") if is_tie(match) else between.join(lettered)
    cells = (f"**{number}**", shown, for_markdown(read), first, or_else, for_markdown(match.reason))
    return f"| {' | '.join(cells)} |"


def _candidate(read: str, asset: Asset, share: float) -> str:
    tag = max(asset.tags or (asset.name,), key=lambda each: SequenceMatcher(None, read, each, autojunk=False).ratio())
    named = "" if tag == asset.name else f" of {for_markdown(asset.name)}"
    return f"{differences(read, tag)}{named} {share:.0%}"


def differences(read: str, tag: str) -> str:
    """Return the tag as Markdown, differences from the text in bold; case, blanks and line breaks are ignored."""
    read, tag = " ".join(read.split()), " ".join(tag.split())
    parts: list[str] = []
    alike = SequenceMatcher(None, _folded(read), _folded(tag), autojunk=False)
    for kind, first, last, begin, end in alike.get_opcodes():
        piece = tag[begin:end]
        if kind == "equal":
            parts.append(for_markdown(piece))
        else:
            # Within a word bold needs punctuation on both sides of its asterisks: the backticks are.
            parts.append(f"**{for_markdown(piece + _MISSING * max(0, last - first - len(piece)))}**")
    return "".join(parts)


def _folded(text: str) -> str:
    """Fold case character by character, so that the length stays."""
    return "".join(low if len(low := each.casefold()) == 1 else each for each in text)
