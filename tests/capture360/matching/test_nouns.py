"""Nouns of a plate: the thing that has the tag, or a part of it."""

from __future__ import annotations

import pytest

from capture360.matching.policy import score_matches
from capture360.model import Asset, Detection

PLATE = ((0.1, 0.3), (0.9, 0.3), (0.9, 0.6), (0.1, 0.6))


def status(tag: str, *lines: str, plate: bool = True) -> str | None:
    """The status of a tag on a plate of these lines, which is seen as a whole or not at all."""
    read = []
    for row, text in enumerate(lines):
        y = 0.35 + row * 0.025
        corners = ((0.2, y), (0.2 + 0.012 * len(text), y), (0.2 + 0.012 * len(text), y + 0.02), (0.2, y + 0.02))
        read.append(Detection("i", "front", text, 0.999, corners, PLATE if plate else None, plate or None))
    found = score_matches(read, [Asset(tag, tag, (tag,))])
    return next((each.match.status for each in found if each.match.asset is not None), None)


@pytest.mark.parametrize("plate", [True, False], ids=["plate", "no outline"])
@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("P-101A", "MOTOR"), ("P-101A", "PUMP MOTOR"), ("P-101A", "PUMPENMOTOR"), ("P-101A", "MOTEUR POMPE"),
        ("P-101A", "POMPA SILNIK"), ("P-101A", "BEARING HOUSING COOLING BOX"), ("P-101A", "LOCAL PANEL"),
        ("P-101A", "FEED TANK"), ("21-P-101A", "MOTOR"), ("20-PA-001A", "PUMPEMOTOR"), ("V-2001", "VALVE"),
        ("V-2001", "SIGHT GLASS"), ("H-201", "BR\N{LATIN CAPITAL LETTER U WITH CIRCUMFLEX}LEUR"),
        ("10LAC10AP001", "ANTRIEB"), ("10LBA10AA101", "STELLANTRIEB"), ("HV-1001", "ACTUATOR"), ("M-101A", "GEARBOX"),
        ("=J01 MDX10 GP001", "MOTOR"), ("Z-401", "VALVE"),
        ("P-101A", "DISCHARGE VALVE NORTH"), ("P-101A", "VALVE BODY"), ("P-101A", "GEARBOX OIL"), ("P-101A", "MOTORS"),
        ("P-101A", "VALVES"), ("P-101A", "SEAL POT LEVEL"), ("P-101A", "MECHANICAL SEAL SUPPORT"),
        ("M-101A", "BEARING HOUSING"), ("U12-P-101A", "MOTOR"), ("UNIT 12 P-101A", "MOTOR"), ("P-101A", "COOLER"),
        ("P-101A", "OIL FILTER"), ("K-501", "LUBE OIL PUMP"), ("K-501", "OIL COOLER"), ("V-2001", "BOTTOM PUMP"),
        ("R-770", "AGITATOR"), ("P-101A", "LOCAL CONTROL STATION"), ("P-101A", "PUMP CONTROL STATION"),
        ("PT-1001", "SIGNAL CABLE"), ("HV-1001", "LOCAL ISOLATOR"),
        ("GA-101A", "MOTOR"), ("CWP-1", "MOTOR"), ("DA-101", "MANWAY"), ("EA-2201", "CHANNEL NOZZLE"),
        ("A21-P-4402", "MECHANICAL SEAL FLUSH"), ("P-101A", "BASEPLATE"), ("GA-101A", "IMPELLER"),
        ("P-101A", "STOP"), ("P-101A", "EMERGENCY STOP"), ("P-101A", "START STOP"), ("HV-1001", "SOLENOID"),
        ("HV-1001", "ENDSCHALTER"), ("P-101A", "LCS"), ("P-101A", "EARTH"), ("P-101A", "THERMOSTAT"),
    ],
)  # fmt: skip
def test_a_part_is_not_the_thing_that_has_the_tag(tag: str, words: str, plate: bool) -> None:
    lines = ((f"{words} {tag}",), (f"{tag} {words}",), (words, tag), (tag, words), ("SEAL OIL", words, tag))
    assert {status(tag, *each, plate=plate) for each in lines} == {"suggested"}


@pytest.mark.parametrize("plate", [True, False], ids=["plate", "no outline"])
@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("M-101A", "MOTOR"), ("EM-101A", "MOTOR"), ("M-101A", "FEED PUMP"), ("M-101A", "FEED PUMP MOTOR"),
        ("P-101A", "BOILER FEED PUMP"), ("P-101A", "BOILER FEED"), ("P-101A", "POMPE DE CHARGE"),
        ("P-101A", "BOMBA DE CALDERA"), ("P-101A", "MOTOR COOLING PUMP"), ("V-2001", "FLASH DRUM"),
        ("R-770", "REGENERATOR"), ("HV-1001", "PUMP SUCTION VALVE"), ("PT-1001", "PUMP DISCHARGE"),
        ("10LAC10AP001", "SPEISEWASSERPUMPE"), ("10LBA10AA101", "SCHIEBER"), ("10LAC10CP001", "PUMPE"),
        ("=J01 MDX10 GP001", "HYDRAULIKPUMPE"), ("=G001 MDK10", "GEARBOX"), ("Z-401", "TANK"),
        ("K-101", "KOLONNE"), ("K-101", "COLUMN"), ("V-101", "VERDICHTER"), ("V-101", "VENTILATOR"),
        ("V-101", "VAKUUMPUMPE"), ("R-101", "RUHRWERK"), ("D-101", "DAMPFKESSEL"), ("A-101", "AIR COOLER"),
        ("AC-101", "AIR COMPRESSOR"), ("G-101A", "FEED PUMP"), ("X-101", "FILTER"), ("F-101", "FLASH DRUM"),
        ("C-101", "CHILLER"), ("E-101", "STEAM GENERATOR"), ("B-101", "STEAM GENERATOR"), ("B-101A", "BOMBA DE CARGA"),
        ("X-101", "INJECTION SKID"), ("R-101", "REACTOR GLASS LINED"), ("P-101A", "PUMP BOILER FEED"),
        ("P-101A", "SEAL OIL"), ("K-501", "SEAL GAS"), ("P-101A", "PUMPS"), ("U12-P-101A", "FEED PUMP"),
        ("GA-101A", "FEED PUMP"), ("CWP-1", "COOLING WATER PUMP"), ("DA-101", "STRIPPER COLUMN"),
        ("A21-P-4402", "LEAN AMINE"), ("V-2001", "INLET SEPARATOR"), ("DA-101", "INLET SCRUBBER"),
        ("PT-1001", "PUMP INLET"), ("HV-1001", "COOLER OUTLET"), ("EA-2201", "FEED COOLER"), ("FA-101", "FLASH DRUM"),
        ("GB-201", "GAS COMPRESSOR"), ("BA-101", "CHARGE FURNACE"), ("LSH-1001", "LEVEL SWITCH"),
        ("HV-1001", "STOP VALVE"), ("HV-1001", "SOLENOID VALVE"), ("ZSO-1001", "LIMIT SWITCH"),
        ("V-2001", "SAMPLE POT"), ("P-101A", "SAMPLE PUMP"),
    ],
)  # fmt: skip
def test_the_thing_itself_and_what_describes_an_instrument_is(tag: str, words: str, plate: bool) -> None:
    lines = ((f"{words} {tag}",), (words, tag), (tag, words))
    assert {status(tag, *each, plate=plate) for each in lines} == {"approved"}


def test_a_description_goes_over_several_lines() -> None:
    assert status("P-101A", "P-101A", "BOILER", "FEED PUMP") == "approved"
    assert status("P-101A", "P-101A", "FEED PUMP", "MOTOR") == "suggested"
    assert status("P-101A", "MOTOR", "FEED WATER", "P-101A", plate=False) == "suggested"
    assert status("P-101A", "P-101A", "BOILER", "FED FROM MCC-12") == "suggested"
    assert status("HV-1001", "HV-1001", "ACTUATOR SPACE") == "suggested"
    assert status("HV-1001", "LIMIT SWITCH", "HV-1001") == "suggested"


@pytest.mark.parametrize("plate", [True, False], ids=["plate", "no outline"])
@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("CHEMICAL INJECTION SKID", "P-101A", "INJECTION PUMP"), "approved"),
        (("STATFJORD PLATFORM", "P-101A", "SEAWATER LIFT PUMP"), "approved"),
        (("CHEMICAL INJECTION SKID", "PUMP P-101A"), "approved"),
        (("COMPRESSOR STATION", "K-501", "GAS COMPRESSOR"), "approved"),
        (("P-101A", "SUMP PUMP", "COOLING TOWER"), "approved"),
        (("P-101A", "TRANSFER PUMP", "PUMP STATION"), "approved"),
        (("P-101A", "PUMP, BOILER FEED"), "approved"),
        (("P-101A", "PUMP, LUBE OIL TANK"), "approved"),
        (("P-101A", "PUMP - COOLING TOWER"), "approved"),
        (("P-101A", "PUMP, COUPLING GUARD"), "suggested"),
        (("P-101A", "PUMP - SUCTION STRAINER"), "suggested"),
        (("P-101A", "MOTOR, FEED PUMP"), "suggested"),
        (("P-101A", "MOTOR - FEED PUMP"), "suggested"),
        (("MOTOR", "P-101A", "FEED PUMP"), "suggested"),
        (("SUCTION STRAINER", "P-101A", "FEED PUMP"), "suggested"),
        (("CHEMICAL INJECTION SKID", "P-101A"), "suggested"),
        (("COOLING TOWER", "P-101A"), "suggested"),
    ],
)
def test_a_line_that_names_the_thing_leaves_others_to_say_where_it_is(
    lines: tuple[str, ...], said: str, plate: bool
) -> None:
    (tag,) = {tag for tag in ("P-101A", "K-501") if any(tag in each for each in lines)}
    assert status(tag, *lines, plate=plate) == said
