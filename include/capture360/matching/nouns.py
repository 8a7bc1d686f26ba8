"""Nouns on plates: of which tags a thing is, and what is a part of one: MOTOR beside M-101A, and beside P-101A.

Only tags whose letters say what the thing is are judged. Those of instruments and valves have the names of other things
in their descriptions: PUMP DISCHARGE PRESSURE.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

_CODE = re.compile(r"[0-9]{0,3}([A-Z]{1,4})[0-9][0-9BDGIOQSZ]*[A-Z]{0,2}")
_CODE_IN_SYSTEM = re.compile(r"[A-Z]{2,3}[0-9]{2}([A-Z]{2})[0-9]{3}")
"""KKS and RDS-PP name the kind of a thing after its system: AP of 10LAC10AP001."""
_UNIT = re.compile(r"^(?:(?:U|UNIT|AREA)[0-9]{1,3}(?=[A-Z]{1,4}[0-9]{2})|[A-Z][0-9]{1,3}(?=[A-Z]{1,4}[0-9]{4}))")
"""What stands before the letters of a tag: U12-P-101A, A21-P-4402. A10-K245 is a relay in a cabinet (IEC 81346)."""
_MIN_COMPOUND = 5
_MIN_BEFORE = 3  # REGENERATOR is no generator


class _Role(Enum):
    THING = "a thing of its own"
    AUXILIARY = "a thing that larger ones have as a part"
    DRIVE = "what drives a thing"
    VALVE = "a valve"
    PART = "a part"
    PLACE = "a part, or where a thing is"
    OF_FEED = "between a feed or a person and things of all kinds, instruments and valves too"


@dataclass(frozen=True, slots=True)
class _Noun:
    codes: frozenset[str]
    leads: bool
    """Whether it stands before what describes it: POMPE DE CHARGE, but CHARGE PUMP."""
    role: _Role

    @property
    def is_part(self) -> bool:
        """Whether it is a part of whatever thing has the tag."""
        return self.role not in (_Role.THING, _Role.AUXILIARY)

    @property
    def is_never_a_place(self) -> bool:
        """Whether it is a part that says nothing of where the thing stands."""
        return self.is_part and self.role is not _Role.PLACE


_OF_PUMPS = frozenset(("AP", "BFP", "CEP", "CWP", "FWP", "GA", "GP", "P", "PA", "PB"))
"""Letters that mean one kind of thing everywhere. A K is a compressor, in Germany a column, a V a vessel or a fan."""
_THINGS = (
    # nouns after what describes them | nouns before it | letters of tags
    ("COMPRESSOR KOMPRESSOR VERDICHTER", "COMPRESOR COMPRESSEUR COMPRESSORE SPREZARKA", "AN B C F GB GQ K KA KB"),
    (
        "ABSORBER COLUMN DEGASSER KOLONNE REACTOR REAKTOR SCRUBBER TOWER",
        "COLONNA COLONNE COLUMNA REACTEUR",
        "B BB C CM D DA DC R S T TB TK V VA VB VD VG VK VL W",
    ),
    (
        "BOILER CHILLER FURNACE KESSEL OFEN OVEN",
        "CALDAIA CALDERA CHAUDIERE FORNO FOUR HORNO KOCIOL",
        "AC AH B BA E EP EQ F H HA HB HE HX W",
    ),
    ("GENERATOR", "GENERADOR GENERATEUR GENERATORE", "AG G"),
)
_AUXILIARIES = (
    ("POMP PUMP PUMPE", "ELETTROPOMPA MOTOPOMPE POMPA POMPE", "AP BFP CEP CWP FWP G GA GP P PA PB"),
    ("", "BOMBA ELECTROBOMBA", "AP B BFP CEP CWP FWP G GA GP P PA PB"),
    ("VACUUMPUMP VAKUUMPUMPE", "", "AP G GA GP P PA PB V"),
    (
        "BLOWER FAN VIFTE",
        "SOPLADOR SOUFFLANTE VENTILADOR VENTILATEUR VENTILATORE WENTYLATOR",
        "AN B C F GB GQ K KA KB",
    ),
    ("GEBLASE VENTILATOR", "", "AN B C F GQ K KA KB V"),
    (
        "ABSCHEIDER ACCUMULATOR BEHAELTER BEHALTER BEHOLDER DRUM POT RECEIVER SEPARATOR SILO TANK UTSKILLER VAT VESSEL",
        "BALLON CUVE DEPOSITO RESERVOIR SEPARADOR SEPARATEUR SERBATOIO TANQUE VASO ZBIORNIK",
        "B BB C CM D F FA FB R S T TB TK V VA VB VD VG VK VL W",
    ),
    (
        "CONDENSER COOLER ECONOMIZER ERHITZER EVAPORATOR EXCHANGER HEATER KJOLER KOELER KONDENSATOR KUEHLER KUHLER "
        "REBOILER VARMEVEKSLER WARMETAUSCHER",
        "CALENTADOR CONDENSADOR CONDENSEUR ECHANGEUR ENFRIADOR INTERCAMBIADOR REFROIDISSEUR SCAMBIATORE TROCADOR "
        "WYMIENNIK",
        "AC AH B E EA EC EP EQ F H HA HB HE HX W",
    ),
    ("FILTER SIEB STRAINER", "FILTR FILTRE FILTRO", "AT F HQ S"),
    ("AGITATOR MIXER OMRORER", "AGITADOR AGITATEUR MESCOLATORE MIESZADLO", "AM M"),
    ("RUHRER RUHRWERK", "", "AM M R"),
    ("TURBIN TURBINE", "TURBINA", "G S T"),
    ("TRAFO TRANSFORMATOR TRANSFORMER", "TRANSFORMADOR TRANSFORMATEUR TRASFORMATORE", "E T TR"),
)
_DRIVES = (
    "ACTUATOR ANTRIEB ELMOTOR MOTOR POSITIONER STELLANTRIEB",
    "ACTIONNEUR ACTUADOR MOTEUR MOTORE NAPED SILNIK",
    "EM M MA",
)
_VALVES = (
    "AFSLUITER ARMATUR HAHN KLAPPE KLEP SCHIEBER SPJELD VALVE VENTIL",
    "CLAPET ROBINET VALVOLA VALVULA VANNE ZAWOR",
    "",
)
_PARTS = (
    "BASEPLATE BEARING BOX BRENNER BUND BURNER CABINET COUPLING CUBICLE DICHTUNG DIKE DUCT EARTH ENCLOSURE "
    "ENTLEERUNG ERDE ERDUNG FEEDER FLANGE FLANSCH FOUNDATION FUNDAMENT GASKET GAUGE GEAR GEARBOX GETRIEBE GIR "
    "GLASS GUARD HATCH IMPELLER INDICATOR JORD KASTEN KOBLING KUPPLUNG LADDER LAGER LAUFRAD LUG MANHOLE MANWAY "
    "NOZZLE OVERFLOW PANEL PIPE POINT PROBE PTO PUSHBUTTON ROHR SAMPLE SCAFFOLD SCHAUGLAS SCHRANK SEAL SENSOR SKAP "
    "STUTZEN SUPPORT SWITCH TAVLE THERMOSTAT THERMOWELL TRACING TRANSMITTER VENT",
    "ACCOUPLEMENT ACOPLAMIENTO ARMARIO ARMOIRE BRIDE BRUCIATORE BRULEUR CAJA CAPTEUR COFFRET CUADRO GARNITURE GIUNTO "
    "PALIER PANNEAU QUADRO QUEIMADOR QUEMADOR REDUCTEUR REDUCTOR RIDUTTORE SENSORE SPRZEGLO SZAFA TABLEAU TABLERO",
    "",
)
_PLACES = (("HEIZUNG LINE PLATFORM STATION", "", ""), ("SKID", "", "A U X Z"))
_OF_FEEDS = (
    "CABLE CONDUIT DISCONNECT EINDSCHAKELAAR ENDEBRYTER ENDSCHALTER FREKVENSOMFORMER FREQUENZUMRICHTER GRENSEBRYTER "
    "ISOLATOR KABEL LCP LCS NODSTOPP NOTAUS NOTHALT NOTSTOPP REPARATURSCHALTER SERVICEBRYTER SIKKERHETSBRYTER SOLENOID "
    "SOV START STARTER STOP VFD VSD",
    "LIMIT",  # of a limit switch
    "CG ES ESD GS HS LCP LCS LS PB SOV VFD VSD W XS ZL ZS ZSC ZSH ZSL ZSO ZT",
)
_SERVICES = frozenset(("SEAL OIL", "SEAL GAS", "SEAL WATER", "VENT GAS", "BURNER AIR", "GLASS LINED"))
"""A part and the word after it that name a service together: K-101 SEAL GAS is not the seal of K-101."""


def _nouns() -> Iterator[tuple[str, _Noun]]:
    of_roles = (
        (_Role.THING, _THINGS),
        (_Role.AUXILIARY, _AUXILIARIES),
        (_Role.DRIVE, (_DRIVES,)),
        (_Role.VALVE, (_VALVES,)),
        (_Role.PART, (_PARTS,)),
        (_Role.PLACE, _PLACES),
        (_Role.OF_FEED, (_OF_FEEDS,)),
    )
    for role, rows in of_roles:
        for after, before, letters in rows:
            codes = frozenset(letters.split())
            yield from ((word, _Noun(codes, False, role)) for word in after.split())
            yield from ((word, _Noun(codes, True, role)) for word in before.split())


_NOUNS = dict(_nouns())
_OF_THINGS = frozenset(code for _, _, codes in (*_THINGS, *_AUXILIARIES) for code in codes.split())
_OF_DRIVES = frozenset(_DRIVES[2].split())
_DRIVE_WORDS = frozenset(" ".join(_DRIVES[:2]).split())


def is_thing(word_key: str) -> bool:
    """Return whether a word names a kind of equipment, and no part of one."""
    found = _NOUNS.get(word_key)
    return found is not None and found.role not in (_Role.PART, _Role.PLACE, _Role.OF_FEED)


def is_of_feed(word_key: str) -> bool:
    """Return whether a word names what stands between a feed and a thing, a valve's solenoid and a button too."""
    found = _noun(word_key)
    return found is not None and found.role is _Role.OF_FEED


def is_part(word_key: str) -> bool:
    """Return whether a word names a part of a thing: a drive, a valve, a box."""
    found = _noun(word_key)
    return found is not None and found.is_never_a_place


class Judge:
    """What nouns say about a tag, by its letters."""

    def __init__(self, tag_key: str) -> None:
        in_system = _CODE_IN_SYSTEM.search(tag_key)
        found = in_system or _CODE.fullmatch(tag_key) or _CODE.fullmatch(_UNIT.sub("", tag_key))
        self._code = code = found[1] if found else ""
        self._is_valve = code == "AA" or (len(code) > 1 and code.endswith("V"))
        self._is_of_thing = code in _OF_THINGS or (len(code) == 1 and code not in _OF_DRIVES)

    def names_part(self, *sides: Sequence[Sequence[str]]) -> bool:
        """Return whether a description is of a part of the thing that has the tag, and not of the thing.

        Each side of the tag has phrases. Where one of them names the thing, others may say where it is, or what for:
        TRANSFER PUMP, COOLING TOWER; COMPRESSOR STATION above GAS COMPRESSOR.
        """
        is_named = any(self._names_part(phrase) is False for side in sides for phrase in side)
        return any(self._names_part([word for phrase in side for word in phrase], is_named) for side in sides)

    def _names_part(self, words: Sequence[str], is_named: bool = False) -> bool | None:
        """Return whether words are of a part, None if they name neither a part nor the thing."""
        found = [
            (place, noun, self._is_own(noun))
            for place, word in enumerate(words)
            if (noun := _noun(word)) and " ".join(words[place : place + 2]) not in _SERVICES
        ]
        own = [place for place, _, is_own in found if is_own]
        other = [
            (place, noun)
            for place, noun, is_own in found
            if is_own is False and not (is_named and noun.role in (_Role.THING, _Role.PLACE))
        ]
        if not other:
            return False if own else None
        last, noun = other[-1]
        is_last = last == len(words) - 1
        if not own:  # BOILER FEED names none, and may be what a pump does
            leads = other[0][0] == 0 and (found[0][1].leads or words[0] in _DRIVE_WORDS)
            is_judged = self._is_of_thing or self._code in _OF_DRIVES
            is_of_part = is_judged and all(noun.is_part or is_own is False for _, noun, is_own in found)
            return is_last or leads or (is_of_part and any(noun.is_never_a_place for _, noun in other)) or None
        if any(words[place] in _DRIVE_WORDS and {place - 1, place + 1} & {*own} for place, _ in other):
            return True  # PUMP MOTOR, and whatever MOTOR PUMP means
        if any(noun.leads for place, noun, _ in found if place == own[0]):
            return own[0] > other[0][0]
        return own[-1] < last and (is_last or noun.role is not _Role.THING)

    def _is_own(self, noun: _Noun) -> bool | None:
        """Return whether a noun is what the tag is, None if it only describes it."""
        if noun.role is _Role.OF_FEED:
            return self._code in noun.codes
        if self._code in _OF_DRIVES:
            return noun.role is _Role.DRIVE or (False if noun.role in (_Role.PART, _Role.PLACE) else None)
        if self._is_valve:
            return {_Role.DRIVE: False, _Role.VALVE: True}.get(noun.role)
        if not self._is_of_thing:
            return None
        if self._code in noun.codes or not (noun.is_part or self._code in _OF_THINGS):
            return True
        return None if noun.role is _Role.THING and self._code not in _OF_PUMPS else False


@lru_cache(maxsize=4096)
def _noun(word: str) -> _Noun | None:
    """Return the noun that a word is or, as a compound, ends with: PUMPENMOTOR, MOTORS."""
    for each in (word, word.removesuffix("S"), word.removesuffix("ES")):
        ends = (each, *(each[at:] for at in range(_MIN_BEFORE, len(each) - _MIN_COMPOUND + 1)))
        found = next((_NOUNS[end] for end in ends if end in _NOUNS), None)
        if found is not None:
            return found
    return None
