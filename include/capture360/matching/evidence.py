"""Kinds of evidence of a text for the tags of a list: which tag, by which kind, or why none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_MAX_CANDIDATES = 3


class EvidenceKind(StrEnum):
    """Kinds of evidence; the calibration has a precision for each."""

    EXACT = "exact"
    WINDOW = "window"
    FOLD_1 = "fold-1"
    FOLD_2 = "fold-2"
    FOLD_MORE = "fold-more"
    WINDOW_FOLD = "window-fold"
    FOLD_OWN = "fold-own-tag"
    """A tag but for look-alikes, whose reading could be a tag that the list lacks: 1018 where 101B is listed."""
    DIVIDED = "divided"
    """The characters of a tag, written otherwise: 10-179, or 10179, where 101-79 is listed; Pt100 where PT-100 is."""
    PLAIN = "plain"
    """A whole number or a whole word that is a tag."""
    PART = "part"
    """A tag that begins or ends another one."""
    LOOK_ALIKE = "look-alike"
    """One of several tags that differ only by look-alike characters."""
    LEFTOVER = "leftover"
    """A tag beside tokens that could belong to it, or that refer to it from elsewhere."""
    EDIT = "edit"
    EDIT_KNOWN = "edit-known-shape"
    CUT = "cut"
    # Below: evidence that names no tag.
    AMBIGUOUS_TAG = "ambiguous-tag"
    """A tag that several assets have."""
    LOOK_ALIKE_TIE = "look-alike-tie"
    SEVERAL = "several"
    EDIT_TIE = "edit-tie"
    CUT_TIE = "cut-tie"
    SHORT = "short"
    NOTHING = "nothing"


APPROVABLE = frozenset(
    {
        EvidenceKind.EXACT,
        EvidenceKind.WINDOW,
        EvidenceKind.FOLD_1,
        EvidenceKind.FOLD_2,
        EvidenceKind.WINDOW_FOLD,
    }
)
"""Evidence that may be approved without a person, if its precision is high enough. All other is suggested at best."""

FOLDS = frozenset({EvidenceKind.FOLD_1, EvidenceKind.FOLD_2, EvidenceKind.WINDOW_FOLD})
"""Evidence by look-alikes, which a second station reads in the same way."""

OUTRIGHT = APPROVABLE | {EvidenceKind.FOLD_OWN, EvidenceKind.PART, EvidenceKind.LOOK_ALIKE}
"""Evidence of a whole tag, whether or not it needs a person."""

AMBIGUOUS = frozenset(
    {
        EvidenceKind.AMBIGUOUS_TAG,
        EvidenceKind.LOOK_ALIKE_TIE,
        EvidenceKind.SEVERAL,
        EvidenceKind.EDIT_TIE,
        EvidenceKind.CUT_TIE,
    }
)
"""Evidence for several tags at once."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence of a text. `owner` is None if no tag is named; then `candidates` are up to 3 of the possible owners.

    `has_more` is whether there are more possible owners than `candidates`, `has_similar` whether one misread character
    of another tag of the list gives the tag that is named, `is_elsewhere` whether words say that the tag is of another
    thing.
    """

    kind: EvidenceKind
    owner: int | None = None
    candidates: tuple[int, ...] = ()
    has_more: bool = False
    has_similar: bool = False
    is_elsewhere: bool = False

    @property
    def owners(self) -> tuple[int, ...]:
        """The owner, or all that are in question."""
        return self.candidates if self.owner is None else (self.owner,)

    @classmethod
    def among(cls, kind: EvidenceKind, owners: Sequence[int], owner: int | None = None) -> Evidence:
        """Build evidence with the first of the possible owners, the likeliest first."""
        return cls(kind, owner, tuple(owners[:_MAX_CANDIDATES]), len(owners) > _MAX_CANDIDATES)
