"""The match report: complete, escaped, offline, and with pictures of the plates."""

from __future__ import annotations

import base64
import csv
import io
import re
from dataclasses import replace
from html import unescape

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from capture360.errors import CdfError
from capture360.matching.places import Place
from capture360.model import Asset, Detection, FaceName, Match
from capture360.pictures.jpeg import encode_jpeg
from capture360.reports.crops import crops
from capture360.reports.match import dropped_by_reason, matches_csv, matches_parquet, never_seen, render
from capture360.rules.finding import Disposition, Finding

PUMP, SPARE, GAUGE = Asset("1", "P-101A", ("P-101A",)), Asset("2", "P-101B", ()), Asset("3", "21-PT-1019", ())
BOX = ((0.25, 0.5), (0.5, 0.5), (0.5, 0.625), (0.25, 0.625))
RED = np.full((64, 64, 3), (200, 30, 30), np.uint8)


def seen(text: str, image: str = "image-1", face: FaceName = "left") -> Detection:
    return Detection(image, face, text, 0.97, BOX)


MATCHES = [
    Match(seen("P-101A"), PUMP, 0.9999, "approved", "read exactly", ((PUMP, 0.9999),)),
    Match(seen("21-PT-101"), GAUGE, 0.84, "suggested", "one character differs", ((GAUGE, 0.84), (PUMP, 0.08))),
    Match(seen("P-101C"), None, 0.0, "dropped", "several tags are equally near", ((PUMP, 0.2), (SPARE, 0.2))),
    Match(seen("<script>alert(1)</script>"), None, 0.0, "dropped", "no tag is near"),
    Match(seen("EXIT"), None, 0.0, "dropped", "no tag is near"),
    Match(seen("21-PT"), None, 0.0, "dropped", 'a line of "21-PT 1019"', cause="line"),
    Match(seen("=1+1"), None, 0.0, "dropped", "a sign"),
]  # fmt: skip


def faces(image: str, face: FaceName) -> bytes:
    if image == "gone":
        raise CdfError("The file is not in CDF.")
    return encode_jpeg(RED)


def test_everything_is_told_and_escaped_and_nothing_is_fetched() -> None:
    finding = Finding("L01", Disposition.WARN, "image-1 left", "x", "Stations read one plate as <A> and B.")
    html = render("hall-7/2025-05-04 <b>", MATCHES, [PUMP, SPARE, GAUGE], faces, [finding],
                  {"image-1": "Boiler room 3"}, resolution=1024)  # fmt: skip
    for told in ("P-101A", "21-PT-101", "one character differs", "several tags are equally near", "EXIT",
                 "Stations read one plate as &lt;A&gt; and B.", "hall-7/2025-05-04 &lt;b&gt;",
                 "Boiler room 3 left", "0.9 m for letters of 25 mm", "<b>6</b>texts", "<b>4</b>dropped",
                 "1 further text is a line of plates", "1 of 3 assets of the area"):  # fmt: skip
        assert told in html
    assert "image-1" not in html
    assert "<script" not in html
    assert not re.search(r'src="(?!data:image/jpeg;base64,)', html)
    assert set(re.findall(r'href="([^"]*)"', html)) == {"matches.csv", "matches.parquet"}
    assert "default-src 'none'" in unescape(html)
    assert html.count("data:image/jpeg;base64,") == 3  # linked, suggested, undecided


def test_a_face_that_cannot_be_had_is_shown_as_missing() -> None:
    for content in (faces, lambda *_: b"no picture"):
        match = Match(seen("P-101A", image="gone"), PUMP, 0.9999, "approved", "read exactly")
        assert "cannot be shown" in render("x/y", [match], [PUMP], content)


@pytest.mark.parametrize("assets", [[], [PUMP]])
def test_without_texts_the_report_says_so(assets: list[Asset]) -> None:
    assert "No text was found" in render("x/y", [], assets, faces)


def test_more_than_can_be_shown_is_counted() -> None:
    many = [Match(seen(f"P-{n}"), PUMP, 0.99, "suggested", "x") for n in range(207)]
    assert "and 7 more" in render("x/y", many, [], faces)


def test_a_picture_shows_the_plate_with_its_outline() -> None:
    face = np.zeros((400, 400, 3), np.uint8)
    face[200:250, 100:200] = (0, 255, 0)
    found = crops([seen("P-101A")], lambda *_: encode_jpeg(face))
    content = base64.b64decode(found[seen("P-101A")].partition(",")[2])
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
    height, width, _ = picture.shape
    assert (width == 300 and height <= 225) or (height == 225 and width <= 300)
    assert width / height == pytest.approx(220 / 170, rel=0.02)
    centre = picture[height // 2, width // 2]
    assert centre[1] > 200 and centre[0] < 60
    assert picture[3, 3].max() < 40
    red, green, blue = (picture[:, :, channel].astype(int) for channel in range(3))
    assert ((red > green + 60) & (blue > green + 40)).sum() > 200


def test_each_face_is_had_once() -> None:
    asked: list[tuple[str, str]] = []

    def counting(image: str, face: FaceName) -> bytes:
        asked.append((image, face))
        return encode_jpeg(RED)

    crops([seen("a"), seen("b"), seen("c", face="front")], counting)
    assert asked == [("image-1", "left"), ("image-1", "front")]


def test_plates_that_are_not_legible_have_a_section_of_their_own() -> None:
    pump = Asset("a", "P-101A", ("P-101A",))
    why = "seen, not legible: its capitals are 9 pixels high"
    match = Match(seen("P-101"), None, 0.9, "dropped", why, ((pump, 0.9),), cause="illegible")
    same = Match(seen("P-101"), None, 0.1, "dropped", "no view of this plate is legible", ((SPARE, 0.1),))
    page = render("site/capture", [match, same], [pump], faces)
    assert "<h2>Seen, not legible</h2>" in page
    assert "<h2>Not linked, though something is near</h2>" not in page
    assert "its capitals are 9 pixels high" in page
    assert dropped_by_reason([match]) == []


def test_a_text_is_shown_once_however_many_tags_it_may_name() -> None:
    why = "another view of this plate is asked about"
    twice = [Match(seen("JB-602"), None, 0.5, "dropped", why, ((asset, 0.5),)) for asset in (PUMP, SPARE)]
    page = render("site/capture", twice, [PUMP, SPARE], faces)
    assert page.count("<figure") == 1
    assert "wait for a person" not in render("site/capture", MATCHES[:1], [PUMP], faces)
    assert "wait for a person" in render("site/capture", MATCHES[:2], [PUMP], faces)


def test_assets_never_seen_and_reasons() -> None:
    assert never_seen(MATCHES, [SPARE, PUMP, GAUGE]) == [SPARE]
    either = Match(seen("P-101"), PUMP, 0.48, "suggested", "two tags are alike", ((PUMP, 0.48), (SPARE, 0.48)))
    assert never_seen([either], [SPARE, PUMP, GAUGE]) == [GAUGE], "asked about is seen, as coverage counts it"
    reasons = [(group.reason, group.count) for group in dropped_by_reason(MATCHES)]
    assert reasons[0] == ("no tag is near", 2)
    assert sum(count for _, count in reasons) == 4  # a line of a plate is told with its plate


def test_each_text_counts_once_so_that_the_numbers_add_up() -> None:
    others = [replace(MATCHES[1], status="dropped", reason="another tag"), replace(MATCHES[2], reason="another tag")]
    for some in ([*MATCHES, *others], [*MATCHES[:3], *others, *MATCHES[3:]]):
        assert sum(group.count for group in dropped_by_reason(some)) == 4
        assert "another tag" not in {group.reason for group in dropped_by_reason(some)}


def test_the_place_of_a_plate_stands_beside_it_with_its_error() -> None:
    known = [replace(MATCHES[0], plate="7"), replace(MATCHES[1], plate="8")]
    places = {"7": Place((1.0, -2.5, 3.25), 0.1, 0.034), "8": Place((4.0, 5.0, 6.0), 0.1, None)}
    html = render("hall-7/walk", known, [PUMP], faces, places=places)
    assert "at 1.00, -2.50, 3.25 ± 0.03\u00a0m" in html
    assert "at 4.00, 5.00, 6.00\u00a0m" in html
    first, second = pq.read_table(io.BytesIO(matches_parquet(known, {}, places))).to_pylist()
    assert (first["plate"], first["y_m"], first["error_m"], second["error_m"]) == ("7", -2.5, 0.034, None)
    (row, _) = csv.DictReader(io.StringIO(matches_csv(known, {}, places).decode("utf-8-sig")))
    assert (row["x_m"], row["z_m"], row["error_m"]) == ("1.0", "3.25", "0.034")


def test_rows_for_a_spreadsheet_and_parquet_hold_every_match() -> None:
    rows = list(csv.DictReader(io.StringIO(matches_csv(MATCHES, {"image-1": "Boiler room 3"}, {}).decode("utf-8-sig"))))
    table = pq.read_table(io.BytesIO(matches_parquet(MATCHES, {}, {}))).to_pylist()
    assert len(rows) == len(table) == len(MATCHES)
    assert rows[-1]["text"] == "'=1+1"
    assert table[-1]["text"] == "=1+1"
    assert table[1]["asset_name"] == "21-PT-1019"
    assert table[1]["x_max"] == 0.5
    assert (rows[1]["station"], rows[1]["image"], table[1]["station"]) == ("Boiler room 3", "image-1", None)
    assert rows[2]["candidates"] == "P-101A (0.200); P-101B (0.200)"
    assert pq.read_table(io.BytesIO(matches_parquet([], {}, {}))).num_rows == 0
