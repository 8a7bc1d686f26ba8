"""Failures that nobody can overcome end by themselves; all others stay."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from capture360.errors import ConfigError
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.settings.register import Register
from capture360.steps.causes import identity
from capture360.steps.incidents import Occurrence
from capture360.steps.made import Made
from capture360.steps.moot import is_moot

KEY = CaptureKey("hall-7", "may")
AT = datetime(2020, 5, 20, 9, tzinfo=UTC)
"""Before all records that these tests make."""
LATER = AT + timedelta(hours=1)


@dataclass
class World:
    """A site with one capture in its landing zone, and its records."""

    root: Path
    records: Records

    @property
    def folder(self) -> Path:
        return self.root / "landing" / "may"

    @property
    def register(self) -> Register:
        return Register(str(self.root / "sites.yaml"))

    def validated(self, verdict: str, run: str = "Airflow run captures_ingest failed-run") -> None:
        self.records.put(KEY, "f1", "validate", {"verdict": verdict, "captured_on": "2026-05-20"}, run=run)

    def published(self) -> None:
        self.validated("accepted")
        self.records.put(KEY, "f1", "publish", {}, run="a run")

    def take_away(self) -> None:
        shutil.rmtree(self.folder)


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "sites.yaml").write_text(
        f"records: {tmp_path}/records\nsites: {{hall-7: {{space: captures, landing: {{url: {tmp_path}/landing}}}}}}\n"
    )
    made = World(tmp_path, Records(str(tmp_path / "records")))
    made.folder.mkdir(parents=True)
    (made.folder / "stations.csv").write_text("a")
    return made


def failed(subject: str = str(KEY), dag: str = "captures_ingest", at: datetime = AT) -> Occurrence:
    return Occurrence(
        identity(subject, dag), "cause", subject, "where", "what", "fix", "who", at, dag=dag, run="failed-run"
    )


def moot(world: World, occurrence: Occurrence, now: datetime = LATER) -> bool:
    return is_moot(world.register, world.records, occurrence, now)


@pytest.mark.parametrize("dag", ["captures_ingest", "captures_contextualize", "captures_review", "captures_retract"])
@pytest.mark.parametrize("subject", ["hall-7/nix", "nowhere/may", "hall-7", "../etc/passwd", "captures_ingest"])
def test_a_key_that_somebody_mistyped_ends_after_an_hour(world: World, subject: str, dag: str) -> None:
    assert not moot(world, failed(subject, dag), LATER - timedelta(seconds=1))
    assert moot(world, failed(subject, dag))


def test_a_capture_that_is_there_stays(world: World) -> None:
    assert not moot(world, failed())
    for verdict in ("accepted", "partial", "rejected"):
        world.validated(verdict)
        assert not moot(world, failed())


@pytest.mark.parametrize(
    ("before", "ends"),
    [
        (lambda world: None, True),
        (lambda world: world.validated("accepted"), True),
        (lambda world: world.validated("rejected"), True),
        (lambda world: world.published(), False),
        (lambda world: (world.published(), world.validated("rejected")), True),
    ],
)
def test_a_delivery_that_was_taken_away_ends_unless_part_of_it_is_in_cdf(
    world: World, before: Callable[[World], object], ends: bool
) -> None:
    before(world)
    assert not moot(world, failed())
    world.take_away()
    assert moot(world, failed()) is ends


def test_an_empty_folder_is_one_that_was_taken_away(world: World) -> None:
    (world.folder / "stations.csv").unlink()
    assert moot(world, failed())


def test_links_need_no_files_so_their_failure_stays(world: World) -> None:
    world.published()
    world.take_away()
    for dag in ("captures_contextualize", "captures_review"):
        assert not moot(world, failed(dag=dag))


def test_a_retraction_that_removed_nothing_ends_and_one_that_began_stays(world: World) -> None:
    world.published()
    assert not moot(world, failed(dag="captures_retract"), LATER - timedelta(seconds=1))
    assert moot(world, failed(dag="captures_retract"))
    world.records.put_note(KEY, "retraction", {"made": Made().document(), "by": "Ada"})
    assert not moot(world, failed(dag="captures_retract"))


def test_a_capture_that_a_later_run_rejected_has_another_alert(world: World) -> None:
    world.published()
    world.validated("rejected", run="Airflow run captures_ingest another-run")
    after = datetime.now(UTC) + timedelta(hours=1)
    assert not moot(world, failed(at=after), after + timedelta(hours=1))
    assert moot(world, failed())


def test_a_date_without_captures_ends_and_one_with_captures_stays(world: World) -> None:
    backfill = "captures_backfill"
    for subject in ("2026-05-20", "20.5.2026", "captures_backfill"):
        assert moot(world, failed(subject, backfill))
    world.validated("accepted")
    world.records.by_date.put(KEY, datetime(2026, 5, 20, tzinfo=UTC).date())
    assert not moot(world, failed("2026-05-20", backfill))


def test_other_dags_are_no_matter_of_captures(world: World) -> None:
    for dag in ("captures_sense", "captures_watch", "somebody_elses"):
        assert not moot(world, failed("hall-7/nix", dag))


@pytest.mark.parametrize(("subject", "ends"), [("hall-6", True), ("hall-7", False), ("captures_reconcile", False)])
def test_a_site_that_left_the_register_is_not_compared_again(world: World, subject: str, ends: bool) -> None:
    assert not moot(world, failed(subject, "captures_reconcile"), LATER - timedelta(seconds=1))
    assert moot(world, failed(subject, "captures_reconcile")) is ends


def test_a_landing_zone_that_is_away_proves_nothing(world: World) -> None:
    shutil.rmtree(world.root / "landing")
    with pytest.raises(ConfigError, match="is not there"):
        moot(world, failed())
