"""From a text on a plate to the asset it names, with the probability that the link is right.

The ways that are common here, similarity ratios, are blind to *what* differs: 1019A and 1019B are 90 % alike and two
pumps. This package looks keys up instead and says how often evidence of that kind was right (`calibrate`).
"""

from __future__ import annotations

__all__ = ["match"]


def match(texts: list[str], tags: list[str]) -> list[tuple[int | None, float]]:
    """For each text the position of its tag and the probability that this link is right.

    (None, 0.0) where no tag is near, or several are equally near: a tie is never decided by chance, and a tag that
    stands twice in the list is never linked. A link of 0.995 or more may be approved without a person, if the text
    itself is trusted.
    """
    from capture360.matching.confidence import measured
    from capture360.matching.evidence import Matcher
    from capture360.matching.index import TagIndex

    calibration = measured()
    found = Matcher(TagIndex(tags)).read(texts)
    return [(evidence.owner, calibration.confidence(evidence)) for evidence in found]
