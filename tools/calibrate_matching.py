"""Measure the precision of each kind of evidence: `python tools/calibrate_matching.py`.

The script generates tag lists of several sizes and readings of their plates (`synthetic_tags`), matches them, counts
for each kind how often the named tag was the right one, and writes `calibration.json`. The seeds are fixed, so the file
can be made again byte by byte. Seeds below 1,000 are for the calibration; benchmarks and tests hold out 1,001 and up.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import capture360.matching
from capture360.matching.evidence import AMBIGUOUS, Evidence, EvidenceKind
from capture360.matching.index import TagIndex
from capture360.matching.matcher import Matcher
from synthetic_tags import Reading, tag_plant

SIZES = (1_000, 10_000, 50_000)
SEEDS = tuple(range(101, 109))
READINGS = 30_000
FILE = Path(capture360.matching.__path__[0]) / "calibration.json"


def measure(plants: Iterable[tuple[int, int]], readings: int) -> dict[str, object]:
    """Return the calibration document over plants given as (seed, number of tags).

    The digest of a plant covers its evidence and whether that was right; it changes with the matcher and the plants.
    """
    samples: Counter[EvidenceKind] = Counter()
    right: Counter[EvidenceKind] = Counter()
    described = []
    for seed, size in plants:
        plant = tag_plant(seed, size, readings)
        evidence = Matcher(TagIndex(plant.tags)).read([reading.text for reading in plant.readings])
        verdicts = [is_right(reading, found) for reading, found in zip(plant.readings, evidence, strict=True)]
        for found, verdict in zip(evidence, verdicts, strict=True):
            samples[found.kind] += 1
            right[found.kind] += verdict
        listed = "".join(f"{found.kind} {verdict}\n" for found, verdict in zip(evidence, verdicts, strict=True))
        digest = sha256(listed.encode()).hexdigest()[:16]
        described.append({"seed": seed, "tags": size, "readings": readings, "digest": digest})
    return {
        "version": "1.0.0",
        "made_by": "python tools/calibrate_matching.py",
        "plants": described,
        "kinds": {
            kind.value: {
                "samples": samples[kind],
                "right": right[kind],
                "precision": round(laplace(right[kind], samples[kind]), 5),
            }
            for kind in EvidenceKind
            if kind not in {EvidenceKind.NOTHING, EvidenceKind.SHORT}
        },
    }


def laplace(right: int, samples: int) -> float:
    """Laplace's rule of succession: (right + 1) / (samples + 2)."""
    return (right + 1) / (samples + 2)


def is_right(reading: Reading, found: Evidence) -> bool:
    """Return whether the named tag is the true one, or, if several are in question, one of them is."""
    if found.kind in AMBIGUOUS:
        return reading.truth in found.candidates
    return found.owner is not None and found.owner == reading.truth


def main() -> None:
    """Measure the calibration and write it to the file that the product reads."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=FILE)
    arguments = parser.parse_args()
    document = measure([(seed, size) for size in SIZES for seed in SEEDS], READINGS)
    arguments.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
