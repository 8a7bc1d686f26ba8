"""Words that stand beside a tag: descriptions, fields and values of nameplates, and what refers to another thing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate

from capture360.matching.index import TagIndex
from capture360.matching.normalise import key, leading_letters, tokens
from capture360.matching.nouns import Judge, is_of_feed, is_part, is_thing
from capture360.matching.writing import has_arrow, has_digit, is_count, values

_APART = re.compile(r",|\s[-\u2013]\s")
_LETTERS = re.compile(r"[^\W\d_]+")
_MIN_LABEL = 3
_MAX_END = 3
_NUMBER = frozenset(("NO", "NR", "ID", "NUMBER", "NUMMER", "CODE"))
"""Words before a number that say whose it is by the word before them: TAG NO. P-101A, but ORDER NO. V-200."""
_OF_TAGS = frozenset(("TAG", "ITEM", "EQUIPMENT", "EQUIP", "POS", "KKS"))
_PLACES = frozenset(("ROOM", "BUILDING", "ROM", "RUM", "RAUM", "SALLE", "SALA"))
"""Fields that are named in front of a line alone: ROOM E-101, but CONTROL ROOM AC-101."""
_CONNECTIONS = frozenset(
    (
        "INLET", "OUTLET", "SUCTION", "DISCHARGE", "RETURN", "CWS", "CWR", "SUGELINJE", "RETUR", "INNLOP", "UTLOP",
        "DRAIN", "BLEED", "VORLAUF", "RUCKLAUF", "EINTRITT", "AUSTRITT", "ENTREE", "SORTIE", "RETOUR", "ENTRADA",
        "SALIDA", "RETORNO",
    )
)  # fmt: skip
"""Fields of what has one letter, E-101 RETURN, since instruments and valves have these words as their descriptions; in
the tag's line, or alone on theirs."""
_PARTS = frozenset(("STARTER", "ISOLATOR", "DISCONNECT", "CABLE", "KABEL", "CONDUIT", "VFD", "VSD", "SOV"))
"""Fields of things that have no tag but that of what they belong to, also after it or below it."""
_NAMEPLATE = frozenset(
    (
        "MODEL", "MODELL", "MODELE", "TYPE", "TYP", "SERIAL", "SN", "YEAR", "BUILT", "BAUJAHR", "NB", "SIZE", "RANGE",
        "EX", "VG", "UN",
    )
)  # fmt: skip
"""Fields of nameplates, of which what follows in the line is the value."""
_DEFINITE = frozenset(("DU", "LA", "LE", "EL"))
_LINKING = _DEFINITE | frozenset(("DE", "EN", "AV", "OG", "IN", "IM", "AM", "ET", "OU"))
"""Words of two letters between two words of a description. In front of a tag the definite ones say that the plate is of
something else, which the thing with the tag has: VANNE DE LA POMPE P-101A."""
_POSITIONS = frozenset(("NO", "NC", "CSO", "CSC"))
_POSITIONS_OF_VALVES = _POSITIONS | frozenset(("LO", "LC", "FO", "FC"))
"""Normal positions of valves after their tags: normally open, locked closed. P-101A FC is a frequency converter."""
_FEEDING = (
    "ALIMENT", "EINGESPEIST", "EINSPEIS", "FED", "FEED", "FORSYN", "GESPEIST", "GEVOED", "MATAR", "MATAS", "MATER",
    "MATES", "MATET", "POWER", "SPEIST", "SUPPL", "VERSORG", "VOEDING", "ZASILA", "ZULEITUNG",
)  # fmt: skip
"""What words begin with that say from where, or to where, the thing of a plate is fed."""
_MEDIA = ("AIR", "GAS", "OIL", "STEAM", "STOCK", "WATER")
_OF_FEEDS = frozenset(("MAIN", "NORMAL", "STANDBY", "EMERGENCY", "ELECTRIC", "ELECTRICAL", "UPS"))
"""Words before FED and SUPPLY that leave it the feed of the thing; COOLING WATER SUPPLY is a pipe."""
_OF_SWITCHGEAR = frozenset(("BREAKER", "BUCKET", "CELL", "COMPARTMENT", "CUBICLE", "DRAWER", "FEEDER", "KURS"))
"""What a number below FED FROM MCC-12 is of: CUBICLE 4."""
_SWITCHES = frozenset(("BRYTARE", "BRYTER", "INTERRUPTEUR", "INTERRUPTOR", "SCHAKELAAR", "SCHALTER", "SWITCH"))
"""On a plate with FED FROM MCC-12 what stands between the two; elsewhere also an instrument: LEVEL SWITCH."""
_MARKS = frozenset(("CE", "EX", "UL", "CSA", "KW", "KV", "VA", "KVA", "HZ", "KG", "MM", "BAR", "RPM", "IP"))
"""Marks and units, which are no end of a tag."""


class PlateWords:
    """What the words beside a tag of a list say about it.

    A text is given as the words of its `lines`; `word_keys` are the keys of them all, and `tag` is the range of a tag.
    """

    def __init__(self, index: TagIndex) -> None:
        self._index = index
        self._pointing = frozenset(map(key, index.settings.pointing_words))
        self._fields = frozenset(map(key, index.settings.field_words))

    def is_description(self, text: str) -> bool:
        """Return whether all words of a text are descriptions, which neither belong to a tag nor name a field."""
        words = list(map(self._index.key, tokens(text)))
        fields = self._fields - _CONNECTIONS if len(words) > 1 else self._fields
        return all(map(self._is_label, words)) and fields.isdisjoint(words)

    def points(self, text: str) -> bool:
        """Return whether a word or arrow of a text refers to another thing than the one that it stands on."""
        return has_arrow(text) or self.refers(text)

    def refers(self, text: str) -> bool:
        """Return whether a word of a text refers to another thing."""
        return any(self._index.key(word) in self._pointing for word in tokens(text))

    def feeds(self, text: str) -> bool:
        """Return whether a text says what feeds, or is fed by, the thing that it stands on: FED FROM, FEED TO.

        Not what a cable or a pipe says: SUPPLY CABLE W-12, FEED GAS TO V-101.
        """
        words = list(map(self._index.key, tokens(text)))
        ends = self._pointing | (self._fields - _CONNECTIONS)
        said = [place for place, word in enumerate(words) if word in ends]
        if not said or any(map(is_of_feed, words)):
            return False
        is_fed = [word.startswith(_FEEDING) and not word.endswith(_MEDIA) for word in words]
        return any(is_fed) and all(
            fed or place in said or word in _OF_FEEDS or not word.isalpha()
            for place, (word, fed) in enumerate(zip(words[: said[-1]], is_fed, strict=False))
        )

    def is_of_switchgear(self, text: str) -> bool:
        """Return whether a text numbers what feeds a thing: CUBICLE 4, FEEDER 12A."""
        return has_digit(text) and not _OF_SWITCHGEAR.isdisjoint(map(self._index.key, tokens(text)))

    def has_part_of_feed(self, text: str) -> bool:
        """Return whether a text names what stands between a feed and the thing: MOTOR ISOLATOR, POWER CABLE."""
        return any(is_of_feed(self._index.key(word)) for word in tokens(text))

    def is_switch(self, text: str) -> bool:
        """Return whether a text names a switch: MAIN SWITCH."""
        return any(self._index.key(word) in _SWITCHES for word in tokens(text)[-1:])

    def may_be_end(self, text: str) -> bool:
        """Return whether a text is a few characters, descriptions apart, that may be a prefix or suffix: UNIT 22, B."""
        words = [word for word in map(self._index.key, tokens(text)) if word]
        rest = [word for word in words if not self._is_label(word)]
        if len(rest) != 1 or len(rest[0]) > _MAX_END or rest[0] in _MARKS:
            return False
        return not rest[0].isdigit() or len(words) > 1  # 45 alone is a value

    def are_of_another(self, lines: Sequence[Sequence[str]], word_keys: Sequence[str], tag: range) -> bool:
        """Return whether words say that the tag is of another thing: FEED TO, MODEL NO., CABLE."""
        begins = set(accumulate(map(len, lines), initial=0))
        first, end = tag.start, tag.stop
        before = first - 1
        if first and word_keys[before] in _NAMEPLATE - {"EX"}:
            return True
        if first and word_keys[before] in _NUMBER:
            before -= 1
            if before >= 0 and word_keys[before] not in _OF_TAGS:
                return True
        letters = _LETTERS.search("".join(word_keys[first:end]))
        fields = self._fields if letters and len(letters[0]) == 1 else self._fields - _CONNECTIONS
        if before >= 0 and word_keys[before] in fields:
            word = word_keys[before]
            is_described = word in _PLACES or (word in _CONNECTIONS and first in begins)
            if before in begins or not is_described:
                return True
        line = range(max(begin for begin in begins if begin <= first), min(begin for begin in begins if begin >= end))
        if not fields.isdisjoint(_PARTS.intersection([*word_keys[line.start : first], *word_keys[end : line.stop]])):
            return True  # DISCONNECT SWITCH P-101A
        after = word_keys[end] if end + 1 in begins else ""
        if after in fields and (end not in begins or after in _CONNECTIONS | _PARTS):
            return True
        return any(word in self._pointing for word in (*word_keys[:first], *word_keys[end:]))

    def name_part_beside(self, lines: Sequence[Sequence[str]], word_keys: Sequence[str], tag: range) -> bool:
        """Return whether the words of the tag's line name a part of the thing that has the tag."""
        begins = list(accumulate(map(len, lines), initial=0))
        begin, end = max(at for at in begins if at <= tag.start), min(at for at in begins if at >= tag.stop)
        judge = Judge("".join(word_keys[tag.start : tag.stop]))
        sides = (word_keys[begin : tag.start], word_keys[tag.stop : end])
        return judge.names_part(*([self._described(side)] for side in sides))

    def name_part(self, tag: str, above: Sequence[str], beside: Sequence[str], below: Sequence[str]) -> bool:
        """Return whether lines above or below a tag, `beside` which stands the rest of its own, name a part of it."""
        sides = ([phrase for text in texts for phrase in self._phrases(text)] for texts in (above, beside, below))
        return Judge(self._index.key(tag)).names_part(*sides)

    def _phrases(self, text: str) -> list[list[str]]:
        """Return the descriptions of a text, that before a comma last: PUMP, OIL TANK says OIL TANK PUMP.

        Of one before a dash that holds for a part: MOTOR - FEED PUMP, but FEED PUMP - STRAINER.
        """
        sign = _APART.search(text)
        if sign is None:
            return [self._described(map(self._index.key, tokens(text)))]
        texts = (text[: sign.start()], text[sign.end() :])
        head, rest = (self._described(map(self._index.key, tokens(each))) for each in texts)
        is_of_part, has_part = (bool(words) and is_part(words[-1]) for words in (head, rest))
        return [rest, head] if is_of_part or (sign[0] == "," and not has_part) else [head, rest]

    def _described(self, word_keys: Iterable[str]) -> list[str]:
        """Return the words of a description; not those that say that a tag follows, nor units."""
        aside = _OF_TAGS | _NUMBER | _MARKS
        return [word for word in word_keys if len(word) >= _MIN_LABEL and word.isalpha() and word not in aside]

    def have_leftover(
        self, lines: Sequence[Sequence[str]], word_keys: Sequence[str], tag: range, covered: set[int]
    ) -> bool:
        """Return whether a token beside the tag may belong to it.

        A word may be the begin of a longer one: COM P-1195 where the list has other tags with COMP. `covered` are the
        places of all words of tags.
        """
        first, end = tag.start, tag.stop
        words = [word for line in lines for word in line]
        if first and self._index.begins_with(word_keys[first - 1] + leading_letters(word_keys[first])):
            return True
        suffix = word_keys[end - 1][-1]  # SEAL OIL PUMP B beside P-7081B says the same letter again
        left = {
            place
            for place, word in enumerate(word_keys)
            if place not in covered and not self._is_label(word) and not (place and word == suffix and word.isalpha())
        }
        if first and word_keys[first - 1] in _NUMBER:
            left.discard(first - 1)
        if not left:
            return False
        left -= self._of_nameplate(lines, word_keys, covered)
        left -= {end + place for place in values(words[end:], word_keys[end:])}
        letters = _LETTERS.search("".join(word_keys[first:end]))
        positions = _POSITIONS_OF_VALVES if letters and "V" in letters[0] else _POSITIONS
        return not all(
            (place >= end and (word_keys[place] in positions or self._is_mark(words, word_keys, place, end)))
            or (self._links_labels(word_keys, place) and (place >= end or word_keys[place] not in _DEFINITE))
            for place in left
        )

    def _links_labels(self, word_keys: Sequence[str], place: int) -> bool:
        """Return whether a word stands between two words of a description: POMPE DE CHARGE."""
        beside = (*word_keys[place - 1 : place], *word_keys[place + 1 : place + 2])
        return (
            len(beside) == 2
            and word_keys[place] in _LINKING
            and all(self._is_label(each) or each in _LINKING for each in beside)
        )

    def _of_nameplate(self, lines: Sequence[Sequence[str]], word_keys: Sequence[str], covered: set[int]) -> set[int]:
        """Return the words from a field of a nameplate to the end of its line: TYPE 4414, S/N 18F204, YEAR 2019.

        None in front of a tag in its line: there it may be a part of it.
        """
        found: set[int] = set()
        begin = 0
        for line in lines:
            end = begin + len(line)
            tag = max((place for place in covered if begin <= place < end), default=begin - 1)
            field = next((place for place in range(tag + 1, end) if word_keys[place] in _NAMEPLATE), end)
            found.update(range(field, end))
            begin = end
        return found

    def _is_mark(self, words: Sequence[str], word_keys: Sequence[str], place: int, end: int) -> bool:
        """Return whether a word after a tag, which ends before `end`, is a part of a designation: IP66, DN 50."""
        pairs = [slice(place, place + 1), slice(place, place + 2), slice(max(place - 1, end), place + 1)]
        return any(self._index.is_designation(" ".join(words[pair]), "".join(word_keys[pair])) for pair in pairs)

    def _is_label(self, word_key: str) -> bool:
        """Return whether a word is a description, which neither refers elsewhere nor may be a part of a tag."""
        return (
            len(word_key) >= _MIN_LABEL
            and word_key.isalpha()
            and not is_count(word_key)
            and word_key not in self._pointing
            and (is_thing(word_key) or not self._index.has_letters(word_key))
        )
