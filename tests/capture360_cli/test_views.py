"""`capture360 views`: the images that show an asset's plates, from the records alone."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from math import atan2, degrees, hypot
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner, Result

from capture360.errors import RequestError
from capture360.geometry.rotation import matrix_from_quaternion
from capture360.matching.decisions import Decided
from capture360.model import CaptureKey
from capture360.steps import views as steps
from capture360.steps.detect import images_of
from capture360.steps.match import match, recorded_matches
from capture360_cli.main import app
from captures import TAKEN
from suggested_links import CERTAIN, DOUBTFUL, TAGS, Hall, hall_in, world_of

SEEN, ASKED, NEVER = TAGS[0], TAGS[1], TAGS[5]
AIRFLOW = "https://airflow.example.com"


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """A capture whose first plate is linked and whose second one is asked about."""
    root = tmp_path_factory.mktemp("views")
    with ExitStack() as stack:
        hall = hall_in(world_of(stack, "asset_centric", root))
        found = []
        for score, tag in ((CERTAIN, SEEN), (DOUBTFUL, ASKED)):
            hall.read(score, tags=[tag])
            record = hall.world.records.get(hall.key, hall.fingerprint, "detect", 0)
            assert record is not None
            found += record.body["detections"]
        body = {"engine": "by hand", "detections": found, "findings": []}
        hall.world.records.put(hall.key, hall.fingerprint, "detect", body, run="by hand", batch=0)
        match(hall.ctx, hall.key, hall.fingerprint)
        site = json.loads(hall.world.site.model_dump_json(exclude={"id"}))
        (root / "sites.yaml").write_text(yaml.safe_dump({"records": hall.world.records.url, "sites": {"hall-7": site}}))
        yield hall


@pytest.fixture(autouse=True)
def _register(hall: Hall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPTURE360_CONFIG", str(hall.world.root.parent / "sites.yaml"))
    monkeypatch.delenv("AIRFLOW__API__BASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)


def views(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["views", *arguments])


def document(*arguments: str) -> Any:
    done = views(*arguments, "--json")
    return json.loads(done.stdout)


def test_a_view_says_where_it_is_and_where_to_look(hall: Hall) -> None:
    found = document(SEEN, "--airflow", f"{AIRFLOW}/")
    (view,) = found["views"]
    (image,) = images_of(hall.ctx, hall.key, hall.fingerprint)
    assert (view["verdict"], view["capture"], view["station"]) == ("linked", str(hall.key), image.label)
    assert view["file"] == image.faces["front"].external_id
    # The face is (0.5 - u, -0.5, 0.5 - v) in the cube frame, see the reference of the viewer.
    u, v = 0.11 + 0.15 / 2, 0.1 + 0.05 / 2
    x, y, z = matrix_from_quaternion(image.pose.rotation) @ (0.5 - u, -0.5, 0.5 - v)
    assert view["heading_deg"] == pytest.approx(degrees(atan2(x, y)) % 360, abs=0.1)
    assert view["pitch_deg"] == pytest.approx(degrees(atan2(z, hypot(x, y))), abs=0.1)
    assert (view["width_px"], view["height_px"]) == (
        pytest.approx(0.15 * 64, abs=0.1),
        pytest.approx(0.05 * 64, abs=0.1),
    )
    assert view["taken_at"].startswith((TAKEN + timedelta(minutes=1)).isoformat()[:16])
    asset = found["asset"]["ref"]
    assert view["asset_link"].endswith(f"?asset={asset}")
    assert "?collection=" in view["capture_link"]
    assert view["panorama"] == (
        f"{AIRFLOW}/capture360/view/{hall.key}#station={image.external_id}&heading={view['heading_deg']}"
        f"&pitch={view['pitch_deg']}&fov=30"
    )


def test_without_the_address_of_airflow_there_is_no_panorama_and_the_environment_may_say_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert document(SEEN)["views"][0]["panorama"] == ""
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", AIRFLOW)
    assert document(SEEN)["views"][0]["panorama"].startswith(AIRFLOW)


def test_a_tag_is_found_whatever_its_case_and_signs_and_a_question_is_a_view(hall: Hall) -> None:
    done = views(ASKED.lower().replace("-", " "))
    assert done.exit_code == 0, done.output
    assert ASKED in done.stdout
    assert f"asked: {hall.key}, station" in done.stdout


def test_a_known_asset_that_was_never_seen_is_reported_with_the_captures_looked_at(hall: Hall) -> None:
    done = views(NEVER)
    assert done.exit_code == 3
    assert f"{NEVER} is an asset of hall-7, but no plate of it was seen in 1 capture: {hall.key}" in done.stdout
    assert document(NEVER)["views"] == []


def test_a_tag_that_no_asset_has_is_refused_with_near_ones() -> None:
    refused = views("21-PT-10O1").exception
    assert isinstance(refused, RequestError)
    assert f"Did you mean {SEEN}" in str(refused)


def test_a_rejected_tag_is_no_view_any_more(hall: Hall) -> None:
    (asked,) = (each for each in recorded_matches(hall.world.records, hall.key, hall.fingerprint)
                if each.status == "suggested")  # fmt: skip
    (image,) = images_of(hall.ctx, hall.key, hall.fingerprint)
    rejected = Decided(asked, "rejected", "Ada", "2026-01-02T03:04:05+00:00").on(image)
    decided = {"decisions": [rejected.document()]}
    hall.world.records.put_note(hall.key, "decisions", decided)
    assert views(ASKED).exit_code == 3
    hall.world.records.remove_note(hall.key, "decisions")
    assert views(ASKED).exit_code == 0


def test_records_older_than_the_publication_and_captures_without_any_are_named(hall: Hall) -> None:
    records = hall.world.records
    publication, note = records.get(hall.key, hall.fingerprint, "publish"), records.note(hall.key, "published")
    assert publication is not None and note is not None
    other = CaptureKey("hall-7", "walk-99")
    records.put_note(other, "published", note)
    records.put(hall.key, hall.fingerprint, "publish", publication.body, run="again")
    done = views(SEEN)
    assert f"{hall.key} was published again since its texts were matched on" in done.stderr
    assert f"{other} is left out: its texts were not matched" in done.stderr
    assert isinstance(views(SEEN, "--capture", str(other)).exception, RequestError)
    records.remove_note(other, "published")


def test_tables_hold_the_views_of_all_or_of_one(tmp_path: Path) -> None:
    assert views("--table", "all.csv").exit_code == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "all.csv").read_text("utf-8-sig"))))
    assert [(row["asset_name"], row["rank"], row["verdict"]) for row in rows] == [
        (SEEN, "1", "linked"), (ASKED, "1", "asked"),
    ]  # fmt: skip
    assert views(ASKED, "--table", "one.parquet").exit_code == 0
    (row,) = pq.read_table(tmp_path / "one.parquet").to_pylist()
    assert (row["asset_name"], row["rank"], row["distance_m"]) == (ASKED, 1, None)
    assert isinstance(views("--table", "all.xlsx").exception, RequestError)


def test_a_site_that_the_register_lacks_is_refused() -> None:
    assert isinstance(views(SEEN, "--site", "hall-8").exception, RequestError)
    assert document(SEEN, "--site", "hall-7")["site"] == "hall-7"


def test_a_capture_of_another_site_is_refused(hall: Hall) -> None:
    refused = views(SEEN, "--site", "hall-8", "--capture", str(hall.key))
    assert str(refused.exception) == f"{hall.key} is a capture of site hall-7, not of hall-8. Name that site, or none."
    assert document(SEEN, "--site", "hall-7", "--capture", str(hall.key))["site"] == "hall-7"


def test_names_control_no_terminal(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    def named(*arguments: Any, **options: Any) -> steps.SiteViews:
        found = whole(*arguments, **options)
        for some in found.views.values():
            for view in some:
                object.__setattr__(view, "station", "\x1b]0;owned\x07")
        return found

    whole = steps.site_views
    monkeypatch.setattr(steps, "site_views", named)
    done = views(SEEN)
    assert done.exit_code == 0
    assert "owned" in done.stdout
    assert "\x1b" not in done.output
