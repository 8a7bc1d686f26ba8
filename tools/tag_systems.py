"""Numbering systems of plants: the tags that each would give next."""

from __future__ import annotations

import random
from collections.abc import Callable

FUNCTIONS = (
    "PT",
    "TT",
    "FT",
    "LT",
    "PIC",
    "LIC",
    "FIC",
    "TIC",
    "PSV",
    "HV",
    "ESV",
    "FV",
    "LV",
    "PI",
    "TI",
    "LSH",
    "PDT",
)
EQUIPMENT = ("P", "V", "E", "C", "K", "T", "COMP", "PUMP", "HX", "TK", "MOV", "BDV")
KKS_UNITS = ("LAB", "LAC", "MAA", "PAB", "EKG", "HAD", "QFB")
KKS_PARTS = ("AA", "AP", "CP", "CT", "CF", "CL")
FLUIDS = ("PG", "PL", "WF", "CW", "DO")
SIZES = ("2", "4", "6", "8", "10")


class Numbers:
    """The areas, functions and numbers of one plant. About every third number of a range is used."""

    def __init__(self, chance: random.Random, families: int) -> None:
        self._chance = chance
        self._areas = range(10, 10 + chance.randint(3, 30))
        self._functions = chance.sample(FUNCTIONS, 8)
        self._span = max(30, 3 * families // (len(self._areas) * len(self._functions)))

    def area(self) -> int:
        """An area of the plant."""
        return self._chance.choice(self._areas)

    def function(self) -> str:
        """A function of an instrument."""
        return self._chance.choice(self._functions)

    def number(self, ranges: int = 1) -> int:
        """A running number; `ranges` widens it for systems that have fewer areas and functions to number within."""
        return self._chance.randrange(1, self._span * ranges)

    def pick(self, *texts: str) -> str:
        """One of these texts."""
        return self._chance.choice(texts)


def _isa(n: Numbers) -> str:
    return f"{n.area()}-{n.function()}-{1000 + n.number():04d}"


def _flat(n: Numbers) -> str:
    return f"{n.function()}-{1000 + n.number(10)}"


def _equipment(n: Numbers) -> str:
    return f"{n.pick(*EQUIPMENT)}-{100 + n.number(6)}"


def _kks(n: Numbers) -> str:
    return f"{n.pick(*'12')}{n.pick(*KKS_UNITS)}{n.area()} {n.pick(*KKS_PARTS)}{n.number():03d}"


def _norsok(n: Numbers) -> str:
    return f"{n.area()}{n.function()}{n.number():04d}"


def _line(n: Numbers) -> str:
    return f"{n.pick(*SIZES)}-{n.pick(*FLUIDS)}-{1000 + n.number(4)}-{n.pick(*'ABD')}{n.pick(*'12')}"


def _cabinet(n: Numbers) -> str:
    return f"+{n.pick(*'ABCE')}{n.area()}.{n.pick(*'123456')}-K{n.number():03d}"


def cable(n: Numbers) -> str:
    """A tag that is a mere number, as few plants have them."""
    return f"{n.area()}-{1000 + n.number(10)}"


SYSTEMS: tuple[Callable[[Numbers], str], ...] = (_isa, _flat, _equipment, _kks, _norsok, _line, _cabinet)
