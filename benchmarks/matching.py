"""Matching against difflib: speed as a ratio, and what approval is worth on plants that the calibration has not seen.

`python benchmarks/matching.py` takes a minute or two; `--full` adds plants of a hundred thousand tags.
"""

from __future__ import annotations

import argparse
import difflib
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence

from rapidfuzz import fuzz, process

from capture360.matching import match
from figures import Figure, report
from synthetic_tags import Reading, tag_plant

HELD_OUT = (1_001, 1_002, 1_003, 1_004)
APPROVE = 0.995
MEMORY = """
import resource, sys
from capture360.matching import match
tags = [f"{area}-{name}-{number:05d}{suffix}" for area in range(10, 60) for name in ("PT", "TT", "FT", "LT", "HV")
        for number in range(1000, 2000) for suffix in "ABCD"]
texts = [tag.replace("0", "O", 1)[n % 2 :] for n, tag in enumerate(tags[:: len(tags) // 20_000])]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
match(texts, tags)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(len(tags), len(texts), before / 1e6, after / 1e6)
"""


def speed(tags: int, texts: int) -> float:
    """Texts a second of each matcher on one list, index building included; the ratio to difflib."""
    plant = tag_plant(HELD_OUT[0], tags, texts)
    read = [reading.text for reading in plant.readings]
    started = time.perf_counter()
    match(read, plant.tags)
    ours = texts / (time.perf_counter() - started)
    sample = read[:20]
    started = time.perf_counter()
    for text in sample:
        difflib.get_close_matches(text, plant.tags, n=1)
    peer = len(sample) / (time.perf_counter() - started)
    sample = read[:200]
    started = time.perf_counter()
    process.cdist(sample, plant.tags, scorer=fuzz.ratio, workers=1)
    fast_peer = len(sample) / (time.perf_counter() - started)
    print(f"\n{tags:,} tags, {texts:,} texts, texts per second with the index built")
    print(f"  capture360                     {ours:12,.0f}")
    print(f"  rapidfuzz cdist                {fast_peer:12,.0f}   {ours / fast_peer:8,.0f} x")
    print(f"  difflib.get_close_matches      {peer:12,.1f}   {ours / peer:8,.0f} x")
    return ours / peer


def quality(tags: int, texts: int) -> tuple[float, float, int, float]:
    """(precision, recall, ambiguous ones, calibration error) of approval pooled over the held-out plants."""
    approved = right = with_truth = ambiguous = 0
    groups: dict[float, list[bool]] = defaultdict(list)
    for seed in HELD_OUT:
        plant = tag_plant(seed, tags, texts)
        answers = match([reading.text for reading in plant.readings], plant.tags)
        for reading, (position, probability) in zip(plant.readings, answers, strict=True):
            with_truth += reading.truth is not None
            if position is not None:
                groups[probability].append(position == reading.truth)
                if probability >= APPROVE:
                    approved += 1
                    right += position == reading.truth
                    ambiguous += reading.ambiguous
    linked = sum(map(len, groups.values()))
    error = sum(abs(sum(some) - probability * len(some)) for probability, some in groups.items()) / linked
    print(f"\n{tags:,} tags, {len(HELD_OUT)} held-out plants of {texts:,} texts")
    print(f"  approved {approved:,}: precision {right / approved:.5f}, recall {right / with_truth:.3f}")
    print(f"  ambiguous texts approved {ambiguous}; calibration error over all {linked:,} links {error:.4f}")
    return right / approved, right / with_truth, ambiguous, error


def peer_quality(tags: int, texts: int) -> None:
    """What links of difflib at a ratio of 0.9 or more are worth, on a part of one plant."""
    plant = tag_plant(HELD_OUT[0], tags, texts)
    right, linked, truths = _peer_links(plant.readings, plant.tags)
    print(f"  difflib at 0.9 on {texts} texts: precision {right / linked:.3f}, recall {right / truths:.3f}")


def _peer_links(readings: Sequence[Reading], tags: list[str]) -> tuple[int, int, int]:
    right = linked = 0
    for reading in readings:
        for found in difflib.get_close_matches(reading.text, tags, n=1, cutoff=0.9):
            linked += 1
            right += reading.truth is not None and found == tags[reading.truth]
    return right, linked, sum(reading.truth is not None for reading in readings)


def memory() -> float:
    """Resident memory in GB of a process that matches against a million tags."""
    answer = subprocess.run([sys.executable, "-c", MEMORY], check=True, capture_output=True, text=True).stdout.split()
    tags, texts, before, after = int(answer[0]), int(answer[1]), float(answer[2]), float(answer[3])
    print(f"\n{tags:,} tags: {after:.2f} GB resident, {before:.2f} GB of it the list, after {texts:,} texts")
    return after


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="plants of a hundred thousand tags as well")
    full = parser.parse_args().full
    ratio = speed(100_000, 20_000)
    figures = [Figure("difflib / ours, seconds, at 100,000 tags", ratio, at_least=1_000)]
    for tags, texts in ((10_000, 30_000), (100_000, 30_000)) if full else ((10_000, 30_000),):
        precision, recall, ambiguous, error = quality(tags, texts)
        figures += [
            Figure(f"precision of approval, {tags:,} tags", precision, at_least=0.999),
            Figure(f"recall of approval, {tags:,} tags", recall, at_least=0.75),
            Figure(f"ambiguous approvals, {tags:,} tags", ambiguous, at_most=0),
            Figure(f"calibration error, {tags:,} tags", error, at_most=0.02),
        ]
    peer_quality(10_000, 300)
    figures.append(Figure("memory for a million tags", memory(), "GB", at_most=2.0))
    return report("Matching texts with tags", figures)


if __name__ == "__main__":
    sys.exit(main())
