"""Nouns on plates: of which tags a thing is, and what is a part of one: MOTOR beside M-101A, and beside P-101A.

Only tags whose letters say what the thing is are judged. Those of instruments and valves have the names of other things
in their descriptions: PUMP DISCHARGE PRESSURE.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

_CODE = re.compile(r"[0-9]{0,3}([A-Z]{1,4})[0-9][0-9BDGIOQSZ]*[A-Z]{0,2}")
_CODE_IN_SYSTEM = re.compile(r"[A-Z]{2,3}[0-9]{2}([A-Z]{2})[0-9]{3}")
"""KKS and RDS-PP name the kind of a thing after its system: AP of 10LAC10AP001."""
_MIN_COMPOUND = 5
_MIN_BEFORE = 3  # REGENERATOR is no generator


@dataclass(frozen=True, slots=True)
class _Noun:
    codes: frozenset[str]
    leads: bool
    """Whether it stands before what describes it: POMPE DE CHARGE, but CHARGE PUMP."""
    is_part: bool = False
    is_of_feed: bool = False


_THINGS = (
    # nouns after what describes them | nouns before it | letters of tags
    ("POMP PUMP PUMPE", "BOMBA ELECTROBOMBA ELETTROPOMPA MOTOPOMPE POMPA POMPE", "AP GP P PA PB"),
    (
        "BLOWER COMPRESSOR FAN GEBLASE KOMPRESSOR VENTILATOR VERDICHTER VIFTE",
        "COMPRESOR COMPRESSEUR COMPRESSORE SOPLADOR SOUFFLANTE SPREZARKA VENTILADOR VENTILATEUR VENTILATORE WENTYLATOR",
        "AN B C F GQ K KA KB",
    ),
    (
        "ABSCHEIDER ABSORBER ACCUMULATOR BEHAELTER BEHALTER BEHOLDER COLUMN DEGASSER DRUM KOLONNE POT REACTOR REAKTOR "
        "RECEIVER SCRUBBER SEPARATOR SILO TANK TOWER UTSKILLER VAT VESSEL",
        "BALLON COLONNA COLONNE COLUMNA CUVE DEPOSITO REACTEUR RESERVOIR SEPARADOR SEPARATEUR SERBATOIO TANQUE VASO "
        "ZBIORNIK",
        "A B BB C CM D R S T TB TK V VA VB VD VG VK VL W",
    ),
    (
        "BOILER CHILLER CONDENSER COOLER ECONOMIZER ERHITZER EVAPORATOR EXCHANGER FURNACE HEATER KESSEL KJOLER KOELER "
        "KONDENSATOR KUEHLER KUHLER OFEN OVEN REBOILER VARMEVEKSLER WARMETAUSCHER",
        "CALDAIA CALDERA CALENTADOR CHAUDIERE CONDENSADOR CONDENSEUR ECHANGEUR ENFRIADOR FORNO FOUR HORNO "
        "INTERCAMBIADOR KOCIOL REFROIDISSEUR SCAMBIATORE TROCADOR WYMIENNIK",
        "AC AH B E EP EQ F H HA HB HE HX W",
    ),
    ("FILTER SIEB STRAINER", "FILTR FILTRE FILTRO", "AT F HQ S"),
    ("AGITATOR MIXER OMRORER RUHRER RUHRWERK", "AGITADOR AGITATEUR MESCOLATORE MIESZADLO", "A AM M X"),
    ("TURBIN TURBINE", "TURBINA", "G S T"),
    ("TRAFO TRANSFORMATOR TRANSFORMER", "TRANSFORMADOR TRANSFORMATEUR TRASFORMATORE", "E T TR"),
    ("GENERATOR", "GENERADOR GENERATEUR GENERATORE", "AG G"),
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
    "BEARING BOX BRENNER BURNER CABINET COUPLING CUBICLE DICHTUNG DUCT ENCLOSURE ENTLEERUNG FEEDER FLANGE FLANSCH "
    "FOUNDATION FUNDAMENT GASKET GAUGE GEAR GEARBOX GETRIEBE GIR GLASS GUARD HATCH HEIZUNG INDICATOR KASTEN KOBLING "
    "KUPPLUNG LADDER LAGER LINE MANHOLE MANWAY NOZZLE OVERFLOW PANEL PIPE PLATFORM POINT PROBE PUSHBUTTON ROHR "
    "SCHAUGLAS SCHRANK SEAL SENSOR SKAP SKID SOLENOID STATION STUTZEN SWITCH TAVLE THERMOWELL TRACING TRANSMITTER "
    "VENT",
    "ACCOUPLEMENT ACOPLAMIENTO ARMARIO ARMOIRE BRIDE BRUCIATORE BRULEUR CAJA CAPTEUR COFFRET CUADRO GARNITURE GIUNTO "
    "PALIER PANNEAU QUADRO QUEIMADOR QUEMADOR REDUCTEUR REDUCTOR RIDUTTORE SENSORE SPRZEGLO SZAFA TABLEAU TABLERO",
    "",
)
_OF_FEEDS = (
    "CABLE CONDUIT DISCONNECT FREKVENSOMFORMER FREQUENZUMRICHTER ISOLATOR KABEL REPARATURSCHALTER SERVICEBRYTER "
    "SIKKERHETSBRYTER SOV STARTER VFD VSD",
    "",
    "SOV VFD VSD W",
)
"""Parts of things of all kinds, instruments and valves too."""


def _nouns() -> Iterator[tuple[str, _Noun]]:
    for row in (*_THINGS, _DRIVES, _VALVES, _PARTS, _OF_FEEDS):
        codes = frozenset(row[2].split())
        for leads, words in enumerate(row[:2]):
            yield from (
                (word, _Noun(codes, bool(leads), row in (_PARTS, _OF_FEEDS), row is _OF_FEEDS))
                for word in words.split()
            )


_NOUNS = dict(_nouns())
_OF_THINGS = frozenset(code for _, _, codes in _THINGS for code in codes.split())
_OF_DRIVES = frozenset(_DRIVES[2].split())
_DRIVE_WORDS = frozenset(" ".join(_DRIVES[:2]).split())


def is_thing(word_key: str) -> bool:
    """Return whether a word names a kind of equipment, and no part of one."""
    return word_key in _NOUNS and not _NOUNS[word_key].is_part


def is_of_feed(word_key: str) -> bool:
    """Return whether a word names what stands between a feed and a thing, a valve's solenoid too."""
    found = _noun(word_key)
    return found is not None and found.is_of_feed


class Judge:
    """What nouns say about a tag, by its letters."""

    def __init__(self, tag_key: str) -> None:
        in_system = _CODE_IN_SYSTEM.search(tag_key)
        found = in_system or _CODE.fullmatch(tag_key)
        self._code = code = found[1] if found else ""
        self._is_valve = code == "AA" or (len(code) > 1 and code.endswith("V"))
        self._is_of_thing = code in _OF_THINGS or (len(code) == 1 and code not in _OF_DRIVES)

    def names_part(self, words: Sequence[str]) -> bool:
        """Return whether a description is of a part of the thing that has the tag, and not of the thing."""
        found = [(place, noun, self._is_own(noun)) for place, word in enumerate(words) if (noun := _noun(word))]
        own = [place for place, _, is_own in found if is_own]
        other = [place for place, _, is_own in found if is_own is False]
        if not other:
            return False
        if not own:  # BOILER FEED names none, and may be what a pump does
            leads = found[0][1].leads or words[0] in _DRIVE_WORDS
            return other[-1] == len(words) - 1 or (other[0] == 0 and leads)
        if any(words[place] in _DRIVE_WORDS and {place - 1, place + 1} & {*own} for place in other):
            return True  # PUMP MOTOR, and whatever MOTOR PUMP means
        if any(noun.leads for place, noun, _ in found if place == own[0]):
            return own[0] > other[0]
        return own[-1] < other[-1]

    def _is_own(self, noun: _Noun) -> bool | None:
        """Return whether a noun is what the tag is, None if it only describes it."""
        is_drive = noun.codes == _OF_DRIVES
        if noun.is_of_feed:
            return self._code in noun.codes
        if self._code in _OF_DRIVES:
            return is_drive or (False if noun.is_part else None)
        if self._is_valve:
            return False if is_drive else True if not noun.codes and not noun.is_part else None
        if not self._is_of_thing:
            return None
        is_thing = bool(noun.codes) and not is_drive
        return self._code in noun.codes or (is_thing and self._code not in _OF_THINGS)


@lru_cache(maxsize=4096)
def _noun(word: str) -> _Noun | None:
    """Return the noun that a word is or, as a compound, ends with: PUMPENMOTOR."""
    found = _NOUNS.get(word)
    if found is not None:
        return found
    return next(
        (_NOUNS[end] for at in range(_MIN_BEFORE, len(word) - _MIN_COMPOUND + 1) if (end := word[at:]) in _NOUNS), None
    )
