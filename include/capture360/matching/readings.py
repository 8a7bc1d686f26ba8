"""Readings of a capture: each text once, with its tag and its weight against other readings.

A text that names no tag is a reading too where it is similar to a tag that is read: the plate may say what no list has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log

from capture360.geometry.boxes import touches_border
from capture360.matching.edits import EditIndex
from capture360.matching.evidence import APPROVABLE, OUTRIGHT, EvidenceKind
from capture360.matching.normalise import has_letter_and_digit, key
from capture360.matching.policy import ScoredMatch
from capture360.matching.writing import is_value
from capture360.model import MAX_TEXT_LENGTH, Asset, Detection
from capture360.settings.matching import ConsensusSettings

LOOK_ALIKES = frozenset({EvidenceKind.LOOK_ALIKE, EvidenceKind.LOOK_ALIKE_TIE})
_SHOWS_TAG = OUTRIGHT | {EvidenceKind.LOOK_ALIKE_TIE, EvidenceKind.EDIT, EvidenceKind.CUT}
"""Evidence that a view shows a tag which other views of its plate determine, since no other tag reads so."""

_SAYS_TAG = OUTRIGHT - {EvidenceKind.FOLD_OWN}
_UNNAMED = frozenset({EvidenceKind.EDIT_KNOWN, EvidenceKind.EDIT_TIE, EvidenceKind.AMBIGUOUS_TAG, EvidenceKind.NOTHING})
_OF_ITS_OWN = _UNNAMED | {EvidenceKind.FOLD_OWN, EvidenceKind.DIVIDED}
"""Evidence of a text that may be right as it is, and then of a plate that the list lacks."""
_MAY_SAY_MORE = frozenset(
    {EvidenceKind.LEFTOVER, EvidenceKind.EDIT, EvidenceKind.EDIT_KNOWN, EvidenceKind.EDIT_TIE, EvidenceKind.NOTHING}
)

_WRONG = ((0.99, 0.004), (0.98, 0.007), (0.95, 0.014), (0.8, 0.035), (0.6, 0.2), (0.0, 0.5))
"""Share of wrong texts among those of an engine score or more: PP-OCRv6 on 7,542 rendered lines, the last two rows
below what was measured."""
_DOUBTED = 3
"""Factor by which texts are more often wrong that are small, cut, or at the border of their face."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A text of an image. `positions` are the indices of its matches, several if several tags are possible."""

    detection: Detection
    positions: tuple[int, ...]
    kind: EvidenceKind
    owner: Asset | None
    """The asset of the tag that it reads, None if undetermined."""
    named: tuple[Asset, ...]
    names_all: bool
    """Whether `named` are all assets that the text may name."""
    keys: frozenset[str]
    """Keys of all tags of these assets; of a text that names none, its own and those it resembles."""
    is_approved: bool
    is_manual: bool
    is_doubted: bool
    is_small: bool
    may_agree: bool
    illegible: str
    """Why a person could not read the plate on this view either; empty if one could."""
    confidence: float
    is_elsewhere: bool = False
    """Whether words beside the tag say that it is another thing's."""

    @property
    def refs(self) -> frozenset[str]:
        """References of the assets that the text may name."""
        return frozenset(asset.ref for asset in self.named)

    @property
    def text_key(self) -> str:
        """Key of the text."""
        return key(self.detection.text)

    @property
    def weight(self) -> float:
        """Negative logarithm of the probability that the text is wrong; half of it if it is no whole tag."""
        return self._certainty * (1.0 if self.kind in _SAYS_TAG else 0.5)

    @property
    def _certainty(self) -> float:
        score = self.detection.score
        wrong = next(share for least, share in _WRONG if score >= least)
        if self.is_doubted and score >= _WRONG[3][0]:
            wrong = min(0.5, _DOUBTED * wrong)
        return -log(wrong)

    @property
    def rank(self) -> tuple[bool, float, float, float]:
        """Sort key of views to show to a person."""
        seen = self.detection
        return seen.whole is not False, self.confidence, seen.cap_px or 0.0, seen.score

    def says(self, ref: str) -> bool:
        """Return whether the text is the tag of an asset, not only similar to it."""
        return self.owner is not None and self.owner.ref == ref and self.kind in _SAYS_TAG

    def weight_against(self, asset: Asset) -> float:
        """Return the weight against a plate's being that of an asset; 0 if the text may be all or a part of its tag.

        What it has more than the tag weighs as much as the tag itself: OCR loses characters, but hardly invents any. A
        line above or below does not, which may be a label, but half as much if it refers to another thing; nor does
        another tag, which is that of the plate beside it.
        """
        if self.is_manual or self.says(asset.ref):
            return 0.0
        if self.kind is EvidenceKind.DIVIDED:
            return self.weight
        own, tag_keys = self.text_key, [key(tag) for tag in asset.tags]
        if any(own in tag_key for tag_key in tag_keys):
            return self.weight if self.is_elsewhere and asset.ref in self.refs else 0.0
        more = [own.replace(tag_key, "", 1) for tag_key in tag_keys if tag_key in own]
        if any(map(is_value, more)):
            return 0.0
        if more and self.kind in _MAY_SAY_MORE:
            return 0.0 if self.keys.intersection(more) else self._certainty
        return self.weight if self.kind in _OF_ITS_OWN else 0.0

    def shows(self, ref: str) -> bool:
        """Return whether the text can be a view of the asset's plate, and of no other plate."""
        return self.is_manual or (ref in self.refs and self.kind in _SHOWS_TAG)

    def is_good(self, settings: ConsensusSettings) -> bool:
        """Return whether the reading counts when stations agree."""
        return (
            self.kind in APPROVABLE
            and self.may_agree
            and self.confidence >= settings.min_confidence
            and self.detection.score >= settings.min_score
            and self.detection.whole is not False
            and not touches_border(self.detection.polygon)
            and len(self.detection.text) < MAX_TEXT_LENGTH
        )


def readings_of(scored: Sequence[ScoredMatch]) -> list[Reading]:
    """Return the texts that name tags, in the order of their first match."""
    positions: dict[Detection, list[int]] = defaultdict(list)
    for position, each in enumerate(scored):
        if each.match.asset is not None:
            positions[each.match.detection].append(position)
    return [_reading(scored, tuple(some), frozenset()) for some in positions.values()]


def strangers_of(scored: Sequence[ScoredMatch], readings: Sequence[Reading]) -> list[Reading]:
    """Return the texts that name no tag, but differ by one character from one that is read, or contain it."""
    known = frozenset(tag_key for reading in readings for tag_key in reading.keys)
    least = min(map(len, known), default=0)
    texts = {
        position: own
        for position, each in enumerate(scored)
        if each.match.asset is None and not each.manual and each.match.cause is None and each.evidence.kind in _UNNAMED
        if has_letter_and_digit(own := key(each.match.detection.text))
    }
    near = EditIndex(tag_keys := sorted(known)).near(list(texts.values()))
    found = []
    for (position, own), places in zip(texts.items(), near, strict=True):
        similar = {tag_keys[place] for place in places}
        similar |= {own[i:j] for i, j in combinations(range(len(own) + 1), 2) if j - i >= least} & known
        similar |= {key(tag) for asset, _ in scored[position].match.candidates for tag in asset.tags} & known
        if similar:
            found.append(_reading(scored, (position,), frozenset({own, *similar})))
    return found


def _reading(scored: Sequence[ScoredMatch], positions: tuple[int, ...], similar: frozenset[str]) -> Reading:
    first = scored[positions[0]]
    named = tuple(asset for position in positions if (asset := scored[position].match.asset) is not None)
    tells = first.evidence.owner is not None or first.manual
    return Reading(
        detection=first.match.detection,
        positions=positions,
        kind=first.evidence.kind,
        owner=named[0] if named and tells else None,
        named=named,
        names_all=not first.evidence.has_more,
        keys=similar or frozenset(key(tag) for asset in named for tag in asset.tags),
        is_approved=any(scored[position].match.status == "approved" for position in positions),
        is_manual=first.manual,
        is_doubted=first.is_doubted,
        is_small=first.is_small,
        may_agree=first.may_agree,
        illegible=first.illegible,
        confidence=max(scored[position].match.confidence for position in positions),
        is_elsewhere=first.evidence.is_elsewhere,
    )
