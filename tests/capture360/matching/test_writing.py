"""Texts with the letters and digits of a tag that are yet no tag, or may be none, and those that are one."""

from __future__ import annotations

import pytest

from capture360.matching.policy import score_matches
from capture360.model import Asset, Detection
from capture360.settings.matching import MatchingSettings

POLYGON = ((0.4, 0.4), (0.6, 0.4), (0.6, 0.43), (0.4, 0.43))


def status(text: str, *tags: str) -> str:
    """The status of the first tag for a line that was read well."""
    assets = [Asset(tag, tag, (tag,)) for tag in tags]
    matches = [each.match for each in score_matches([Detection("i", "front", text, 0.99, POLYGON)], assets)]
    return {match.asset.name: match.status for match in matches if match.asset is not None}.get(tags[0], "none")


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("Pt100", "PT-100"), ("PT 100", "PT-100"), ("TYPE PT100", "PT-100"), ("PT1000", "PT-1000"), ("IP65", "IP-65"),
        ("A105", "A-105"), ("CL150", "CL-150"), ("RS 485", "RS-485"), ("mV 1000", "MV-1000"), ("kV 1000", "KV-1000"),
        ("Pt-2019", "PT-2019"),
    ],
)  # fmt: skip
def test_designations_of_nameplates_are_for_a_person(text: str, tag: str) -> None:
    assert status(text, tag) == "suggested"


@pytest.mark.parametrize("tag", ["MV-1001", "SS-101", "EN-205", "CAT-6"])
def test_what_looks_like_a_designation_of_another_number_is_a_tag(tag: str) -> None:
    assert status(tag.replace("-", " "), tag) == "approved"


def test_a_designation_is_for_a_person_where_the_list_writes_it_so() -> None:
    assert status("PT100", "PT100") == "suggested"


@pytest.mark.parametrize("text", ["PT-100", "pt-100", "PT-100 PRESSURE TRANSMITTER"])
def test_a_tag_that_is_written_as_one_is_no_designation(text: str) -> None:
    assert status(text, "PT-100") == "approved"


@pytest.mark.parametrize(
    "text",
    [
        "\N{RIGHTWARDS ARROW} P-101A", "> P-101A", "-> P-101A", "P-101A >>",
        "COOLING WATER \N{RIGHTWARDS ARROW} P-101A",
        "\N{BLACK RIGHT-POINTING TRIANGLE} P-101A", "MODEL P-101A", "SERIAL NO. P-101A", "DRAWING P-101A",
        "ROOM P-101A", "OLD P-101A", "P-101A (OLD)", "FORMERLY P-101A", "FUTURE P-101A", "STARTER P-101A",
        "F\N{LATIN CAPITAL LETTER U WITH DIAERESIS}R P-101A", "FED FROM P-101A", "FEED-TO P-101A", "-P101A", "+P101A",
        "ORDER NO. P-101A", "PART NO. P-101A", "SERIAL NUMBER P-101A", "MODEL CODE P-101A", "EMERGENCY STOP P-101A",
        "CABLE P-101A", "P-101A SUCTION", "P-101A STARTER", "P-101A\nVFD", "RETURN P-101A", "SUCTION\nP-101A",
        "DISCONNECT SWITCH P-101A", "P-101A FC", "P-101A LO PUMP", "S/N\nP-101A", "P-101A 01M",
        "VANNE DE REFOULEMENT DE LA POMPE P-101A", "CAPTEUR DU REACTEUR P-101A",
        "SERIAL NO.\nP-101A", "N\N{LATIN CAPITAL LETTER O WITH STROKE}DSTOPP P-101A", "NOT-AUS P-101A", "A P-101A",
        "DE P-101A", "ARR\N{LATIN CAPITAL LETTER E WITH CIRCUMFLEX}T D'URGENCE P-101A", "45 kW P-101A", "TYPE B P-101A",
        "HAND OFF AUTO\nP-101A", "P-101A 4", "P-101A X1 45 kW",
        "P-101A-", "P-101A/", "P-101A...", "COOLING WATER > P-101A", "P-101A III", "P-101A ABC",
    ],
)  # fmt: skip
def test_what_says_that_the_plate_is_of_another_thing_is_for_a_person(text: str) -> None:
    assert status(text, "P-101A") == "suggested"


@pytest.mark.parametrize(
    "words",
    [
        "POWERED BY", "GESPEIST VON", "ZULEITUNG", "ALIMENTÉ PAR", "ALIMENTEE PAR", "VOIR", "À CÔTÉ DE", "MATET FRA",
        "FORSYNES FRA", "MATAS FRÅN", "ALIMENTADO POR", "VER", "VÉASE", "ALIMENTATO DA", "VERSO", "VEDI", "NAAR",
        "GEVOED DOOR", "VANUIT", "ATÉ", "VEJA", "ZASILANIE Z", "ZASILANY Z", "PATRZ", "SE",
    ],
)  # fmt: skip
@pytest.mark.parametrize("between", [" ", "\n"])
def test_words_of_many_languages_point_to_another_thing(words: str, between: str) -> None:
    assert status(f"{words}{between}MCC-12", "MCC-12") == "suggested"


@pytest.mark.parametrize(
    "text",
    [
        "TAG NO. P-101A", "ITEM NO. P-101A", "No. P-101A", "ID: P-101A", "PUMP P-101A", "=P101A", "P-101A PUMP TYPE",
        "FEED WATER PUMP P-101A",
        "P-101A 45 kW", "P-101A\n690V 50Hz", "P-101A 0-16 bar", "P-101A 5,5 kW", "P-101A\n50 m3/h", "P-101A NO",
        "P-101A -20\N{DEGREE SIGN}C", "P-101A DN50 PN16", "P-101A DN 50", "P-101A\nIP66", "P-101A\nCL 300", "P-101A NC",
        "P-101A\n12.05.2025",
        "P-101A\nS/N 18F204", "SERIAL NO. 123456\nP-101A", "TYPE 4414\nTAG P-101A\nSET 10 BARG", "P-101A\nEx e IIC T6",
        "P-101A\nPOMPE DE CHARGE", "P-101A POMPE DE LA CHARGE", "POMPE DE CHARGE P-101A",
        "GLYCOL RETURN\nP-101A", "K\N{LATIN CAPITAL LETTER O WITH STROKE}LEMIDDEL P-101A",
        "TAG NUMBER P-101A", "CONTROL ROOM P-101A", "HYDRANT P-101A",
    ],
)  # fmt: skip
def test_words_that_name_the_tag_do_not_keep_it_from_approval(text: str) -> None:
    assert status(text, "P-101A") == "approved"


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("21-PT-1g1A", ("21-PT-161A",)), ("21-PT-1q1A", ("21-PT-101A",)), ("P-10b", ("P-10B", "P-106")),
        ("DB-1B-02", ("DB-18-02",)), ("DB1B02", ("DB-18-02",)), ("10 MAY 20", ("10MAY20",)),
        ("V\N{LATIN CAPITAL LETTER A WITH DIAERESIS}-1101", ("VA-1101",)),
        ("\N{GREEK CAPITAL LETTER PI}-1181", ("T-1181",)), ("=A1+K2", ("=A1-K2",)),
        ("\N{CYRILLIC CAPITAL LETTER ER}-101", ("P-101",)), ("P-101", ("\N{CYRILLIC CAPITAL LETTER ER}-101",)),
        ("PUMP \N{GREEK CAPITAL LETTER KAPPA}-101", ("K-101",)),
        ("+MDK50", ("=MDK50",)), ("PUMP 21-LIC-2S9B1", ("21-LIC-25981",)),
    ],
)  # fmt: skip
def test_small_letters_and_signs_that_may_be_of_another_tag_are_for_a_person(text: str, tags: tuple[str, ...]) -> None:
    assert status(text, *tags) == "suggested"


@pytest.mark.parametrize("text", ["P 101 C", "P 101\nC", "P 101 M", "FEED WATER PUMP\nP 101 L", "P 101 M2"])
def test_the_number_of_a_tag_is_not_that_of_a_unit(text: str) -> None:
    assert status(text, "P-101") == "suggested"


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("SOV 1234\nINLET VALVE", "SOV-1234"), ("VFD 101 DRIVE", "VFD-101"), ("TO 101 PUMP", "TO-101"),
        ("XV-101 FC", "XV-101"), ("HV-101\nLO", "HV-101"), ("V-101A SUCTION DRUM", "V-101A"),
        ("CLOSED DRAIN TANK T-101A", "T-101A"), ("JUNCTION BOX JB-101A", "JB-101A"), ("STOP VALVE HV-101", "HV-101"),
        ("OUTSIDE AIR FAN K-101A", "K-101A"), ("START-UP HEATER H-101A", "H-101A"),
    ],
)  # fmt: skip
def test_the_words_of_the_tag_itself_say_nothing_of_another_thing(text: str, tag: str) -> None:
    assert status(text, tag) == "approved"


def test_letters_of_the_same_alphabet_are_those_of_the_tag() -> None:
    tag = "\N{CYRILLIC CAPITAL LETTER TSE}\N{CYRILLIC CAPITAL LETTER ER}-101"
    assert status(tag.lower(), tag) == "approved"


def test_a_small_suffix_is_one_where_no_digit_is_meant() -> None:
    assert status("P-10b", "P-10B", "P-10A") == "approved"


def test_the_characters_of_a_text_count_before_its_zeros_are_removed() -> None:
    assets = [Asset("P-1", "P-1", ("P-1",))]
    settings = MatchingSettings(remove_leading_zeros=True)
    (found,) = score_matches([Detection("i", "front", "P-001", 0.999, POLYGON)], assets, settings)
    assert found.match.status == "approved"


def test_one_of_two_equal_letters_that_a_whole_plate_lacks_may_be_unread() -> None:
    plate = ((0.35, 0.35), (0.65, 0.35), (0.65, 0.5), (0.35, 0.5))
    assets = [Asset(tag, tag, (tag,)) for tag in ("T-1181", "TT-1181", "PT-1181")]
    (found,) = score_matches([Detection("i", "front", "T-1181", 0.999, POLYGON, plate, True)], assets)
    assert (found.match.status, found.match.asset) == ("suggested", assets[0])
