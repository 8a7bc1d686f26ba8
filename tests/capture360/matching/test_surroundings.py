"""What stands around a tag of one or two lines keeps it from approval, or does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from capture360.matching.policy import ScoredMatch, score_matches
from capture360.model import Asset, Detection

TAGS = ("21-PT-1019A", "10LAB11AP001", "P-7081", "JB-3001", "PT-1001", "PT-1002")
ASSETS = [Asset(tag, tag, (tag,)) for tag in TAGS]
PLATE = ((0.25, 0.3), (0.6, 0.3), (0.6, 0.6), (0.25, 0.6))


def line(text: str, row: float, *, x: float = 0.3, on: tuple[tuple[float, float], ...] | None = None) -> Detection:
    """A line of a face, `row` lines below the first, with the outline `on` of its plate if that is seen."""
    y = 0.35 + row * 0.025
    corners = ((x, y), (x + 0.012 * len(text), y), (x + 0.012 * len(text), y + 0.02), (x, y + 0.02))
    return Detection("image", "front", text, 0.99, corners, on)  # type: ignore[arg-type]  # a tuple of any length


def linked(scored: list[ScoredMatch]) -> dict[str, str]:
    return {each.match.asset.name: each.match.status for each in scored if each.match.asset is not None}


@pytest.mark.parametrize("outline", [None, PLATE], ids=["no outline", "on one plate"])
@pytest.mark.parametrize(
    ("lines", "tag"),
    [
        (("FEED TO", "21-PT", "1019A"), "21-PT-1019A"),
        (("SUPPLY FROM", "21-PT", "1019A"), "21-PT-1019A"),
        (("10LAB11", "AP001", "KP01"), "10LAB11AP001"),
        (("PT", "1001", "A"), "PT-1001"),
        (("22", "PT", "1001"), "PT-1001"),
    ],
)
def test_a_tag_of_two_lines_is_judged_by_a_third_line(
    lines: tuple[str, ...], tag: str, outline: tuple[tuple[float, float], ...] | None
) -> None:
    read = [line(text, row, on=outline) for row, text in enumerate(lines)]
    assert linked(score_matches(read, ASSETS)) == {tag: "suggested"}
    without = [each for each in read if each.text in ("21-PT", "1019A", "10LAB11", "AP001", "PT", "1001")]
    assert linked(score_matches(without, ASSETS)) == {tag: "approved"}


@pytest.mark.parametrize("outline", [None, PLATE], ids=["no outline", "on one plate"])
def test_a_tag_of_three_lines_is_linked(outline: tuple[tuple[float, float], ...] | None) -> None:
    read = [line(text, row, on=outline) for row, text in enumerate(("21", "PT", "1019A"))]
    assert linked(score_matches(read, ASSETS)) == {"21-PT-1019A": "approved"}
    more = [*read, line("B", 3, on=outline)]
    assert linked(score_matches(more, ASSETS)) == {"21-PT-1019A": "suggested"}
    upper, lower = (((0.2, top), (0.6, top), (0.6, end), (0.2, end)) for top, end in ((0.3, 0.372), (0.374, 0.6)))
    two_plates = [replace(each, outline=lower if row else upper, whole=True) for row, each in enumerate(read)]
    assert "approved" not in linked(score_matches(two_plates, ASSETS)).values()


def test_a_description_and_a_plate_beside_it_say_nothing_against_a_tag_of_two_lines() -> None:
    read = [line("GLYCOL PUMP", 0), line("21-PT", 1), line("1019A", 2)]
    assert linked(score_matches(read, ASSETS)) == {"21-PT-1019A": "approved"}
    below = [line("21-PT", 0), line("1019A", 1), line("PT", 2), line("1002", 3)]
    assert linked(score_matches(below, ASSETS)) == {"21-PT-1019A": "approved", "PT-1002": "approved"}


def test_two_tags_on_one_plate_are_for_a_person() -> None:
    box = [line("JB-3001", 0), line("PT-1001", 1)]
    assert set(linked(score_matches(box, ASSETS)).values()) == {"approved"}, "no plate is seen"
    on_one = [replace(each, outline=PLATE) for each in box]
    assert linked(score_matches(on_one, ASSETS)) == {"JB-3001": "suggested", "PT-1001": "suggested"}
    apart = [line("JB-3001", 0, on=PLATE), line("PT", 4, on=PLATE), line("1002", 5, on=PLATE)]
    assert linked(score_matches(apart, ASSETS)) == {"JB-3001": "suggested", "PT-1002": "suggested"}


def test_a_plate_on_a_panel_is_its_own() -> None:
    small = ((0.28, 0.44), (0.5, 0.44), (0.5, 0.49), (0.28, 0.49))
    read = [line("JB-3001", 0, on=PLATE), line("PT-1001", 4, on=small)]
    assert linked(score_matches(read, ASSETS)) == {"JB-3001": "approved", "PT-1001": "approved"}


@pytest.mark.parametrize(
    ("below", "status"),
    [
        ("B", "suggested"),
        ("UNIT 22", "suggested"),
        ("45 kW 400 V", "approved"),
        ("CE", "approved"),
        ("400", "approved"),
    ],
)
def test_what_may_be_an_end_of_the_tag_counts_anywhere_on_the_plate(below: str, status: str) -> None:
    read = [line("P-7081", 0, on=PLATE), line("SEAL OIL PUMP", 1, on=PLATE), line(below, 4, on=PLATE)]
    assert linked(score_matches(read, ASSETS)) == {"P-7081": status}


def test_a_description_may_say_the_suffix_of_the_tag_again() -> None:
    pump = [Asset("P-7082B", "P-7082B", ("P-7082B",))]
    read = [line("P-7082B", 0, on=PLATE), line("SEAL OIL PUMP B", 4, on=PLATE)]
    assert linked(score_matches(read, pump)) == {"P-7082B": "approved"}


def test_a_field_above_a_whole_plate_says_that_its_number_is_no_tag() -> None:
    read = [line("MODEL", 0, on=PLATE), replace(line("P-7081", 1, on=PLATE), whole=True)]
    assert linked(score_matches(read, ASSETS)) == {"P-7081": "suggested"}


FEEDS = [
    ("FED FROM JB-3001",),
    ("FED FROM", "JB-3001"),
    ("GESPEIST VON", "SCHALTANLAGE", "JB-3001"),
    ("FEED TO JB-3001",),
    ("ALIMENT\N{LATIN CAPITAL LETTER E WITH ACUTE} PAR JB-3001",),
    ("MATET FRA JB-3001",),
    ("SUPPLY: JB-3001",),
    ("FED FROM MCC-12",),  # which the list lacks
    ("FED FROM MCC-12", "CUBICLE 4"),
    ("400V MAIN POWER SUPPLY FROM MCC-12",),
    ("FED FROM", "MOTOR CONTROL CENTRE", "MCC-12"),
    ("FED FROM", "PT", "1001"),
]


@pytest.mark.parametrize("outline", [None, PLATE], ids=["no outline", "on one plate"])
@pytest.mark.parametrize("feed", FEEDS, ids=" ".join)
@pytest.mark.parametrize("own", [("P-7081",), ("21-PT", "1019A")], ids="-".join)
def test_what_feeds_a_thing_is_named_below_its_own_tag(
    own: tuple[str, ...], feed: tuple[str, ...], outline: tuple[tuple[float, float], ...] | None
) -> None:
    read = [line(text, row, on=outline) for row, text in enumerate((*own, *feed))]
    found = linked(score_matches(read, ASSETS))
    assert found.pop("-".join(own)) == "approved"
    assert "approved" not in found.values()


@pytest.mark.parametrize("feed", FEEDS, ids=" ".join)
def test_what_feeds_a_thing_is_for_a_person_above_a_tag_of_its_plate(feed: tuple[str, ...]) -> None:
    read = [line(text, row, on=PLATE) for row, text in enumerate((*feed, "P-7081"))]
    assert "approved" not in linked(score_matches(read, ASSETS)).values()


@pytest.mark.parametrize("lines", [("P-7081", "FED FROM"), ("P-7081", "TO JB-3001"), ("P-7081", "TO", "JB-3001")])
def test_what_feeds_nothing_and_where_a_pipe_goes_are_for_a_person(lines: tuple[str, ...]) -> None:
    read = [line(text, row, on=PLATE) for row, text in enumerate(lines)]
    assert "approved" not in linked(score_matches(read, ASSETS)).values()


@pytest.mark.parametrize("outline", [None, PLATE], ids=["no outline", "on one plate"])
@pytest.mark.parametrize("own", ["P-7081", "PT-1001"])
@pytest.mark.parametrize(
    "below",
    [
        ("FED FROM MCC-12", "ISOLATOR"), ("FED FROM MCC-12", "LOCAL ISOLATOR"), ("FED FROM MCC-12", "MOTOR ISOLATOR"),
        ("FED FROM", "MCC-12", "ISOLATOR 1"), ("FED FROM", "ISOLATOR", "MCC-12"), ("MATET FRA JB-3001", "STARTER"),
        ("MATET FRA JB-3001", "SIKKERHETSBRYTER"), ("POWER CABLE TO MCC-12",), ("SUPPLY CABLE W-12",),
        ("FED FROM MCC-12", "SWITCH"), ("MATET FRA MCC-12", "BRYTER"), ("GESPEIST VON MCC-12", "SCHALTER"),
        ("FED FROM MAIN SWITCHBOARD", "ISOLATOR"), ("POWER CABLE",), ("FEEDER CABLE",),
        ("COOLING WATER SUPPLY FROM CT-1",), ("FEED GAS TO V-102",), ("FEEDWATER TO V-102",),
        ("STEAM SUPPLY TO V-102",),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_part_of_the_feed_a_cable_and_a_pipe_are_for_a_person(
    own: str, below: tuple[str, ...], outline: tuple[tuple[float, float], ...] | None
) -> None:
    read = [line(text, row, on=outline) for row, text in enumerate((own, *below))]
    assert "approved" not in linked(score_matches(read, ASSETS)).values()


@pytest.mark.parametrize("outline", [None, PLATE], ids=["no outline", "on one plate"])
@pytest.mark.parametrize("part", ["MOTOR", "MOTOR 55 kW", "JUNCTION BOX", "JUNCTION BOX 3", "SUCTION VALVE"])
def test_a_part_of_a_thing_is_one_below_what_feeds_it(
    part: str, outline: tuple[tuple[float, float], ...] | None
) -> None:
    read = [line(text, row, on=outline) for row, text in enumerate(("P-7081", "FED FROM MCC-12", part))]
    assert linked(score_matches(read, ASSETS)) == {"P-7081": "suggested"}
