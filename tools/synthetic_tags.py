"""Synthetic plants for the calibration: tag lists with similar tags, and simulated OCR readings of their plates.

Two kinds of numbers stand here. How often a *clean* line swaps characters follows a measurement of PP-OCRv6 on 7,542
rendered tag lines with an engine score of 0.95 or more: digits for digits or letters for letters in 0.17 % of the
lines, letters for digits of the same look in 1.15 %, insertions next to never; here each is two to three times as
frequent. The share of unusual lines (labels, halves of plates, ghosts) is raised further above what a plant has, so
that every kind of evidence has enough samples: the calibration takes the precision *within* a kind, which such shares
do not touch.

Each text has an engine score of 0.95 or more. Of the lines that had such a score, those of 0.98 and 0.99 or more were
wrong less often by far, and the scores here follow that, so that it can be told what a higher one is worth.

What stays equal to a plant, since it does touch precision: the share of ghosts (plates of equipment that is not in the
list) among well-formed plates, and the same-type swaps.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from capture360.matching.normalise import Fold, key
from capture360.settings.matching import LOOK_ALIKES
from tag_systems import SYSTEMS, Numbers, cable

LABELS = ("PUMP", "VALVE", "TAG", "INSTRUMENT AIR", "PRESSURE TRANSMITTER", "FIRE WATER", "OUTLET", "INLET", "SERVICE")
POINTERS = ("TO", "FROM", "FEED TO", "SPARE FOR", "BYPASS OF")
CODES = ("X1", "S/N 4471", "DN50", "PN16", "2019", "R2", "M12")
NOISE = ("DANGER HIGH VOLTAGE", "NO SMOKING", "EXIT", "EMERGENCY STOP", "FIRE HOSE", "ASSEMBLY POINT", "KEEP CLEAR",
         "Rosemount", "EMERSON", "ABB", "made in germany", "Ex d IIC T6", "ON", "OFF")  # fmt: skip
SEPARATORS = ("-", " ", "", ".", "–", "_", " - ")
SAME_TYPE = {"0": "69", "1": "74", "2": "7", "3": "85", "4": "19", "5": "63", "6": "05", "7": "12", "8": "39",
             "9": "48", "M": "N", "N": "MH", "V": "UY", "U": "V", "E": "F", "F": "EP", "C": "G", "P": "RF", "T": "Y",
             "A": "R", "B": "RE", "D": "P", "K": "X", "H": "N", "L": "E"}  # fmt: skip
CROSS_TYPE = {"B": "8", "S": "5", "I": "1", "D": "0", "O": "0", "Z": "2", "G": "6", "Q": "0",
              "8": "B", "5": "S", "1": "I", "0": "OD", "2": "Z", "6": "G"}  # fmt: skip


SCORES = (0.95, 0.98, 0.99, 0.995, 0.998)
"""Least scores of five classes of texts; `SCORES_OF` has the share of each among texts by the worst that happened."""
SCORES_OF = {
    "read as it is": (0.023, 0.016, 0.033, 0.066, 0.862),
    "character of its kind": (0.43, 0.40, 0.056, 0.047, 0.067),
    "otherwise misread": (0.52, 0.21, 0.089, 0.075, 0.106),
}
"""From the same measurement: of lines with 0.95 or more, 0.17 % had a digit for a digit or a letter for a letter and
1.4 % were wrong in any way, with 0.98 or more 0.10 and 0.7 %, with 0.99 or more 0.03 and 0.4 %. How those of 0.99 or
more divide: if right as on 888 other lines (84 % had 0.998 or more), if wrong in proportion to what the score lacks."""

_DIVIDED_NUMBER = re.compile(r"(?<=[0-9])([0-9])([^A-Za-z0-9])(?=[0-9])")
_O_IN_NUMBER = re.compile(r"(?<=[0-9])O|O(?=[0-9])")
"""On rendered plates PP-OCRv6 read nearly every O that stands at a digit as a zero."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as OCR gives it. `truth` is the position of its tag, None for what is no tag of the list."""

    text: str
    truth: int | None
    ambiguous: bool = False
    """The text alone does not determine the tag."""
    ghost: str = ""
    """The tag on the plate if the list lacks it."""
    score: float = 1.0
    """The engine score, 0.95 or more."""


@dataclass(frozen=True, slots=True)
class TagPlant:
    """A tag list and the readings of its plates."""

    tags: list[str]
    readings: list[Reading]


@dataclass(frozen=True, slots=True)
class Population:
    """How many families of tags have one that only look-alikes, or only the place of a separator, tell from it."""

    look_alikes: float
    divided: float


MIXED = Population(look_alikes=0.01, divided=0.003)
ORDINARY = Population(look_alikes=0.0, divided=0.0)
"""Siblings, neighbours in number, parts and twins, as numbering systems make them."""
ADVERSARIAL = Population(look_alikes=0.1, divided=0.03)


def tag_plant(seed: int, tags: int, readings: int, population: Population = MIXED) -> TagPlant:
    """A plant with `tags` tags, the same for the same arguments."""
    chance = random.Random(seed)
    listed = _tag_list(chance, tags, population)
    reader = _Reader(chance, listed)
    scores = random.Random(f"engine scores of {seed}")
    return TagPlant(listed, [replace(reader.reading(), score=_score(scores, reader.worst)) for _ in range(readings)])


def _score(chance: random.Random, worst: str) -> float:
    return chance.choices(SCORES, SCORES_OF[worst])[0]


def _tag_list(chance: random.Random, size: int, population: Population) -> list[str]:
    """Tags in two to four numbering systems: families of siblings, neighbours in number, parts, look-alikes, twins."""
    systems = chance.sample(SYSTEMS, chance.randint(2, 4))
    if chance.random() < 0.2:
        systems[0] = cable  # few plants have tags that are mere numbers
    numbers = Numbers(chance, size // len(systems))
    tags: dict[str, None] = {}
    while len(tags) < size:
        base = chance.choice(systems)(numbers)
        if chance.random() < 0.7:
            tags[base] = None
        else:
            siblings = "ABCDS"[: chance.randint(1, 5)]
            tags.update(
                dict.fromkeys(base + suffix for suffix in (siblings if chance.random() < 0.8 else ["", *siblings]))
            )
        if chance.random() < 0.03:
            tags[base + chance.choice(("-M1", "-X", "-JB01"))] = None
        if chance.random() < population.look_alikes:
            tags[_swapped(chance, base, CROSS_TYPE)] = None
        if chance.random() < population.divided:
            tags[base.replace("-", "", 1)] = None
    result = list(tags)[:size]
    for position in range(0, size, 500):
        result[position] = result[size - 1 - position // 500]
    chance.shuffle(result)
    return result


class _Reader:
    """Simulated OCR of the plates of a tag list."""

    def __init__(self, chance: random.Random, tags: Sequence[str]) -> None:
        self.worst = "read as it is"
        self._chance = chance
        self._tags = tags
        self._tags_written = frozenset(tags)
        self._keys = [key(tag) for tag in tags]
        self._count = Counter(self._keys)
        self._fold = Fold(LOOK_ALIKES)
        self._folds = Counter(map(self._fold, self._count))
        self._halves = Counter(half for each in self._keys for length in range(3, len(each))
                               for half in (each[:length], each[-length:]))  # fmt: skip

    def reading(self) -> Reading:
        """Return the next text; `worst` is what happened to it."""
        self.worst = "read as it is"
        kind = self._chance.random()
        if kind < 0.82:
            return self._plate(self._chance.randrange(len(self._tags)))
        if kind < 0.88:
            ghost = self._ghost()
            return Reading(self._noisy(self._styled(ghost)), None, ghost=ghost)
        return Reading(self._noise_text(), None)

    def _plate(self, position: int) -> Reading:
        chance, tag = self._chance, self._tags[position]
        text = self._styled(tag)
        shared = False
        if chance.random() < 0.06:
            text, lost = self._cut(text)
            shared = lost and self._halves[key(text)] + self._count[key(text)] > 1
        clean = key(text)
        text = self._noisy(text)
        read = key(text)
        looks_alike = read != self._keys[position] and self._folds[self._fold(read)] > 1
        ambiguous = self._count[read] > 1 or looks_alike or (shared and read == clean)
        how = chance.random()
        if how < 0.06:
            label = chance.choice(LABELS)
            text = text if self._count[key(label + text)] else f"{label} {text}"  # PUMP before 480B names PUMP-480B
        elif how < 0.12:
            text = f"{text} {chance.choice(LABELS)}"
        elif how < 0.14:
            text = f"{text} {chance.choice(CODES)}"
        elif how < 0.143:
            return Reading(f"{chance.choice(POINTERS)} {text}", None)
        elif how < 0.148:
            text, ambiguous = f"{self._styled(tag)} / {chance.choice(self._tags)}", True
        return Reading(text, position, ambiguous)

    def _styled(self, tag: str) -> str:
        """Return the tag in a style of writing that plates have."""
        how = self._chance.random()
        if how < 0.5:
            return tag
        if how < 0.95:
            separator = self._chance.choice(SEPARATORS)
            return "".join(separator if not character.isalnum() else character for character in tag).strip(" -._–")
        return tag.lower()

    def _cut(self, text: str) -> tuple[str, bool]:
        """Return one line of a plate of two, or a line whose end is hidden."""
        parts = text.split("-")
        if len(parts) > 1 and self._chance.random() < 0.6:
            middle = self._chance.randrange(1, len(parts))
            cut = "-".join(self._chance.choice((parts[:middle], parts[middle:])))
        else:
            length = self._chance.randint(1, 3)
            cut = self._chance.choice((text[:-length], text[length:]))
        return cut, key(cut) != key(text)

    def _noisy(self, text: str) -> str:
        chance = self._chance
        text = _O_IN_NUMBER.sub(lambda _: "0" if chance.random() < 0.8 else "O", text)
        if chance.random() < 0.03:
            for _ in range(chance.choice((1, 1, 1, 2))):
                text = _swapped(chance, text, CROSS_TYPE)
            self.worst = "otherwise misread"
        if chance.random() < 0.004:
            text = _swapped(chance, text, SAME_TYPE)
            self.worst = "character of its kind"
        if chance.random() < 0.005 and len(text) > 3:
            hole = chance.randrange(len(text))
            text = text[:hole] + text[hole + 1 :]
            self.worst = "otherwise misread"
        if chance.random() < 0.004:
            place = chance.choice((0, len(text), chance.randrange(len(text) + 1)))
            text = text[:place] + chance.choice("1IL7.'AE0") + text[place:]
            self.worst = "otherwise misread"
        if chance.random() < 0.002:
            places = [at for at in range(1, len(text)) if text[at - 1 : at + 1].isalnum()]
            place = chance.choice(places or [len(text)])
            text = f"{text[:place]} {text[place:]}"
            self.worst = "otherwise misread"
        return text

    def _ghost(self) -> str:
        """Return a well-formed tag that the list lacks: similar to a listed one, or with an unused number.

        One in fifty is like a listed one but for its last character (1018 for 101B) or for where it is divided (1.01
        for 10.1).
        """
        chance = self._chance
        while True:
            tag = chance.choice(self._tags)
            if chance.random() < 0.02:
                divided = _DIVIDED_NUMBER.sub(r"\2\1", tag, count=1)
                tag = divided if divided != tag else tag[:-1] + _swapped(chance, tag[-1], CROSS_TYPE)
                if tag not in self._tags_written:
                    return tag
                continue
            if chance.random() < 0.2 and tag[-1].isalpha():
                tag = tag[:-1] + chance.choice("ABCDEFGS")
            else:
                digits = [place for place, character in enumerate(tag) if character.isdigit()]
                for place in chance.sample(digits, min(len(digits), chance.choice((1, 2, 2, 3)))):
                    tag = tag[:place] + str(chance.randrange(10)) + tag[place + 1 :]
            if not self._count[key(tag)]:
                return tag

    def _noise_text(self) -> str:
        chance = self._chance
        how = chance.randrange(6)
        number = chance.randrange(10**6)
        if how == 0:
            return chance.choice(NOISE)
        if how == 1:
            return f"{chance.randint(1, 28):02d}.{chance.randint(1, 12):02d}.20{chance.randint(10, 26)}"
        if how == 2:
            return f"S/N {number:06d}-{chance.randint(1, 99)}"
        if how == 3:
            return f"{chance.choice((24, 110, 230, 400, 690))}V {chance.choice((50, 60))}HZ {chance.randint(1, 99)}A"
        if how == 4:
            return (
                f"{chance.choice(('DN', 'PN', 'IP', 'M', 'EN', 'ISO '))}{chance.choice((10, 16, 25, 50, 65, 100, 150))}"
            )
        return f"{number % 9000 + 1000}{chance.choice(('CD', 'TG', 'S', 'X'))}{number % 7}A{number % 90 + 10}"


def _swapped(chance: random.Random, text: str, table: dict[str, str]) -> str:
    places = [place for place, character in enumerate(text) if character.upper() in table]
    if not places:
        return text
    place = chance.choice(places)
    return text[:place] + chance.choice(table[text[place].upper()]) + text[place + 1 :]
