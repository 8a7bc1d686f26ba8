"""The tags that a question about a plate offers."""

from __future__ import annotations

from capture360.model import Asset, Match

_TIE = 0.5
"""Least ratio of another tag's probability to the likeliest one's in a tie."""


def tags_of(match: Match) -> list[tuple[Asset, float]]:
    """Return the tags that a question offers with their probability, the suggested one first."""
    first = [(match.asset, match.confidence)] if match.asset else []
    return first + [(asset, share) for asset, share in match.candidates if asset != match.asset]


def is_tie(match: Match) -> bool:
    """Return whether another tag is nearly as likely as the suggested one."""
    return len(in_question(match)) > 1


def in_question(match: Match) -> list[Asset]:
    """Return the suggested asset and those that are nearly as likely."""
    tags = tags_of(match)
    return [asset for place, (asset, share) in enumerate(tags) if place == 0 or share >= _TIE * tags[0][1]]
