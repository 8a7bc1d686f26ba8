"""The report is one file that loads nothing, and the rows are safe in a spreadsheet."""

from __future__ import annotations

import csv
import html
import io
import itertools
import re

import pytest

from capture360.checks.validation import PlanPoint
from capture360.model import Asset
from capture360.reports import match
from capture360.reports.cells import safe_csv
from capture360.reports.plan_view import plan_view
from capture360.reports.validation import bad_rows_csv, causes, render
from delivery import Delivery


def test_the_page_tells_verdict_causes_plan_pictures_and_rules(delivery: Delivery) -> None:
    delivery.stations[2]["x"] = "12,5"
    delivery.files["images/s-05/top.jpg"] = delivery.files["images/s-05/top.jpg"][:4000]
    validation = delivery.check()
    page = render(validation, delivery.write())
    assert "accepted in part: 6 of 8 stations, 2 held back" in page
    assert page.count('class="ok"') == 6
    assert page.count('class="held"') == 1
    assert "images/s-05/top.jpg" in page
    assert "cannot be shown" in page
    assert page.count("data:image/jpeg;base64,") == 6 * 4
    assert "<title>Station 4 (s-04)</title>" in page
    assert ">Station 5 (s-05)</text>" in page, "by its name as in CDF, and by that of the findings"
    assert '<b>Station 4</b> <span class="id">s-04</span>' in page
    assert [cause.rule for cause in causes(validation)] == ["S06", "F08"]
    assert "Every cell of a numeric column is a number" in page


def test_each_cause_is_headed_by_what_is_wrong(delivery: Delivery) -> None:
    delivery.files["images/s-05/top.jpg"] = delivery.files["images/s-05/top.jpg"][:4000]
    page = html.unescape(render(delivery.check(), delivery.write(), "walk #1.bad_rows.csv"))
    assert re.findall(r"<h3>(.*?)</h3>", page) == ["images/s-05/top.jpg is cut off: its end is missing. Copy it again."]
    assert "Rule F08, Every picture is what its name says, and whole. Why: " in page
    assert '<a href="walk%20%231.bad_rows.csv">walk #1.bad_rows.csv</a>' in page
    for row in delivery.stations:
        row["pos_x"] = row.pop("x")
    page = html.unescape(render(delivery.check(), delivery.write()))
    assert re.findall(r"<h3>(.*?)</h3>", page) == ["Broken rule: Every required column is there, and none twice"]
    assert page.count('column "x" is missing') == 1, "the headline says it"


def test_the_page_loads_nothing_and_runs_nothing(delivery: Delivery) -> None:
    page = render(delivery.check(), delivery.write())
    assert not re.search(r"<script|<link|<iframe|<object|@import|url\(|\bon\w+=|style=\"", page)
    sources = re.findall(r'(?:src|xlink:href)="([^"]{0,40})', page)
    assert sources
    assert set(re.findall(r'href="([^"]*)"', page)) == {"bad_rows.csv"}
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert "default-src 'none'" in html.unescape(page)
    assert "width=device-width" in page


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "=cmd|' /C calc'!A0", '"><svg onload=alert(1)>'])
def test_hostile_names_stay_text(delivery: Delivery, name: str) -> None:
    delivery.stations[1]["station_id"] = name
    delivery.stations[2]["x"] = name
    validation = delivery.check()
    page = render(validation, delivery.write())
    assert name not in page
    assert "onerror=alert" not in page.replace("onerror=alert(1)&gt;", "")
    rows = list(csv.reader(io.StringIO(bad_rows_csv(validation).decode("utf-8-sig"))))
    assert rows[0][:4] == ["where", "row", "station_id", "rule"]
    assert all(not value.startswith(("=", "+", "@")) for row in rows for value in row)


@pytest.mark.parametrize(
    "mark", ["\u202e", "\u2066", "\u200b", "\ufeff", "\u3164", "\x9b31m", "\ud800", "e" + "\u0301" * 40]
)
def test_what_hides_or_reorders_text_is_seen(mark: str) -> None:
    """Escaping of HTML leaves it as it is, and a name that looks like another one deceives who reads the page."""
    shown = match.render("Match", [], [Asset("1", f"P-1{mark}01", ())], lambda image, face: None)
    assert mark not in shown
    assert mark[-1].encode("unicode_escape").decode() in shown or mark[0] == "\x9b"
    shown.encode()


def test_numbers_stay_numbers_and_formulas_become_text() -> None:
    content = safe_csv(("a", "b", "c", "d"), [("-12.5", "=1+1", "-cmd", None)])
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.decode("utf-8-sig").splitlines()[1] == "-12.5,'=1+1,'-cmd,"


def test_the_plan_keeps_all_bad_stations_of_a_large_capture() -> None:
    points = [PlanPoint(f"s-{n}", n % 100, n // 100, held_back=n % 1000 == 0) for n in range(20_000)]
    plan = plan_view(points)
    assert plan is not None
    assert sum(mark.held_back for mark in plan.marks) == 20
    assert len(plan.marks) < 5000
    assert plan.left_out == 20_000 - len(plan.marks)
    north, south = (next(mark.y for mark in plan.marks if mark.station == name) for name in ("s-19000", "s-0"))
    assert north < south


def test_one_station_and_none_can_be_drawn() -> None:
    assert plan_view([]) is None
    plan = plan_view([PlanPoint("s", 5, 5, held_back=False)])
    assert plan is not None
    assert len(plan.marks) == 1


def test_the_plan_of_a_rejected_capture_shows_which_stations_are_at_fault(delivery: Delivery) -> None:
    for at in (1, 3, 5):
        delivery.stations[at]["x"] = f"{at},5"
    for at in (2, 4):
        delivery.files[f"images/{delivery.stations[at]['station_id']}/top.jpg"] = b""
    page = render(delivery.check(), delivery.write())
    assert "rejected" in page
    assert page.count('class="held"') == 2
    assert page.count('class="waits"') == 3
    assert 'class="ok"' not in page


def test_no_name_in_the_plan_covers_another() -> None:
    close = [PlanPoint(f"station-{n}", 0.3 * n, 0.0, held_back=n == 9) for n in range(10)]
    plan = plan_view([*close, PlanPoint("far", 12.0, 8.0, held_back=False)])
    assert plan is not None
    named = {mark.station: mark.label for mark in plan.marks if mark.label}
    assert "station-9" in named
    assert len(named) < len(plan.marks)
    lines: dict[float, list[tuple[float, float]]] = {}
    for name, label in named.items():
        wide = 8 * len(name)
        lines.setdefault(label.y, []).append((label.x - wide if label.ends else label.x, float(wide)))
    for line in lines.values():
        spans = sorted((start, start + wide) for start, wide in line)
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))
