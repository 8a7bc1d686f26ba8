"""Approved, suggested, dropped, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from capture360.errors import ConfigError
from capture360.matching.manual import ManualMatches, read_manual_matches
from capture360.matching.policy import ambiguous_tags, score_matches, unused_rows
from capture360.model import Asset, Detection, Match
from capture360.settings.matching import MatchingSettings

ASSETS = [Asset(f"a{n}", tag, (tag,)) for n, tag in enumerate(["21-PT-1019A", "21-PT-1019B", "LIC-2591B", "P-5050C"])]


def seen(text: str, score: float = 0.99, x: float = 0.4, y: float = 0.4, width: float = 0.1) -> Detection:
    corners = ((x, y), (x + width, y), (x + width, y + 0.02), (x, y + 0.02))
    return Detection("image-1", "left", text, score, corners)


def verdict(detection: Detection, assets: list[Asset] = ASSETS, **settings: object) -> Match:
    (one,) = score_matches([detection], assets, MatchingSettings.model_validate(settings))
    return one.match


def test_tags_of_several_assets_are_reported_since_nobody_is_asked_about_them() -> None:
    twins = [Asset(ref, "21-PT-1019A", ("21-PT-1019A",)) for ref in ("north", "south")]
    scored = score_matches(
        [seen("21-PT-1019A"), seen("21-PT-1019A", y=0.6), seen("P-5050C", y=0.8)], [*twins, ASSETS[3]]
    )
    (finding,) = ambiguous_tags(scored)
    assert (finding.rule, finding.value) == ("L11", "21-PT-1019A")
    assert finding.message.startswith(
        "2 texts name tags that several assets have, such as 21-PT-1019A. Nothing is linked"
    )
    assert list(ambiguous_tags(score_matches([seen("P-5050C")], ASSETS))) == []


@pytest.mark.parametrize(("text", "named"), [("P-11-01", "P-11-01"), ("P 1 101", "P-1-101"), ("P1101", None)])
def test_of_tags_that_only_their_separators_tell_apart_the_one_read_is_asked_about(
    text: str, named: str | None
) -> None:
    twins = [Asset(tag, tag, (tag,)) for tag in ("P-11-01", "P-1-101")]
    match = verdict(seen(text), twins)
    assert (match.status, match.asset and match.asset.name) == ("suggested" if named else "dropped", named)
    assert {asset.name for asset, _ in match.candidates} == {"P-11-01", "P-1-101"}


def test_a_plate_read_well_is_approved() -> None:
    match = verdict(seen("21-PT-1019A"))
    assert (match.status, match.asset) == ("approved", ASSETS[0])
    assert match.reason == "read exactly"
    assert match.confidence >= 0.995


def test_what_stands_beyond_the_end_of_a_plate_is_no_part_of_its_tag() -> None:
    tag, beside = seen("21-PT-1019A"), seen("X1", x=0.505, width=0.03)
    assert score_matches([tag, beside], ASSETS)[0].match.status == "suggested"
    outline = ((0.39, 0.39), (0.503, 0.39), (0.503, 0.43), (0.39, 0.43))
    assert score_matches([replace(tag, outline=outline, whole=True), beside], ASSETS)[0].match.status == "approved"


def test_the_whole_tag_is_suggested_before_the_longer_one() -> None:
    assets = [Asset("longer", "PT-2001A", ("PT-2001A",)), Asset("whole", "PT-2001", ("PT-2001",))]
    match = verdict(seen("PT-2OO1"), assets)
    assert (match.status, match.asset) == ("suggested", assets[1])
    assert [asset.name for asset, _ in match.candidates] == ["PT-2001", "PT-2001A"]


@pytest.mark.parametrize(("cap_px", "score"), [(12.0, 0.99), (13.0, 0.96)])
def test_a_line_of_enough_pixels_is_approved(cap_px: float, score: float) -> None:
    assert verdict(replace(seen("21-PT-1019A", score=score), cap_px=cap_px)).status == "approved"


@pytest.mark.parametrize(
    ("detection", "reason"),
    [
        (seen("21-PT-1019A", score=0.949), "engine score 0.949 is below 0.95"),
        (seen("21-PT-1019A", score=float("nan")), "engine score nan is below 0.95"),
        (replace(seen("21-PT-1019A", score=0.96), cap_px=12.0), "0.96 is below 0.985, which small capitals need"),
        (seen("21-PT-1019A", score=0.94999), "engine score 0.94999 is below 0.95"),
        (replace(seen("21-PT-1019A"), cap_px=4.0), "its capitals are 4 pixels high, 8 are asked"),
        (replace(seen("21-PT-1019A"), cap_px=7.96), "its capitals are 7.96 pixels high, 8 are asked"),
        (seen("21-PT-1019A", x=0.899, width=0.1), "border"),
        (seen("21-PT-1019A", x=0.001), "border"),
        (seen("21-PT-1019A X1"), "beside the tag stands"),
        (seen("LIC-259B"), "one character differs"),
        (seen("IC-2591B"), "one character differs"),
        (seen("LIC-25"), "only a part"),
        (seen("SERVICE " * 14 + "21-PT-1019A LONG"), "first 128"),
    ],
)
def test_a_doubt_makes_a_suggestion(detection: Detection, reason: str) -> None:
    match = verdict(detection)
    assert match.status == "suggested"
    assert reason in match.reason
    assert match.asset is not None
    assert match.candidates[0][0] == match.asset


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("EXIT", "a sign"),
        ("No Smoking", "a sign"),
        ("P-1", "too few"),
        ("", "too few"),
        ("Rosemount", "no tag is near"),
        ("21-PT-10", "belongs to several"),
        ("21-PT-1019", "equally near"),
        ("21-PT-1019C", "equally near"),
        ("P-5050D", "only"),
    ],
)
def test_what_is_dropped_says_why(text: str, reason: str) -> None:
    match = verdict(seen(text))
    assert (match.status, match.asset) == ("dropped", None)
    assert reason in match.reason


@pytest.mark.parametrize("text", ["21-PT-1006A", "PUMP 21-PT-1006A", "21-PT-1O06A"])
@pytest.mark.parametrize("similar", ["21-PT-1005A", "21-PT-1008A", "21-FT-1006A"])
def test_a_tag_that_one_misread_character_of_another_gives_needs_a_text_that_was_read_better(
    text: str, similar: str
) -> None:
    assets = [Asset(tag, tag, (tag,)) for tag in ("21-PT-1006A", similar)]
    assert verdict(seen(text, score=0.998), assets).status == "approved"
    match = verdict(seen(text, score=0.997), assets)
    assert (match.status, match.asset) == ("suggested", assets[0])
    assert "0.997 is below 0.998, and one misread character of another tag gives this one" in match.reason


def test_a_similar_tag_of_the_same_asset_asks_for_no_better_text() -> None:
    assert verdict(seen("P-106"), [Asset("pump", "P-106", ("P-106", "P-105"))]).status == "approved"
    assert verdict(seen("P-106"), [Asset(tag, tag, (tag,)) for tag in ("P-106", "P-102")]).status == "approved"


@pytest.mark.parametrize(("text", "similar"), [("P-101", "P-1101"), ("P-1014", "P-101A"), ("PT-1019", "PIT-1019")])
def test_a_character_that_is_lost_or_changes_its_kind_may_give_another_tag_too(text: str, similar: str) -> None:
    assets = [Asset(tag, tag, (tag,)) for tag in (text, similar)]
    assert verdict(seen(text, score=0.998), assets).status == "approved"
    assert verdict(seen(text, score=0.997), assets).status == "suggested"


def test_a_tie_is_dropped_with_its_candidates() -> None:
    match = verdict(seen("21-PT-1019C"))
    assert [asset.name for asset, _ in match.candidates] == ["21-PT-1019A", "21-PT-1019B"]


def test_two_assets_of_one_name_are_never_linked_and_both_told() -> None:
    twins = [Asset("one", "P-101A", ("P-101A",)), Asset("two", "P-101A", ("P-101A", "x"))]
    match = verdict(seen("P-101A"), twins)
    assert (match.status, match.asset) == ("dropped", None)
    assert match.reason == "several assets have this tag"
    assert {asset.ref for asset, _ in match.candidates} == {"one", "two"}


def test_one_asset_whose_tags_agree_is_no_twin() -> None:
    match = verdict(seen("P-101A"), [Asset("one", "P-101A", ("P-101A", "P101A", "site_P-101A"))])
    assert match.status == "approved"


def test_several_tags_in_one_line_give_one_suggestion_each() -> None:
    scored = score_matches([seen("21-PT-1019A / LIC-2591B")], ASSETS)
    assert [(each.match.status, each.match.asset) for each in scored] == [
        ("suggested", ASSETS[0]),
        ("suggested", ASSETS[2]),
    ]


@pytest.mark.parametrize("text", ["10-O1A", "10-01A", "IO-O1A"])
def test_tags_that_only_look_alikes_tell_apart_are_each_suggested(text: str) -> None:
    alike = [Asset("letter", "10-O1A", ("10-O1A",)), Asset("digit", "10-01A", ("10-01A",))]
    scored = score_matches([seen(text)], alike)
    assert {(each.match.status, each.match.asset) for each in scored} == {
        ("suggested", alike[0]),
        ("suggested", alike[1]),
    }
    assert {each.match.confidence for each in scored} == {scored[0].match.confidence}
    assert "look-alike" in scored[0].match.reason


def test_two_plates_side_by_side_are_not_read_as_one() -> None:
    assets = [*ASSETS, Asset("longer", "21-PT-1019A-X", ("21-PT-1019A-X",))]
    scored = score_matches([seen("21-PT-1019A"), seen("HX-55", x=0.51, width=0.05)], assets)
    assert [(each.match.detection.text, each.match.status) for each in scored] == [
        ("21-PT-1019A", "suggested"),
        ("HX-55", "dropped"),
    ]


def test_thresholds_are_the_sites() -> None:
    assert verdict(seen("21-PT-1019A", score=0.9), approve_score=0.9).status == "approved"
    assert verdict(seen("21-PT-1019A"), approve_confidence=1).status == "suggested"
    assert verdict(seen("P-5050D"), suggest_confidence=0.05).status == "suggested"
    assert verdict(seen("21-PT-1019A"), strict=True).reason == "seen by one station only"


def test_lines_of_one_plate_are_read_together() -> None:
    scored = score_matches([seen("21-PT", y=0.4), seen("1019A", y=0.425), seen("1019", y=0.7)], ASSETS)
    joined = [each.match for each in scored if each.match.status == "approved"]
    assert [(match.detection.text, match.asset) for match in joined] == [("21-PT\n1019A", ASSETS[0])]
    assert joined[0].detection.polygon == ((0.4, 0.4), (0.5, 0.4), (0.5, 0.445), (0.4, 0.445))
    assert [each.match.reason for each in scored][:2] == ['a line of "21-PT 1019A"'] * 2


def test_lines_of_one_plate_are_suggested_where_another_tag_goes_on() -> None:
    part, whole = Asset("1", "32-TT-1191", ("32-TT-1191",)), Asset("2", "32-TT-1191D", ("32-TT-1191D",))
    scored = score_matches([seen("32-TT", y=0.4), seen("1191", y=0.425)], [part, whole])
    assert (scored[-1].match.status, scored[-1].match.asset) == ("suggested", part)


def test_a_plate_of_two_lines_with_one_character_wrong_is_suggested() -> None:
    scored = score_matches([seen("PX-50", y=0.4), seen("50C", y=0.425)], ASSETS)
    assert [(each.match.status, each.match.asset) for each in scored][2:] == [("suggested", ASSETS[3])]


def test_boxes_side_by_side_are_read_together() -> None:
    scored = score_matches([seen("1019A", x=0.51), seen("21-PT")], ASSETS)
    assert [each.match.detection.text for each in scored if each.match.status == "approved"] == ["21-PT 1019A"]


def test_lines_that_no_plate_holds_are_never_approved_together() -> None:
    def last(*lines: Detection) -> str:
        return score_matches(lines, ASSETS)[-1].match.status

    code, number = seen("21-PT", y=0.4), seen("1019A", y=0.425)
    above, below = (((0.39, y - 0.01), (0.51, y - 0.01), (0.51, y + 0.024), (0.39, y + 0.024)) for y in (0.39, 0.425))
    around = ((0.38, 0.38), (0.52, 0.38), (0.52, 0.46), (0.38, 0.46))
    plate = replace(seen("LIC-2591B", y=0.7), outline=around)
    assert last(code, number) == "approved"  # of a detector that sees no plates
    assert last(plate, code, number) == "suggested"
    assert last(replace(code, outline=around), number) == "approved"
    assert last(replace(code, outline=above), number) == "suggested"
    two = score_matches([replace(code, outline=above, whole=True), replace(number, outline=below, whole=True)], ASSETS)
    assert [each.match.detection.text for each in two] == ["21-PT", "1019A"]


def test_the_worse_score_of_two_lines_counts() -> None:
    scored = score_matches([seen("21-PT", y=0.4, score=0.8), seen("1019A", y=0.425)], ASSETS)
    assert scored[-1].match.status == "suggested"


def test_lines_that_stand_far_apart_or_differ_in_size_or_angle_stay_alone() -> None:
    big = Detection("image-1", "left", "1019A", 0.99, ((0.4, 0.425), (0.6, 0.425), (0.6, 0.5), (0.4, 0.5)))
    turned = Detection("image-1", "left", "1019A", 0.99, ((0.4, 0.425), (0.49, 0.46), (0.48, 0.48), (0.39, 0.445)))
    other_face = Detection("image-1", "right", "1019A", 0.99, seen("", y=0.425).polygon)
    for second in (seen("1019A", y=0.46), seen("1019A", x=0.46, y=0.425), big, turned, other_face):
        assert not [each for each in score_matches([seen("21-PT"), second], ASSETS) if each.match.status == "approved"]


def test_an_upright_plate_of_two_lines_is_read_in_both_orders() -> None:
    def upright(text: str, x: float) -> Detection:
        return Detection("image-1", "left", text, 0.99, ((x, 0.4), (x + 0.02, 0.4), (x + 0.02, 0.5), (x, 0.5)))

    for first, second in ((0.4, 0.425), (0.425, 0.4)):
        scored = score_matches([upright("21-PT", first), upright("1019A", second)], ASSETS)
        assert [each.match.asset for each in scored if each.match.status == "approved"] == [ASSETS[0]]


def test_a_line_with_two_fitting_neighbours_is_given_to_neither() -> None:
    scored = score_matches([seen("21-PT", y=0.4), seen("1019A", y=0.425), seen("1019B", y=0.375)], [*ASSETS])
    upside = [Asset("u", "1019B-21-PT", ("1019B-21-PT",))]
    both = score_matches([seen("21-PT", y=0.4), seen("1019A", y=0.425), seen("1019B", y=0.375)], [*ASSETS, *upside])
    assert ("suggested", ASSETS[0]) in [(each.match.status, each.match.asset) for each in scored]
    assert not [each for each in scored if each.match.status == "approved"]
    assert not [each for each in both if each.match.status == "approved"]


@pytest.mark.parametrize("below", ["M1", "X1", "AB", "FEED TO", "50"])
def test_a_line_that_may_belong_to_the_tag_keeps_it_from_approval(below: str) -> None:
    for y in (0.375, 0.425):
        scored = score_matches([seen("21-PT-1019A", y=0.4), seen(below, y=y, width=0.05)], ASSETS)
        assert (scored[0].match.status, scored[0].match.asset) == ("suggested", ASSETS[0])
        assert "beside the tag" in scored[0].match.reason


def test_a_line_that_may_belong_to_the_tag_is_heard_though_a_label_stands_there_too() -> None:
    scored = score_matches([seen("M1", y=0.375, width=0.05), seen("21-PT-1019A", y=0.4), seen("PUMP", y=0.425)], ASSETS)
    assert {each.match.status for each in scored} == {"suggested", "dropped"}


def test_what_was_hardly_read_beside_a_tag_does_not_matter() -> None:
    scored = score_matches([seen("21-PT-1019A", y=0.4), seen("M1", y=0.425, width=0.05, score=0.6)], ASSETS)
    assert scored[0].match.status == "approved"


@pytest.mark.parametrize("below", ["LIC-2591B", "GLYCOL PUMP", "21-PT-1019B", "DN50 PN16", "0-16 bar", "S/N 18F204"])
def test_labels_and_other_plates_below_a_tag_do_not(below: str) -> None:
    scored = score_matches([seen("21-PT-1019A", y=0.4), seen(below, y=0.425)], ASSETS)
    assert (scored[0].match.status, scored[0].match.asset) == ("approved", ASSETS[0])


SUPPLY = (seen("SUPPLY FROM", y=0.4), seen("EMERGENCY SWITCHBOARD", y=0.43), seen("21-PT-1019A", y=0.46))


def test_a_plate_that_says_whom_it_serves_two_lines_above_is_not_that_ones() -> None:
    def last(*lines: Detection) -> str:
        return next(each.match.status for each in score_matches(lines, ASSETS) if each.match.asset == ASSETS[0])

    outline = ((0.38, 0.38), (0.55, 0.38), (0.55, 0.6), (0.38, 0.6))
    plate = [replace(line, outline=outline, whole=True) for line in SUPPLY]
    below = replace(seen("21-PT-1019A", y=0.55), outline=outline)
    assert last(*SUPPLY) == "suggested"
    assert last(*plate) == "suggested"
    assert last(*plate[:2], below) == "suggested"
    assert last(*SUPPLY[1:]) == "approved"
    assert last(*SUPPLY[:2], seen("21-PT-1019A", y=0.55)) == "approved"
    assert last(SUPPLY[0], seen("LIC-2591B", y=0.43), SUPPLY[2]) == "approved"


def test_a_label_above_a_tag_does_not_swallow_it() -> None:
    scored = score_matches([seen("PUMP", y=0.375), seen("21-PT-1019A", y=0.4)], ASSETS)
    assert [(each.match.detection.text, each.match.status) for each in scored] == [
        ("PUMP", "dropped"),
        ("21-PT-1019A", "approved"),
    ]


def test_every_detection_is_accounted_for_and_counted() -> None:
    detections = [seen("EXIT"), seen("21-PT-1019A", y=0.6), seen("LIC-259B", y=0.8)]
    scored = score_matches(detections, ASSETS)
    assert [each.match.detection for each in scored] == detections
    assert sorted(each.match.status for each in scored) == ["approved", "dropped", "suggested"]


def test_order_of_the_assets_does_not_matter() -> None:
    detections = [seen("21-PT-1019C", y=0.1), seen("21-PT-1019A", y=0.3), seen("LIC-259B", y=0.5)]
    forwards, backwards = score_matches(detections, ASSETS), score_matches(detections, ASSETS[::-1])
    assert [each.match for each in forwards] == [each.match for each in backwards]


def test_nothing_to_match() -> None:
    assert score_matches([], ASSETS) == []
    assert verdict(seen("21-PT-1019A"), []).status == "dropped"


def manual(tmp_path: Path, content: str) -> ManualMatches:
    path = tmp_path / "manual.csv"
    path.write_text(content, encoding="utf-8")
    return read_manual_matches(str(path))


def test_a_manual_match_wins_over_everything(tmp_path: Path) -> None:
    rows = manual(tmp_path, "text,asset,image\n21-pt 1019a,a1,\nEXIT,a3,image-1\nLIC-2591B,,\nP-5050C,gone,\n")
    texts = ["21-PT-1019A", "EXIT", "LIC-2591B", "P-5050C"]
    scored = score_matches(
        [seen(text, y=0.1 + place / 5, score=0.85) for place, text in enumerate(texts)], ASSETS, manual=rows
    )
    assert [(each.match.status, each.match.asset) for each in scored] == [
        ("approved", ASSETS[1]),
        ("approved", ASSETS[3]),
        ("dropped", None),
        ("dropped", None),
    ]
    assert scored[3].match.reason == 'laid down by hand for "gone", which is no asset of the site'


def test_a_manual_match_may_name_its_asset_if_no_other_has_the_name(tmp_path: Path) -> None:
    rows = manual(tmp_path, "text,asset\nEXIT,LIC-2591B\nDANGER,P-1\n")
    twins = [*ASSETS, Asset("one", "P-1", ()), Asset("two", "P-1", ())]
    scored = score_matches([seen("EXIT", y=0.1), seen("DANGER", y=0.6)], twins, manual=rows)
    assert [(each.match.status, each.match.asset) for each in scored] == [("approved", ASSETS[2]), ("dropped", None)]
    assert scored[1].match.reason == 'laid down by hand for "P-1", which 2 assets are called'


def test_a_manual_match_speaks_of_a_plate_of_two_lines(tmp_path: Path) -> None:
    rows = manual(tmp_path, "text,asset\nXY-99-77,a1\n")
    scored = score_matches([seen("XY-99", y=0.4), seen("77", y=0.425, width=0.08)], ASSETS, manual=rows)
    assert [each.match.asset for each in scored if each.match.status == "approved"] == [ASSETS[1]]


def test_the_narrower_manual_row_wins(tmp_path: Path) -> None:
    rows = manual(
        tmp_path, "text,asset,image,face\nP-1,a0,,\nP-1,a1,image-1,\nP-1,a2,image-1,left\nP-1,a3,image-1,top\n"
    )
    assert (row := rows.row_of(seen("P-1"))) is not None and row.asset == "a2"


def test_a_manual_row_for_every_image_is_about_whole_texts(tmp_path: Path) -> None:
    everywhere = manual(tmp_path, "text,asset\nP-5050,a3\n")
    here = manual(tmp_path, "text,asset,image\nP-5050,a3,image-1\n")
    text = seen("P-5050")
    for part in (replace(text, whole=False), replace(text, score=0.6), seen("P-5050", x=0.001)):
        (found,) = score_matches([part], ASSETS, manual=everywhere)
        assert (found.match.status, found.match.asset, found.manual) == ("suggested", ASSETS[3], False)
        assert found.match.reason.startswith('a row of the manual matches names "P-5050" for every image; ')
        assert score_matches([part], ASSETS, manual=here)[0].match.status == "approved"
    assert score_matches([text], ASSETS, manual=everywhere)[0].match.status == "approved"


def test_a_manual_row_is_about_numbers_divided_as_in_it(tmp_path: Path) -> None:
    rows = manual(tmp_path, "text,asset\n10-179,a0\n101-79,a1\n")
    found = [rows.row_of(seen(text)) for text in ("10 179", "101.79", "10179")]
    assert [row and row.asset for row in found] == ["a0", "a1", None]
    path = tmp_path / "manual.csv"
    zeros = read_manual_matches(str(path), remove_leading_zeros=True)
    assert zeros.row_of(seen("0010-179")) == rows.row_of(seen("10-179"))


def test_a_manual_row_about_two_lines_wins_over_a_line_that_is_a_tag(tmp_path: Path) -> None:
    rows = manual(tmp_path, "text,asset\nP-5050C STANDBY,a0\n")
    scored = score_matches([seen("P-5050C"), seen("STANDBY", y=0.425), seen("LIC-2591B", y=0.45)], ASSETS, manual=rows)
    approved = {each.match.asset.name for each in scored if each.match.asset and each.match.status == "approved"}
    assert approved == {"21-PT-1019A", "LIC-2591B"}


def test_manual_rows_that_meet_no_text_are_reported(tmp_path: Path) -> None:
    rows = manual(tmp_path, "text,asset,image\nP-1,a1,\nP-2,a1,image-1\nP-3,a1,image-9\nLIC-2591B,a2,\n")
    (finding,) = unused_rows(score_matches([seen("LIC-2591B")], ASSETS, manual=rows), rows)
    assert (finding.rule, finding.value) == ("L12", "P-1, P-2")
    assert finding.message.startswith("2 rows of links.manual meet no text of this capture: P-1, P-2.")
    assert list(unused_rows([], None)) == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("tag,asset\nP-1,a\n", 'column "tag" is not known'),
        ("text\nP-1\n", "the columns text and asset are needed"),
        ("", "the columns text and asset are needed"),
        ("text,asset\n--,a\n", "line 2: text holds no letter or digit"),
        ("text,asset\nP-1,a\np 1,b\n", 'line 3: "p 1" is given to b here and to a above'),
        ("text,asset,face\nP-1,a,Front\n", 'line 2: "Front" is no face'),
        ("text,asset\nP-1,a,b\n", "line 2: the number of cells"),
        ("text,asset\nP-1\n", "line 2: the number of cells"),
    ],
)
def test_a_wrong_manual_file_is_told_with_its_line(tmp_path: Path, content: str, told: str) -> None:
    with pytest.raises(ConfigError, match=r"manual\.csv") as caught:
        manual(tmp_path, content)
    assert told in str(caught.value)


def test_a_missing_or_unreadable_manual_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not there"):
        read_manual_matches(str(tmp_path / "none.csv"))
    (tmp_path / "latin.csv").write_bytes(b"text,asset\nPump\xe9-1,a\n")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        read_manual_matches(str(tmp_path / "latin.csv"))


PART_OF_A_TAG = [Asset("short", "39-PT-1945", ("39-PT-1945",)), Asset("long", "39-PT-1945D", ("39-PT-1945D",))]
OUTLINE = ((0.38, 0.38), (0.52, 0.38), (0.52, 0.45), (0.38, 0.45))


def test_a_tag_that_begins_another_is_approved_where_its_plate_ends() -> None:
    text = seen("39-PT-1945")
    assert verdict(text, PART_OF_A_TAG).status == "suggested"
    match = verdict(replace(text, outline=OUTLINE, whole=True), PART_OF_A_TAG)
    assert (match.status, match.asset) == ("approved", PART_OF_A_TAG[0])


@pytest.mark.parametrize(("short", "long", "status"), [
    ("PT-1019", "22-PT-1019", "suggested"),
    ("1019A", "FT-1019A", "suggested"),
    ("LAB11-AP001", "10LAB11-AP001", "suggested"),
    ("T-1090", "LT-1090", "approved"),
])  # fmt: skip
def test_a_plate_that_ends_may_still_lack_the_fields_that_another_tag_begins_with(
    short: str, long: str, status: str
) -> None:
    assets = [Asset("short", short, (short,)), Asset("long", long, (long,))]
    match = verdict(replace(seen(short), outline=OUTLINE, whole=True), assets)
    assert (match.status, match.asset) == (status, assets[0])


def test_a_cut_text_is_never_approved_on_its_own() -> None:
    match = verdict(replace(seen("21-PT-1019A"), outline=OUTLINE, whole=False))
    assert match.status == "suggested"
    assert "the text may go on" in match.reason


@pytest.mark.parametrize(("beside", "status"), [("X", "suggested"), ("SEAL OIL PUMP", "approved")])
def test_what_else_stands_on_the_plate_may_belong_to_the_tag(beside: str, status: str) -> None:
    whole = replace(seen("39-PT-1945"), outline=OUTLINE, whole=True)
    scored = score_matches([whole, seen(beside, y=0.425, width=0.03)], PART_OF_A_TAG)
    assert [each.match.status for each in scored if each.match.asset] == [status]


def test_two_lines_of_a_plate_whose_ends_are_seen_are_whole() -> None:
    first = replace(seen("39-PT", y=0.39), outline=None, whole=None)
    second = replace(seen("1945", y=0.415), outline=OUTLINE, whole=True)
    assert [each.match.status for each in score_matches([first, second], PART_OF_A_TAG)][-1] == "approved"
    cut = replace(first, whole=False)
    assert [each.match.status for each in score_matches([cut, second], PART_OF_A_TAG)][-1] == "suggested"


def test_a_line_within_the_upright_box_of_a_tilted_text_is_a_line_of_its_own() -> None:
    """A plate at 40 degrees: the suffix stands below the middle of the tag, inside the upright box around it."""
    along, down = np.array([0.766, 0.643]), np.array([-0.643, 0.766])

    def tilted(text: str, centre: npt.NDArray[np.float64], half: float) -> Detection:
        corners = [centre + a * half * along + b * 0.01 * down for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        return Detection("image-1", "left", text, 0.99, tuple((float(x), float(y)) for x, y in corners))

    middle = np.array([0.5, 0.5])
    outline = ((0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7))
    tag = replace(tilted("39-PT-1945", middle, 0.1), outline=outline, whole=True)
    assert score_matches([tag], PART_OF_A_TAG)[0].match.status == "approved"
    assert score_matches([tag, tilted("X", middle + 0.04 * down, 0.01)], PART_OF_A_TAG)[0].match.status == "suggested"
