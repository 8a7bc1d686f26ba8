"""Matching of texts on plates to assets, with the probability that a link is right.

Similarity ratios, the common approach, ignore *what* differs: 1019A and 1019B are 90 % similar and two pumps. This
package looks keys up instead, and reports the measured precision of each kind of evidence (`confidence`).
"""

from __future__ import annotations

__all__ = ["match"]


def match(texts: list[str], tags: list[str]) -> list[tuple[int | None, float]]:
    """Return for each text the index of its tag and the probability that this link is right.

    (None, 0.0) if no tag is near, or several are equally near: ties are never decided by chance, and a tag that occurs
    twice in the list is never linked. A link of 0.995 or more may be approved without a person, if the text itself is
    trusted.
    """
    from capture360.matching.confidence import measured
    from capture360.matching.index import TagIndex
    from capture360.matching.matcher import Matcher

    calibration = measured()
    found = Matcher(TagIndex(tags)).read(texts)
    return [(evidence.owner, calibration.confidence(evidence)) for evidence in found]
