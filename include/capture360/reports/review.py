"""The notice of a review for Airflow's Required Actions, and the tags that its questions offer."""

from __future__ import annotations

from collections.abc import Sequence

from capture360.model import Asset, Match
from capture360.reports.escaping import for_markdown

_MOST_FAULTS = 8
_TIE = 0.5
"""Least ratio of another tag's probability to the likeliest one's in a tie."""


def notice(address: str) -> str:
    """Return the Markdown of a review's Required Action; `address` is that of the review page."""
    return (
        f"**[Open the review]({address})**: each plate with all its views, a key or a button for each answer, and the "
        "panorama one click away. *Finish* there writes the answers to CDF and ends this Required Action.\n\n"
        "Or answer here for all plates that are not decided there. *Approve the rest* links the suggested tags, except "
        "where two are equally likely; *Reject the rest* rejects them; *Leave the rest* keeps them suggested. What "
        "was decided on the page is written in each case. Single plates are approved or rejected by their numbers on "
        "the page, such as `1, 3b, 5-8`; a letter names another tag than the first one."
    )


def notice_of_faults(by: str, faults: Sequence[str]) -> str:
    """Return Markdown about an answer that was not understood as a whole; the names and sentences are from outside."""
    shown = [f"- {for_markdown(fault)}" for fault in faults[:_MOST_FAULTS]]
    if len(faults) > _MOST_FAULTS:
        shown.append(f"- and {len(faults) - _MOST_FAULTS} more")
    return (
        f"**The answer of {for_markdown(by, 100)} was not understood:**\n\n" + "\n".join(shown) + "\n\n"
        "Nothing of it is in CDF yet. What was valid stands in the fields: complete it, and answer again. Without "
        "another answer the valid numbers are written, and the rest is left."
    )


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
