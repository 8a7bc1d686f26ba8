"""Tag names like those of a real plant, with similar ones that matchers may confuse.

Instruments are unit-function-number-letter (21-PT-1019A), equipment is class-number-letter (P-4071B). Siblings on
purpose: letters A/B/C, neighbours in number, O for 0 and B for 8.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tag:
    """A tag and its equipment; `lines` is how a plate may break it."""

    name: str
    description: str
    parent: str | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        """The tag on two lines, broken at its last hyphen."""
        head, _, tail = self.name.rpartition("-")
        return (head, tail) if head else (self.name,)


@dataclass(frozen=True)
class TagBook:
    """All tags of a hall. `unlabelled` are assets without a plate, `ghosts` plates without an asset."""

    unit: Tag
    pumps: tuple[Tag, ...]
    vessels: tuple[Tag, ...]
    exchangers: tuple[Tag, ...]
    cabinets: tuple[Tag, ...]
    instruments: tuple[Tag, ...]
    valves: tuple[Tag, ...]
    lines: tuple[Tag, ...]
    unlabelled: tuple[Tag, ...]
    ghosts: tuple[Tag, ...]

    @property
    def assets(self) -> tuple[Tag, ...]:
        """The tags of the asset list, parents first."""
        labelled = (self.pumps, self.vessels, self.exchangers, self.cabinets, self.lines, self.instruments, self.valves)
        return (self.unit, *(tag for group in labelled for tag in group), *self.unlabelled)


SERVICES = ("Feed water", "Glycol", "Condensate", "Lube oil", "Crude booster", "Seal oil", "Produced water")
FUNCTIONS = {
    "PT": "pressure transmitter",
    "TT": "temperature transmitter",
    "FT": "flow transmitter",
    "LT": "level transmitter",
}


def tag_book(seed: int, *, look_alikes: bool = True) -> TagBook:
    """Return the tags of a seed; `look_alikes`: with pairs that only O and 0, or B and 8, tell apart."""
    rng = np.random.default_rng([seed, 1])
    number = int(rng.integers(21, 48))
    unit = Tag(f"U-{number}", f"Process unit {number}")
    pumps = _pumps(rng, unit)
    vessels = _numbered(rng, "V", 6, unit, "drum")
    exchangers = _numbered(rng, "E", 3, unit, "heat exchanger")
    cabinets = _cabinets(rng, unit, look_alikes)
    instruments = _instruments(rng, number, [*pumps, *vessels, *exchangers])
    valves = _valves(rng, unit, look_alikes)
    lines = tuple(
        Tag(f'{size}"-{service}-{number}{int(rng.integers(100, 999))}', f"{size} inch line", unit.name)
        for size, service in ((6, "CW"), (4, "HC"), (8, "ST"), (3, "LO"))
    )
    named = {tag.name for group in (pumps, vessels, exchangers, cabinets, instruments, valves) for tag in group}
    unlabelled, ghosts = _neighbours(rng, instruments, pumps, named)
    return TagBook(unit, pumps, vessels, exchangers, cabinets, instruments, valves, lines, unlabelled, ghosts)


def _pumps(rng: np.random.Generator, unit: Tag) -> tuple[Tag, ...]:
    base = int(rng.integers(201, 799)) * 10 + 1
    services = rng.permutation(len(SERVICES))
    return tuple(
        Tag(f"P-{base + group}{letter}", f"{SERVICES[services[group]]} pump {letter}", unit.name)
        for group, letters in enumerate(("AB", "ABC", "AB", "AB"))
        for letter in letters
    )


def _numbered(rng: np.random.Generator, letter: str, count: int, unit: Tag, noun: str) -> tuple[Tag, ...]:
    base = int(rng.integers(1000, 9000))
    return tuple(
        Tag(f"{letter}-{base + i}", f"{SERVICES[int(rng.integers(len(SERVICES)))]} {noun}", unit.name)
        for i in range(count)
    )


def _cabinets(rng: np.random.Generator, unit: Tag, look_alikes: bool) -> tuple[Tag, ...]:
    hundreds, ones = int(rng.integers(2, 9)), int(rng.integers(1, 8))
    names = (
        f"JB-{hundreds}0{ones}",
        f"JB-{hundreds}O{ones}" if look_alikes else f"JB-{hundreds}0{ones + 1}",
        f"JB-{hundreds}{ones}08",
        f"JB-{hundreds}{ones}0B" if look_alikes else f"JB-{hundreds}{ones}09",
        f"MCC-{hundreds}1",
        f"MCC-{hundreds}2",
        f"LCP-{hundreds}{ones}11A",
        f"LCP-{hundreds}{ones}11B",
    )
    nouns = {"JB": "Junction box", "MCC": "Motor control centre", "LCP": "Local control panel"}
    return tuple(Tag(name, nouns[name.partition("-")[0]], unit.name) for name in names)


def _instruments(rng: np.random.Generator, unit: int, hosts: list[Tag]) -> tuple[Tag, ...]:
    """Groups of three: a voting trio A/B/C, or three neighbours in number."""
    tags = []
    used: set[int] = set()
    for group in range(9):
        function = list(FUNCTIONS)[group % len(FUNCTIONS)]
        base = int(rng.integers(100, 198)) * 10 + int(rng.integers(0, 7))
        while used & set(range(base - 3, base + 6)):
            base = int(rng.integers(100, 198)) * 10 + int(rng.integers(0, 7))
        used.update(range(base, base + 3))
        host = hosts[int(rng.integers(len(hosts)))]
        endings = [f"{base}{letter}" for letter in "ABC"] if group % 3 == 0 else [str(base + i) for i in range(3)]
        tags += [
            Tag(f"{unit}-{function}-{ending}", f"{host.name} {FUNCTIONS[function]}", host.name) for ending in endings
        ]
    return tuple(tags)


def _valves(rng: np.random.Generator, unit: Tag, look_alikes: bool) -> tuple[Tag, ...]:
    first, last = int(rng.integers(1, 9)), int(rng.integers(1, 9))
    base = int(rng.integers(2000, 8000))
    names = (
        f"XV-{first}0{last}",
        f"XV-{first}O{last}" if look_alikes else f"XV-{first}0{last + 1}",
        f"HV-{base}A",
        f"HV-{base}B",
        f"HV-{base + 1}",
        f"PSV-{base + 10}",
        f"PSV-{base + 11}",
        f"ESDV-{base + 20}",
    )
    nouns = {"XV": "On-off valve", "HV": "Hand valve", "PSV": "Safety valve", "ESDV": "Emergency shutdown valve"}
    return tuple(Tag(name, nouns[name.partition("-")[0]], unit.name) for name in names)


def _neighbours(
    rng: np.random.Generator, instruments: tuple[Tag, ...], pumps: tuple[Tag, ...], named: set[str]
) -> tuple[tuple[Tag, ...], tuple[Tag, ...]]:
    """Tags next to the labelled ones: most become assets without a plate, a few become plates without an asset."""
    near: dict[str, Tag] = {}
    for tag in (*instruments, *pumps):
        stem = tag.name.rstrip("ABC")
        head, _, digits = stem.rpartition("-")
        suffix = tag.name[len(stem) :]
        for candidate in (f"{head}-{int(digits) + 1}{suffix}", f"{head}-{int(digits) - 1}{suffix}", f"{stem}D"):
            if candidate not in named:
                near.setdefault(candidate, Tag(candidate, tag.description, tag.parent))
    order = [list(near.values())[i] for i in rng.permutation(len(near))]
    ghosts = [tag for tag in order if tag.name[0].isdigit()][:3]  # transmitters: their rails have room for them
    return tuple(tag for tag in order if tag not in ghosts), tuple(ghosts)
