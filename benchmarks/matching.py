"""Matching against difflib: speed as a ratio, and what approval is worth on plants that the calibration has not seen.

`python benchmarks/matching.py` takes a minute or two; `--full` adds plants of a hundred thousand tags, ordinary ones
and those where look-alikes of listed tags were planted, with a hundred thousand approvals each.
"""

from __future__ import annotations

import argparse
import difflib
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence

from rapidfuzz import fuzz, process
from rapidfuzz.distance import Levenshtein

from capture360.matching import match
from capture360.matching.confidence import measured
from capture360.matching.normalise import key
from capture360.matching.policy import ScoredMatch, score_matches
from capture360.model import Asset, Detection
from figures import Figure, report, wrong_at_most
from synthetic_tags import ADVERSARIAL, MIXED, ORDINARY, Population, Reading, TagPlant, tag_plant

HELD_OUT = (1_001, 1_002, 1_003, 1_004)
MANY_HELD_OUT = tuple(range(1_011, 1_018))
_MIDDLE = ((0.4, 0.5), (0.6, 0.5), (0.6, 0.55), (0.4, 0.55))
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


def quality(name: str, tags: int, texts: int, seeds: Sequence[int], population: Population) -> list[Figure]:
    """Figures of approval pooled over plants, with how each wrong one came about. Each text is all that is seen."""
    approved = with_truth = ambiguous = 0
    groups: dict[float, list[bool]] = defaultdict(list)
    causes: Counter[str] = Counter()
    for seed in seeds:
        plant = tag_plant(seed, tags, texts, population)
        for reading, found in zip(plant.readings, _verdicts(plant), strict=True):
            with_truth += reading.truth is not None
            position, probability = found.evidence.owner, measured().confidence(found.evidence)
            if position is None:
                continue
            groups[probability].append(position == reading.truth)
            if found.match.status == "approved":
                approved += 1
                ambiguous += reading.ambiguous
                if position != reading.truth:
                    causes[cause := _cause(plant, reading, position)] += 1
                    print(f"  {seed} {reading.text!r} as {plant.tags[position]}: {cause}")
    wrong, linked = causes.total(), sum(map(len, groups.values()))
    error = sum(abs(sum(some) - probability * len(some)) for probability, some in groups.items()) / linked
    print(f"  {name}, {tags:,} tags, {len(seeds)} held-out plants of {texts:,} texts: {wrong} wrong of {approved:,}")
    for cause, count in causes.most_common():
        print(f"    {count:3} {cause}")
    what = f"{name}, {tags:,} tags"
    return [
        Figure(f"{what}: approvals", approved),
        Figure(f"{what}: precision of approval", 1 - wrong / approved, at_least=0.999),
        Figure(f"{what}: share of wrong ones, 95 % bound", wrong_at_most(wrong, approved)),
        Figure(
            f"{what}: recall of approval", (approved - wrong) / with_truth, at_least=0.72 if tags < 50_000 else None
        ),
        Figure(f"{what}: ambiguous approvals", ambiguous, at_most=0),
        Figure(f"{what}: calibration error", error, at_most=0.01),
    ]


def _verdicts(plant: TagPlant) -> list[ScoredMatch]:
    """The first verdict on each text, as one that stands alone on its face."""
    assets = [Asset(f"{position:06d}", tag, (tag,)) for position, tag in enumerate(plant.tags)]
    detections = [
        Detection(str(number), "front", reading.text, reading.score, _MIDDLE)
        for number, reading in enumerate(plant.readings)
    ]
    first: dict[str, ScoredMatch] = {}
    for each in score_matches(detections, assets):
        first.setdefault(each.match.detection.image, each)
    return list(first.values())


def _cause(plant: TagPlant, reading: Reading, taken: int) -> str:
    """How the tag that was taken differs from that of the plate."""
    written = reading.ghost if reading.truth is None else plant.tags[reading.truth]
    edits = Levenshtein.editops(key(written), key(plant.tags[taken]))
    if not edits:
        return "the same characters, divided elsewhere, of a tag that the list lacks"
    kinds = {"replace": "taken for another", "delete": "lost", "insert": "added"}
    how = f"a character {kinds[edits[0].tag]}" if len(edits) == 1 else "several characters changed"
    return f"{how}, of a tag that the list lacks" if reading.truth is None else how


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
    figures = [Figure("difflib / ours, seconds, at 100,000 tags", ratio, at_least=5_700)]
    figures += quality("mixed", 10_000, 30_000, HELD_OUT, MIXED)
    if full:
        figures += quality("ordinary", 100_000, 30_000, MANY_HELD_OUT, ORDINARY)
        figures += quality("adversarial", 100_000, 30_000, MANY_HELD_OUT, ADVERSARIAL)
    peer_quality(10_000, 300)
    figures.append(Figure("memory for a million tags", memory(), "GB", at_most=2.0))
    return report("Matching texts with tags", figures)


if __name__ == "__main__":
    sys.exit(main())
