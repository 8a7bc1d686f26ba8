"""Coverage of a site's assets: by capture, over time, and of critical ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture360.matching.coverage import Coverage
from capture360.matching.decisions import Decided
from capture360.matching.documents import asset_document, match_document
from capture360.model import Asset, CaptureKey, Detection, Match
from capture360.records import Records
from capture360.reports.captures import render_capture
from capture360.settings.site import Site
from capture360.steps.captures import detail
from capture360.steps.coverage import (
    Seen,
    capture_coverage,
    coverage_table,
    critical_of,
    note_coverage,
    seen_by_captures,
    site_coverage,
)
from captures import small_site

ASSETS = [Asset(str(number), f"P-{number}", (f"P-{number}",)) for number in range(1, 11)]
BOX = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.2), (0.1, 0.2))
OLD, NEW = CaptureKey("hall-7", "walk-2"), CaptureKey("hall-7", "walk-1")
"""The names do not tell which capture is older."""


def plate(number: int, status: str, *others: int) -> Match:
    asset = ASSETS[number - 1]
    candidates = ((asset, 0.5), *((ASSETS[other - 1], 0.45) for other in others))
    detection = Detection("image", "front", asset.name, 0.99, BOX)
    return Match(detection, asset, 0.5, status, "", candidates, f"plate-{number}")


@pytest.fixture
def records(tmp_path: Path) -> Records:
    """The older capture links 1 and 2 and asks about 3 or 4; the newer one links 3 and asks about 2 and 5."""
    found = Records(str(tmp_path / "records"))
    found.put_asset_list("hall-7", {"digest": "x", "pages": ["https://cdf", "p", ""],
                                    "assets": [asset_document(asset) for asset in ASSETS]})  # fmt: skip
    captures = {
        OLD: ("2026-01-05", [plate(1, "approved"), plate(2, "approved"), plate(3, "suggested", 4)]),
        NEW: ("2026-03-01", [plate(3, "approved"), plate(2, "suggested"), plate(5, "suggested"), plate(6, "dropped")]),
    }
    for key, (day, matches) in captures.items():
        body = {"verdict": "accepted", "captured_on": day, "headline": "", "accepted": 1, "findings": []}
        found.put(key, "f1", "validate", body, run="test")
        found.put(key, "f1", "match", {"matches": [match_document(each) for each in matches], "candidates": 10,
                                       "critical": ["1", "9"]}, run="test")  # fmt: skip
        note_coverage(found, key, "f1", matches)
    return found


def site(tmp_path: Path, critical: str | None = None) -> Site:
    if critical is None:
        return small_site(tmp_path)
    (tmp_path / "critical.csv").write_text(critical)
    return small_site(tmp_path, links={"critical_assets": str(tmp_path / "critical.csv")})


def test_captures_count_in_order_of_their_dates(records: Records, tmp_path: Path) -> None:
    found = site_coverage(records, site(tmp_path))
    assert [(step.key, step.captured_on) for step in found.steps] == [(OLD, "2026-01-05"), (NEW, "2026-03-01")]
    old, new = found.steps
    assert (old.own, old.so_far) == (Coverage(10, 2, 2), Coverage(10, 2, 2))
    assert (new.own, new.so_far) == (Coverage(10, 1, 2), Coverage(10, 3, 2))
    assert (found.total, found.critical) == (Coverage(10, 3, 2), None)
    assert found.never_seen == ["P-10", "P-6", "P-7", "P-8", "P-9"]
    assert found.total.document() == {
        "assets": 10, "linked": 3, "asked": 2, "seen": 5, "never_seen": 5, "share_linked": 0.3, "share_seen": 0.5,
    }  # fmt: skip


def test_critical_assets_are_counted_apart(records: Records, tmp_path: Path) -> None:
    found = site_coverage(records, site(tmp_path, "tag\nP-1\nP-3\nP-9\n"))
    old, new = found.steps
    assert (old.critical, old.critical_so_far) == (Coverage(3, 1, 1), Coverage(3, 1, 1))
    assert (new.critical, new.critical_so_far) == (Coverage(3, 1, 0), Coverage(3, 2, 0))
    assert (found.critical, found.critical_never_seen, found.findings) == (Coverage(3, 2, 0), ["P-9"], [])


def test_a_list_that_names_no_assets_or_is_not_there_is_a_finding(records: Records, tmp_path: Path) -> None:
    found = site_coverage(records, site(tmp_path, "P-1\nX-1\nX-2\n"))
    (finding,) = found.findings
    assert (finding.rule, finding.value) == ("L07", "X-1")
    assert finding.message.startswith("2 tags of the list of critical assets are no assets of the site, such as X-1.")
    assert found.critical == Coverage(1, 1, 0)
    gone = small_site(tmp_path, links={"critical_assets": str(tmp_path / "gone.csv")})
    (finding,) = critical_of(gone, ASSETS).findings
    assert "gone.csv is not there" in finding.message
    assert site_coverage(records, gone).critical is None


def test_assets_that_were_removed_since_do_not_count(records: Records, tmp_path: Path) -> None:
    left = [asset_document(asset) for asset in ASSETS[1:4]]
    records.put_asset_list("hall-7", {"digest": "y", "pages": ["https://cdf", "p", ""], "assets": left})
    assert site_coverage(records, site(tmp_path)).total == Coverage(3, 2, 1)


def test_a_damaged_note_of_one_capture_is_a_finding(records: Records, tmp_path: Path) -> None:
    records.store.put(f"{OLD}/notes/coverage.json", b"{")
    found = site_coverage(records, site(tmp_path))
    assert [step.key for step in found.steps] == [NEW]
    assert [(finding.rule, finding.where) for finding in found.findings] == [("R01", str(OLD))]


def test_links_to_assets_that_the_site_no_longer_has_do_not_count(records: Records) -> None:
    matched = records.get(NEW, "f1", "match")
    assert matched is not None
    records.put(NEW, "f1", "match", {**matched.body, "absent": ["3"]}, run="test")
    note_coverage(records, NEW, "f1", [plate(3, "approved"), plate(2, "suggested")])
    assert capture_coverage(records, NEW) == (Coverage(10, 0, 1), Coverage(2, 0, 0))


def test_what_people_rejected_is_not_seen() -> None:
    asked = plate(5, "suggested")
    rejected = Decided(asked, "rejected", "Ada", "2026-03-02T10:00:00+00:00").applied_to(asked)
    assert Seen.of([asked]).asked == {"5"}
    assert Seen.of([rejected]) == Seen()


def test_the_report_counts_this_capture_and_all_with_it(records: Records, tmp_path: Path) -> None:
    critical = critical_of(site(tmp_path, "P-1\nP-9\n"), ASSETS)
    table = coverage_table(records, NEW, [plate(7, "approved")], ASSETS, critical)
    assert table.rows == [
        ("assets, this capture", Coverage(10, 1, 0)),
        ("assets, the site's 2 captures", Coverage(10, 3, 2)),
        ("critical assets, this capture", Coverage(2, 0, 0)),
        ("critical assets, the site's 2 captures", Coverage(2, 1, 0)),
    ]
    assert table.critical_never_seen == ["P-9"]


def test_the_page_of_a_capture_has_its_coverage(records: Records) -> None:
    assert capture_coverage(records, NEW) == (Coverage(10, 1, 2), Coverage(2, 0, 0))
    found = detail(records, NEW)
    assert found is not None
    html, _ = render_capture(found, [])
    assert (
        "1 of 10 assets of the site linked (10.0 %), 2 more in question, 7 not seen. 0 of 2 critical assets linked"
        in html
    )
    records.remove_note(NEW, "coverage")
    assert [each.key for each in seen_by_captures(records, "hall-7")[0]] == [OLD]
    found = detail(records, NEW)
    assert found is not None and "assets of the site linked" not in render_capture(found, [])[0]
