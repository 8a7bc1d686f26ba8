"""Probability that a link is right: the measured precision of its kind of evidence, from `calibration.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from capture360.matching.evidence import APPROVABLE, Evidence, EvidenceKind

NEVER_APPROVED = 0.994
"""Ceiling of evidence that needs a person, whatever was measured, since sites have plates that no sample covers."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Precision by kind; for kinds that name no tag, the frequency of the right one among the candidates."""

    precision: Mapping[EvidenceKind, float]
    version: str

    def confidence(self, evidence: Evidence) -> float:
        """Return the probability that `evidence.owner` is right; 0 if it names none."""
        if evidence.owner is None:
            return 0.0
        return self._capped(evidence.kind)

    def shares(self, evidence: Evidence) -> tuple[tuple[int, float], ...]:
        """Return the candidates, best first, each with its probability."""
        whole = self._capped(evidence.kind) if evidence.kind in self.precision else 0.0
        if evidence.kind is EvidenceKind.SEVERAL:  # each of these is right, so each keeps the whole probability
            return tuple((owner, whole) for owner in evidence.candidates)
        # An O among digits is nearly always read as a zero: which look-alike was read says little of which was written.
        if evidence.owner is None or evidence.kind is EvidenceKind.LOOK_ALIKE:
            return tuple((owner, whole / len(evidence.candidates)) for owner in evidence.candidates)
        others = [owner for owner in evidence.candidates if owner != evidence.owner]
        return ((evidence.owner, whole), *((owner, (1 - whole) / (len(others) + 1)) for owner in others))

    def _capped(self, kind: EvidenceKind) -> float:
        precision = self.precision.get(kind, 0.0)
        return precision if kind in APPROVABLE else min(precision, NEVER_APPROVED)

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Calibration:
        """Parse a calibration from its JSON form: `{"version": ..., "kinds": {kind: {"precision": p, ...}}}`."""
        kinds = document["kinds"]
        return cls(
            {EvidenceKind(kind): float(row["precision"]) for kind, row in kinds.items()}, str(document["version"])
        )


@cache
def measured() -> Calibration:
    """Return the calibration that ships with the package."""
    return Calibration.parse(json.loads(files(__package__).joinpath("calibration.json").read_text("utf-8")))
