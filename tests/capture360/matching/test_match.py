"""The public matching: what links, what is a tie, what is nothing."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture360.matching import match
from capture360.matching.evidence import Evidence, EvidenceKind
from capture360.matching.index import TagIndex
from capture360.matching.matcher import Matcher
from capture360.settings.matching import MatchingSettings
from synthetic_tags import tag_plant

APPROVE = 0.995


def evidence(text: str, tags: list[str], **changes: object) -> Evidence:
    return Matcher(TagIndex(tags, settings=MatchingSettings.model_validate(changes))).read([text])[0]


@pytest.mark.parametrize("text", ["21-PT-1019A", "21 PT 1019A", "21.pt.1019a", "21–PT–1019A", "=21PT1019A"])
def test_spelling_does_not_matter(text: str) -> None:
    ((position, probability),) = match([text], ["21-PT-1018A", "21-PT-1019A", "21-PT-1019B"])
    assert position == 1
    assert probability >= APPROVE


@pytest.mark.parametrize("text", ["PUMP 21-PT-1019A", "21-PT-1019A FIRE WATER", "TAG: 21 PT 1019A", "21-PT\n1019A"])
def test_labels_and_lines_around_a_tag_do_not_matter(text: str) -> None:
    ((position, probability),) = match([text], ["21-PT-1019A", "21-PT-1019B"])
    assert position == 0
    assert probability >= APPROVE


def test_a_letter_within_a_number_is_undone_where_only_one_tag_looks_alike() -> None:
    ((position, probability),) = match(["LIC-2S91B"], ["LIC-2591B", "LIC-2591A"])
    assert position == 0
    assert probability >= APPROVE


@pytest.mark.parametrize(
    ("ghost", "tags"),
    [
        ("P-1018", ["P-101A", "P-101B"]),  # another class of pumps, with numbers of four digits
        ("P-1018", ["P-101A", "P-101B", "P-2000"]),
        ("P-101S", ["P-1015", "P-1016"]),  # the stand-by pump that the list lacks
        ("XV-309", ["XV-3O9", "XV-310"]),
        ("28-PT-1", ["2B-PT-1", "2C-PT-1"]),
        ("PUMP P-1018", ["P-101A", "P-101B"]),
    ],
)
def test_a_look_alike_that_may_be_a_tag_of_its_own_is_named_but_not_approved(ghost: str, tags: list[str]) -> None:
    ((position, probability),) = match([ghost], tags)
    assert position is not None
    assert 0.5 < probability < APPROVE


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("ß-10", ["SS-10", "B-10", "8-10"]),
        ("Pß-101", ["PSS-101", "PB-101"]),
        ("№-10", ["NO-10"]),
        ("Pª-10", ["PA-10"]),
        ("K-100℃", ["K-100C", "K-100"]),
    ],
)
def test_a_sign_that_only_unicode_takes_for_letters_is_no_exact_reading(text: str, tags: list[str]) -> None:
    assert all(probability < APPROVE for _, probability in match([text], tags))


@pytest.mark.parametrize(
    ("ghost", "tag"),
    [
        ("P10-179", "P101-79"),
        ("P1O-179", "P101-79"),
        ("+A1.01-K2", "+A10.1-K2"),
        ("HV-25 10", "HV-2510"),
        ("P10179", "P101-79"),  # may be P10-179
        ("A101K2", "+A10.1-K2"),
    ],
)
def test_a_text_divided_elsewhere_than_the_tag_is_not_approved(ghost: str, tag: str) -> None:
    assert evidence(ghost, [tag]) == Evidence(EvidenceKind.DIVIDED, 0)
    assert match([ghost], [tag])[0][1] < APPROVE


@pytest.mark.parametrize("text", ["P101.79", "P-101-79", "P 101 79"])
def test_which_signs_divide_digits_and_what_stands_between_letter_and_digit_does_not_matter(text: str) -> None:
    assert evidence(text, ["P101-79"]).kind is EvidenceKind.EXACT


@pytest.mark.parametrize(
    "text",
    [
        "FEED TO P-101A",
        "from P-101A",
        "P-101A REMOVED",
        "DO NOT START WHEN P-101A IS RUNNING",
        "P-101A AB",
        "P-101A II",
        "INTERLOCKED WITH P-101A",
        "INTO P-101A",
        "ISOLATES P-101A",
        "SUPPLY P-101A",
    ],
)
def test_words_that_point_to_a_tag_or_may_be_a_suffix_keep_it_from_approval(text: str) -> None:
    assert evidence(text, ["P-101A"]).kind is EvidenceKind.LEFTOVER
    assert evidence("FEED TO P-101A", ["P-101A"], pointing_words=()).kind is EvidenceKind.LEFTOVER  # TO is too short
    assert evidence("RUMO BOMBA P-101A", ["P-101A"], pointing_words=("rumo",)).kind is EvidenceKind.LEFTOVER
    assert evidence("RUMO BOMBA P-101A", ["P-101A"]).kind is EvidenceKind.WINDOW


def test_a_word_that_is_the_begin_of_a_code_of_the_list_is_no_label() -> None:
    tags = ["P-1195", "COMP-1190"]
    assert evidence("COM P-1195", tags) == Evidence(EvidenceKind.LEFTOVER, 0)
    assert evidence("COM P-1195", ["P-1195"]).kind is EvidenceKind.WINDOW
    assert evidence("PUMP P-1195", tags).kind is EvidenceKind.WINDOW


@pytest.mark.parametrize("other", ["PSV-2001", "21-PSV-2001", "21PSV2001"])
def test_the_letters_of_another_tag_are_no_label(other: str) -> None:
    assert evidence("PSV P-101A", ["P-101A", other]) == Evidence(EvidenceKind.LEFTOVER, 0)
    assert evidence("PSV P-101A", ["P-101A"]).kind is EvidenceKind.WINDOW
    assert evidence("PUMP P-101A", ["P-101A", "PUMP-2001"]).kind is EvidenceKind.WINDOW


def test_a_description_may_repeat_the_letter_of_a_sibling() -> None:
    tags = ["P-7081A", "P-7081B"]
    assert evidence("P-7081B\nSEAL OIL PUMP B", tags) == Evidence(EvidenceKind.WINDOW, 1)
    assert evidence("P-7081B\nSEAL OIL PUMP A", tags) == Evidence(EvidenceKind.LEFTOVER, 1)
    assert evidence("P-7081 1", ["P-7081"]).kind is EvidenceKind.LEFTOVER


def test_a_misread_letter_of_a_known_shape_may_be_another_tag_in_every_script() -> None:
    tags = ["LIC-25918", "LIC-2S000"]
    assert evidence("LIC-2S918", tags).kind is EvidenceKind.FOLD_OWN
    assert evidence("LIC-2S918", [*tags, "ЦЖ-101"]).kind is EvidenceKind.FOLD_OWN
    assert evidence("ЦЖ-1O1", [*tags, "ЦЖ-101"]) == Evidence(EvidenceKind.FOLD_1, 2)


def test_a_misread_letter_is_not_undone_where_two_tags_look_alike() -> None:
    assert evidence("LIC-25918", ["LIC-2591B", "LIC-25918"]).kind is EvidenceKind.LOOK_ALIKE
    assert evidence("L1C-2591O", ["LIC-2591D", "LIC-25910"]) == Evidence(EvidenceKind.LOOK_ALIKE_TIE, None, (1, 0))


@pytest.mark.parametrize("text", ["10-O1", "10-01", "1O-O1"])
def test_siblings_that_differ_in_o_and_zero_are_never_approved(text: str) -> None:
    ((_, probability),) = match([text], ["10-O1", "10-01"])
    assert probability < APPROVE


@pytest.mark.parametrize("ghost", ["21-PT-1019D", "21-PT-1010A", "23-PT-1019A", "21-TT-1019A"])
def test_a_plate_whose_tag_is_not_in_the_list_is_never_approved(ghost: str) -> None:
    ((_, probability),) = match([ghost], ["21-PT-1019A", "21-PT-1019B", "21-PT-1018A", "21-FT-1019A"])
    assert probability < APPROVE


def test_two_equally_near_tags_name_none() -> None:
    assert match(["21-PT-1019"], ["21-PT-1019A", "21-PT-1019B"]) == [(None, 0.0)]
    assert evidence("21-PT-1019C", ["21-PT-1019A", "21-PT-1019B"]).kind is EvidenceKind.EDIT_TIE
    assert match(["PT-1019"], ["21-PT-1019", "22-PT-1019"]) == [(None, 0.0)]


@pytest.mark.parametrize("tags", [["P-101A", "P-101A"], ["P-101A", "P101A"], ["P-101A", "p.101a"]])
def test_ambiguous_tags_name_none(tags: list[str]) -> None:
    assert match(["P-101A"], tags) == [(None, 0.0)]
    assert evidence("P-101A", tags).candidates == (0, 1)


def test_two_tags_of_one_owner_are_not_ambiguous() -> None:
    index = TagIndex(["P-101A", "P101A", "P-101B"], owners=[7, 7, 8])
    assert Matcher(index).read(["P 101A"]) == [Evidence(EvidenceKind.EXACT, 7)]


def test_two_look_alike_spellings_of_one_owner_name_it() -> None:
    index = TagIndex(["P-101B", "P-1018"], owners=[7, 7])
    assert Matcher(index).read(["P-101B"])[0].owner == 7


def test_a_tag_that_may_be_the_beginning_of_another_is_not_approved() -> None:
    ((position, probability),) = match(["21-PT-1019"], ["21-PT-1019", "21-PT-1019A"])
    assert position == 0
    assert probability < APPROVE


def test_a_tag_is_not_found_within_a_token() -> None:
    assert match(["121-PT-1019AX"], ["21-PT-1019A"]) == [(None, 0.0)]


def test_a_token_that_could_belong_to_the_tag_keeps_it_from_approval() -> None:
    assert evidence("21 PT 1019A X1", ["21-PT-1019A"]) == Evidence(EvidenceKind.LEFTOVER, 0)
    assert evidence("P-101A / B", ["P-101A"]).kind is EvidenceKind.LEFTOVER


def test_several_tags_in_a_line_name_none_and_are_all_candidates() -> None:
    assert evidence("P-1010 / P-2020", ["P-2020", "P-1010"]) == Evidence(EvidenceKind.SEVERAL, None, (1, 0))


def test_a_repaired_text_names_its_tag_but_is_not_approved() -> None:
    ((position, probability),) = match(["21-PX-1019A"], ["21-PT-1019A", "33-FT-2000"])
    assert position == 0
    assert 0 < probability < APPROVE


def test_a_cut_line_names_its_tag_but_is_not_approved() -> None:
    ((position, probability),) = match(["PT-1019A"], ["21-PT-1019A", "33-FT-2000"])
    assert position == 0
    assert 0 < probability < APPROVE


@pytest.mark.parametrize("text", ["", " ", "---", "A", "EXIT", "HIGH VOLTAGE", "2019-05-17", "日本語", "\x00\n|"])
def test_spurious_texts_link_nothing(text: str) -> None:
    assert match([text], ["21-PT-1019A", "P-101A"]) == [(None, 0.0)]


def test_a_long_text_is_read_as_far_as_128_characters() -> None:
    filler = "SERVICE " * 14  # 112 characters
    assert match([filler + "P-1010A"], ["P-1010A"])[0][0] == 0
    assert match([filler + "SERVICE SERVICE P-1010A"], ["P-1010A"]) == [(None, 0.0)]
    assert match(["A1" * 5000], ["P-1010A"]) == [(None, 0.0)]


def test_empty_lists() -> None:
    assert match([], []) == []
    assert match([], ["P-101A"]) == []
    assert match(["P-101A", "P-1O1A", ""], []) == [(None, 0.0)] * 3
    assert match(["P-101A"], ["", "---"]) == [(None, 0.0)]


def test_a_number_that_is_a_tag_is_not_approved() -> None:
    ((position, probability),) = match(["10-2044"], ["10-2044"])
    assert position == 0
    assert probability < APPROVE


def test_order_of_the_tags_does_not_matter() -> None:
    plant = tag_plant(1_101, 600, 1_500)
    texts = [reading.text for reading in plant.readings]
    order = random.Random(3).sample(range(600), 600)
    straight = match(texts, plant.tags)
    shuffled = match(texts, [plant.tags[place] for place in order])
    assert straight == [(None if found is None else order[found], probability) for found, probability in shuffled]


def test_order_of_the_texts_does_not_matter() -> None:
    plant = tag_plant(1_102, 300, 500)
    texts = [reading.text for reading in plant.readings]
    assert match(texts[::-1], plant.tags)[::-1] == match(texts, plant.tags)


tag = st.from_regex(r"[0-9]{2}-[A-Z]{2}-[0-9]{3}[A-C]?", fullmatch=True)


@given(st.lists(tag, min_size=1, max_size=15), st.data())
@settings(max_examples=150)
def test_a_tag_read_rightly_is_never_given_to_another(tags: list[str], data: st.DataObject) -> None:
    wanted = data.draw(st.sampled_from(tags))
    ((position, _),) = match([wanted], tags)
    assert position is None or tags[position] == wanted


@given(st.lists(st.text("AB10O- ", max_size=10), max_size=12), st.lists(st.text(max_size=30), max_size=6))
@settings(max_examples=150)
def test_any_texts_and_tags_give_an_answer_for_each_text(tags: list[str], texts: list[str]) -> None:
    answers = match(texts, tags)
    assert len(answers) == len(texts)
    for position, probability in answers:
        assert 0 <= probability < 1
        assert (position is None) == (probability == 0)


@given(st.text("PT-10198BSO5 ", max_size=16), st.lists(tag, max_size=8, unique=True))
@settings(max_examples=150)
def test_substitutions_switched_off_leave_only_exact_links(text: str, tags: list[str]) -> None:
    found = evidence(text, tags, min_fuzzy_score=1)
    assert found.kind not in {
        EvidenceKind.FOLD_1,
        EvidenceKind.FOLD_2,
        EvidenceKind.FOLD_OWN,
        EvidenceKind.EDIT,
        EvidenceKind.EDIT_KNOWN,
    }


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("Kl-100", ["KL-100", "K1-100"]),  # a small l is an L or a 1
        ("PUMP Kl-100", ["KL-100", "K1-100"]),
    ],
)
def test_a_text_that_may_be_either_of_two_tags_names_none(text: str, tags: list[str]) -> None:
    found = evidence(text, tags)
    assert (found.owner, set(found.candidates)) == (None, {0, 1})


def test_a_tag_with_many_look_alikes_goes_before_those_that_begin_with_it() -> None:
    assert evidence("PT-2OO1", ["PT-2001A", "PT-2001"]) == Evidence(EvidenceKind.FOLD_MORE, 1, (1, 0))
    assert evidence("PT-2OO1", ["PT-2001A"]).kind is EvidenceKind.CUT


@pytest.mark.parametrize("text", ["Pl-101", "PI-101", "P|-101"])
def test_a_stroke_that_may_be_a_letter_is_one_only_for_a_person(text: str) -> None:
    """A pressure indicator PI-101 that the list lacks is no pump P1-101."""
    assert evidence(text, ["P1-101", "P2-101"]) == Evidence(EvidenceKind.FOLD_OWN, 0)
    assert evidence(text, ["P1-101", "PI-101"]).kind in {EvidenceKind.LOOK_ALIKE, EvidenceKind.LOOK_ALIKE_TIE}


def test_a_small_l_between_digits_is_a_one() -> None:
    assert evidence("21-PT-1l19A", ["21-PT-1119A", "21-PT-2119A"]) == Evidence(EvidenceKind.FOLD_1, 0)


@pytest.mark.parametrize("text", ["P|101", "PUMP P|101"])
def test_a_bar_within_a_word_may_part_two_fields(text: str) -> None:
    assert evidence(text, ["P-1101"]) == Evidence(EvidenceKind.FOLD_OWN, 0)
    assert evidence(text, ["P-101"]) == Evidence(EvidenceKind.FOLD_OWN, 0)
    both = evidence(text, ["P-1101", "P-101"])
    assert (both.kind, set(both.candidates)) == (EvidenceKind.LOOK_ALIKE_TIE, {0, 1})
    assert evidence("PUMP | P-101", ["P-1101", "P-101"]) == Evidence(EvidenceKind.WINDOW, 1, has_similar=True)


@pytest.mark.parametrize("raised", ["²", "①", "⁹"])
def test_a_raised_or_circled_digit_is_none_of_a_tag(raised: str) -> None:
    for tags in (["P-1012", "P-1011", "P-1019"], ["P-101"]):
        ((_, probability),) = match([f"P-101{raised}"], tags)
        assert probability < APPROVE


def test_own_substitutions_replace_the_default() -> None:
    assert evidence("P-1O1A", ["P-101A"]).kind is EvidenceKind.FOLD_1
    assert evidence("P-1O1A", ["P-101A"], substitutions={"1": ("7",)}).kind is EvidenceKind.EDIT
    assert evidence("P-70IA", ["P-10IA", "P-20AA"], substitutions={"1": ("7",)}).owner == 0


def test_leading_zeros() -> None:
    assert evidence("PT-0019", ["PT-19A", "PT-19"], remove_leading_zeros=True).owner == 1


def test_owners_must_be_as_many_as_tags() -> None:
    with pytest.raises(ValueError, match="2 tags but 1 owners"):
        TagIndex(["A1", "A2"], owners=[0])
