"""A page of suggestions as Markdown, for whoever decides on them.

Texts of plates and names of assets come from outside, so they stand in code spans, where nothing means anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher

from capture360.model import Asset, Detection, Match
from capture360.reports.escaping import for_markdown

_MISSING = "·"
_LEGEND = (
    "Is the plate in the picture the tag beside it? **Bold** is what differs from the text as it was read; "
    f"{_MISSING} stands where a character was read that the tag does not have."
)
_RIVALS = (
    "Rows with the same picture are different tags for one plate. *Approve all* leaves them as they are, unless you "
    "reject all but one of them."
)


def review_page(matches: Sequence[Match], picture: Callable[[Detection], str | None]) -> str:
    """The table of the matches, numbered from 1; `picture` gives the address of a detection's picture, if it has one.

    The first tag of a row is the one that is suggested, the others are what else it could be.
    """
    head = "| No. | Picture | Read | Suggested | Or else | Why it is not certain |\n|---|---|---|---|---|---|"
    rows = [_row(number, match, picture(match.detection)) for number, match in enumerate(matches, 1)]
    rivals = [_RIVALS, ""] if len({match.detection for match in matches}) < len(matches) else []
    return "\n".join((_LEGEND, "", *rivals, head, *rows))


def _row(number: int, match: Match, picture: str | None) -> str:
    read = match.detection.text
    suggested = _candidate(read, match.asset, match.confidence) if match.asset else ""
    others = [_candidate(read, asset, share) for asset, share in match.candidates if asset != match.asset]
    shown = f"![plate {number}]({picture})" if picture else "cannot be shown"
    cells = (f"**{number}**", shown, for_markdown(read), suggested, ", ".join(others), for_markdown(match.reason))
    return f"| {' | '.join(cells)} |"


def _candidate(read: str, asset: Asset, share: float) -> str:
    tag = max(asset.tags or (asset.name,), key=lambda each: SequenceMatcher(None, read, each, autojunk=False).ratio())
    named = "" if tag == asset.name else f" of {for_markdown(asset.name)}"
    return f"{differences(read, tag)}{named} {share:.0%}"


def differences(read: str, tag: str) -> str:
    """The tag as Markdown, what differs from the text in bold; upper and lower case, blanks and lines are the same."""
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
    """Without upper and lower case, character by character."""
    return "".join(low if len(low := each.casefold()) == 1 else each for each in text)
