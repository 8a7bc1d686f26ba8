"""A retraction stops at what others attached, undoes CDF's own extraction, and lasts until a higher revision."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cognite.client.data_classes import AnnotationWrite
from cognite.client.data_classes.data_modeling import EdgeApply, NodeApply

from capture360.capture_state import Stage
from capture360.cdf.three_d.extraction import Extraction
from capture360.cdf.three_d.job_scans import JobExtraction
from capture360.errors import BadInputError, CdfError, MissingStepError, RetractionError
from capture360.landing.folder import CaptureFolder
from capture360.model import CaptureKey
from capture360.names import space_id
from capture360.records import Records
from capture360.settings.checks import Bounds, CheckSettings
from capture360.settings.scene import SceneSettings
from capture360.steps import e57_extraction
from capture360.steps.annotate import annotate
from capture360.steps.announcements import Announcement, Announcer, Unfinished
from capture360.steps.backfill import What, captures_on, due_captures, lacks_end
from capture360.steps.detect import images_of
from capture360.steps.ingest import ingest
from capture360.steps.made import Made
from capture360.steps.publish import publish
from capture360.steps.reconcile import reconcile
from capture360.steps.retract import plan_retraction, retract
from capture360.steps.retracted import stays_out
from capture360.steps.review import begin
from capture360.steps.review_due import replaced_runs, review_waits, shown_state
from capture360.steps.review_page import newest_review, outdated
from capture360.steps.scene import place
from capture360.steps.validate import validate
from capture360.steps.verify import verify
from capture360.steps.view import viewed
from captures import TAKEN, record_as_validated
from cdf_sandbox.core.options import ProjectMode
from ingest_world import World
from local_cdf import fast_options, run_sandbox
from scans import scan, write_scans
from suggested_links import Hall, hall_in, world_of
from writes import Writes, watched

TWO_OF_THREE = CheckSettings(
    bounds=Bounds(minimum=(0, -5, 0), maximum=(4, 0, 3)), max_quarantine_fraction=0.5, min_file_bytes=100
)


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    """A contextualized capture, whose links are all suggested."""
    with ExitStack() as stack:
        yield hall_in(world_of(stack, "asset_centric", tmp_path))


def undo(world: World, key: CaptureKey) -> None:
    retract(world.ctx(), key, approved=plan_retraction(world.ctx(), key).digest, by="Ada")


def with_pictures(hall: Hall) -> list[str]:
    """The reports that show pictures of the capture."""
    names = hall.world.records.store.names(f"{hall.key}/{hall.fingerprint}")
    return [name for name in names if name.endswith((".jpg", ".html")) and not name.startswith("retraction-")]


def test_a_review_of_what_was_retracted_takes_no_answer_and_is_ended(hall: Hall) -> None:
    records, key = hall.world.records, hall.key
    review, waits = hall.begin(), hall.run
    assert {*with_pictures(hall)} >= {"validation.html", "matches.html", "thumbnail.jpg"}
    records.put_report(
        key, "0" * 64, "validation.html", "of an examination that was killed before it recorded anything"
    )
    undo(hall.world, key)
    assert not with_pictures(hall)
    assert records.report(key, "0" * 64, "validation.html") is None
    shown = newest_review(records, key)
    assert shown is not None
    late = hall.answer(review, "Approve the rest").stale
    assert late == outdated(records, shown) == f"{key} was retracted since this was asked. Nothing was changed."
    hall.run = "by hand"
    assert begin(hall.ctx, key, hall.fingerprint).suggestions == 0
    assert replaced_runs(records, key, hall.run, lambda _: False) == (waits,)
    assert not review_waits(records, key)


def test_what_others_attached_stops_it_by_name_and_nothing_is_removed(hall: Hall) -> None:
    world, client = hall.world, hall.world.cdf.client
    image, *_ = images_of(hall.ctx, hall.key, hall.fingerprint)
    file = client.files.retrieve(external_id=image.faces["front"].external_id)
    assert file is not None
    made = client.annotations.create(
        AnnotationWrite(
            annotation_type="images.Classification", data={"label": "seen by hand"}, status="approved",
            creating_app="somebody", creating_app_version="1.0.0", creating_user="Bo",
            annotated_resource_type="file", annotated_resource_id=file.id,
        )
    )  # fmt: skip
    client.data_modeling.instances.apply(
        nodes=[NodeApply(world.site.space, "theirs")],
        edges=[
            EdgeApply(
                world.site.space, "their-edge", type=(world.site.space, "near"),
                start_node=(world.site.space, "theirs"), end_node=(world.site.space, image.external_id),
            )
        ],
    )  # fmt: skip
    plan = plan_retraction(world.ctx(), hall.key)
    assert any(f"edge {world.site.space}/their-edge of others" in sentence for sentence in plan.holders)
    with watched(Writes()) as writes, pytest.raises(RetractionError, match="others attached something to it"):
        retract(world.ctx(), hall.key, approved=None, by="Ada")
    assert [each for each in writes.log if "token" not in each] == []
    client.data_modeling.instances.delete(edges=[(world.site.space, "their-edge")])
    client.annotations.delete([made.id])
    undo(world, hall.key)
    assert set(hall.ctx.records.done(hall.key.site).values()) == {Stage.RETRACTED}
    assert client.data_modeling.instances.retrieve(nodes=(world.site.space, "theirs")).nodes


def test_it_lasts_until_a_higher_revision_is_delivered(hall: Hall) -> None:
    world, key = hall.world, hall.key
    undo(world, key)
    assert captures_on(world.records, TAKEN.date()) == []
    assert reconcile(world.ctx(), key) == []
    drop = world.drop(key.capture, stations=1, shade=9)
    assert "revision: 2" in (stays_out(world.records, key, world.ctx().folder(key)) or "")
    with pytest.raises(BadInputError, match="retracted as revision 1"):
        world.ingest(drop)
    drop = world.drop(key.capture, stations=1, shade=9, revision=2)
    assert stays_out(world.records, key, world.ctx().folder(key)) is None
    world.ingest(drop)
    assert captures_on(world.records, TAKEN.date()) == [key]
    assert reconcile(world.ctx(), key) == []


@pytest.mark.parametrize(("revision", "comes"), [(2, True), (1, False)], ids=["a higher revision", "the same revision"])
def test_a_delivery_that_was_announced_meanwhile_comes_if_its_revision_is_higher(
    hall: Hall, revision: int, comes: bool
) -> None:
    """A capture that was announced while its run could not begin."""
    world, key = hall.world, hall.key
    drop = world.drop(key.capture, stations=1, shade=9, revision=revision)
    now = datetime.now(UTC)

    def look(hours: int) -> Announcement | Unfinished | str:
        announcer = Announcer(world.records, now + timedelta(hours=hours), bool, None, 1)
        return announcer.look(world.site, key, CaptureFolder(str(drop.folder)))

    def no_part_is_shown() -> bool:
        with pytest.raises(BadInputError, match="was retracted"):
            viewed(world.ctx(), key)
        shown = shown_state(world.records, key)
        return shown is not None and shown.stage is Stage.RETRACTED

    hall.begin()
    announced = look(0)
    assert isinstance(announced, Announcement)
    world.records.put(key, announced.fingerprint, "sense", announced.body, run="sense")
    undo(world, key)
    state = world.records.load(key)
    assert state is not None and (state.fingerprint, state.stage) == (announced.fingerprint, Stage.RETRACTED)
    assert captures_on(world.records, TAKEN.date()) == []
    assert no_part_is_shown()
    assert (
        Announcer(world.records, now, bool, None, 1).look_at_records(world.site, key) == ""
    )  # as if its files were gone
    assert (key.capture, announced.fingerprint) not in world.records.done(key.site)
    again = look(2)
    assert isinstance(again, Announcement) == comes
    marked = world.records.done(key.site).get((key.capture, announced.fingerprint))
    assert marked == (None if comes else Stage.RETRACTED)
    if isinstance(again, Announcement):
        world.records.put(key, again.fingerprint, "sense", again.body, run="sense")
        assert no_part_is_shown()
        (due,) = due_captures(world.ctx(), captures_on(world.records, TAKEN.date()), What.CONTEXTUALIZE)
        assert due.lacking == f"{key} is not published."
        hall.run = "the run that ends the review"
        assert begin(hall.ctx, key, hall.fingerprint).suggestions == 0
        assert not review_waits(world.records, key)


def test_a_revision_that_was_not_published_to_its_end_does_not_come_back(hall: Hall) -> None:
    world, key = hall.world, hall.key
    record_as_validated(world.records, world.drop(key.capture, stations=1, shade=9, revision=2), world.site)
    undo(world, key)
    assert "revision: 3" in (stays_out(world.records, key, world.ctx().folder(key)) or "")


def test_a_plan_that_is_no_longer_true_removes_nothing(hall: Hall) -> None:
    plan = plan_retraction(hall.world.ctx(), hall.key)
    hall.world.write(hall.world.drop(hall.key.capture, stations=2, revision=2))
    with pytest.raises(RetractionError, match="has changed"):
        retract(hall.world.ctx(), hall.key, approved=plan.digest, by="Ada")
    with pytest.raises(MissingStepError, match="not in the records"):
        plan_retraction(hall.world.ctx(), CaptureKey("hall-7", "unknown"))


def test_what_was_removed_by_a_retraction_that_broke_off_does_not_come_back(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, key = hall.world, hall.key

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Made, "remove_scans", killed)
        with pytest.raises(KeyboardInterrupt):
            undo(world, key)
    assert [finding.message for finding in reconcile(world.ctx(), key)] == [
        "Its retraction has begun to remove it and has not ended. Run captures_retract for it again."
    ]
    assert "its retraction has begun and has not ended" in (lacks_end(world.records, key, What.INGEST) or "")
    with pytest.raises(BadInputError, match="retracted as revision 1, and that has not ended: run captures_retract"):
        world.ingest(world.drop(key.capture, stations=1))
    undo(world, key)
    assert reconcile(world.ctx(), key) == []
    assert "not ended" not in str(stays_out(world.records, key, world.ctx().folder(key)))


@pytest.mark.parametrize("pictures", [{"shade": 9}, {}], ids=["other pictures", "the same pictures"])
def test_what_was_published_after_a_killed_retraction_is_not_removed_unseen(
    hall: Hall, monkeypatch: pytest.MonkeyPatch, pictures: dict[str, Any]
) -> None:
    world, key = hall.world, hall.key
    plan = plan_retraction(world.ctx(), key)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Records, "remove_note", killed)
        with pytest.raises(KeyboardInterrupt):
            retract(world.ctx(), key, approved=plan.digest, by="Ada")
    cleared = replace(world.ctx(), site=world.site.model_copy(update={"scene": SceneSettings(external_id="hall")}))
    for step in (publish, verify, place, annotate):
        with pytest.raises(BadInputError, match="it was retracted as revision 1"):
            step(cleared, key, hall.fingerprint)
    drop = world.drop(key.capture, stations=1, revision=2, **pictures)
    record_as_validated(world.records, drop, world.site)
    assert "its retraction has begun and has not ended" in (lacks_end(world.records, key, What.INGEST) or "")
    before = everything(world)
    with pytest.raises(RetractionError, match="has changed"):
        retract(world.ctx(), key, approved=plan.digest, by="Ada")
    assert everything(world) == before
    world.ingest(world.drop(key.capture, stations=1, revision=2, **pictures))
    assert "retraction" not in (lacks_end(world.records, key, What.INGEST) or "")
    assert reconcile(world.ctx(), key) == []
    before = everything(world)
    with pytest.raises(RetractionError, match="has changed"):
        retract(world.ctx(), key, approved=plan.digest, by="Ada")
    assert everything(world) == before
    undo(world, key)
    assert not plan_retraction(world.ctx(), key).made


@pytest.mark.parametrize("shared", [True, False], ids=["shared space", "own space"])
def test_scans_that_cdf_extracted_go_with_revisions_and_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    monkeypatch.setattr(e57_extraction, "FIRST_PAUSE_S", 0.1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    options = {"revision_queue": 0, "revision_processing": 0}
    site: dict[str, Any] = {"e57": {"space": "captures360"}} if shared else {}
    with run_sandbox(fast_options(tmp_path / "cdf", **options)) as running:
        world = World(running, tmp_path, space="captures360", **site)
        ingest(world.ctx(), write_scans(world.landing, "beside").key)
        before = everything(world)
        drop = write_scans(world.landing, "undone", {"scan.e57": scan(shade=90)})
        ingest(world.ctx(), drop.key)
        plan = plan_retraction(world.ctx(), drop.key)
        kinds = plan.made.by_kind()
        assert (len(kinds["images"]), len(kinds["3D revisions"]), len(kinds["E57 files"])) == (3, 1, 1)
        assert kinds["spaces"] == ([] if shared else [space_id(drop.key)])
        needs = {str(need) for need in plan.made.needs_to_remove()}
        own = set() if shared else {f'dataModelsAcl:WRITE for space "{space_id(drop.key)}"'}
        assert needs >= {"threedAcl:DELETE", *own}
        if not shared:  # a revision is found without its file too, which somebody replaces if what is stored is damaged
            world.cdf.client.files.delete(external_id=list(kinds["E57 files"]))
            assert len(plan_retraction(world.ctx(), drop.key).made.by_kind()["3D revisions"]) == 1
        undo(world, drop.key)
        assert everything(world) == before


@pytest.mark.parametrize(
    ("mode", "extraction", "settings"),
    [("asset_centric", Extraction, {}), ("data_modeling", JobExtraction, {"extraction": "cdf"})],
    ids=["by place", "by jobs"],
)
def test_what_cdf_extracted_into_a_shared_space_goes_whatever_was_recorded_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, extraction: type, settings: dict[str, str]
) -> None:
    """Of a delivery that was refused, of one that nobody collected, and of a station that was held back."""
    monkeypatch.setattr(e57_extraction, "FIRST_PAUSE_S", 0.1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    options = fast_options(tmp_path / "cdf", ProjectMode(mode), revision_queue=0, revision_processing=0)
    with run_sandbox(options) as running:
        world = World(running, tmp_path, mode, space="captures360", e57={"space": "captures360", **settings})
        ingest(world.ctx(), write_scans(world.landing, "beside").key)
        before = everything(world)
        drop = write_scans(world.landing, "refused", {"scan.e57": scan(shade=90)})
        with monkeypatch.context() as patched:
            patched.setattr(extraction, "without_content", lambda _, images: [images[0].external_id])
            with pytest.raises(CdfError, match="faces are not all there"):
                ingest(world.ctx(), drop.key)
        undo(world, drop.key)
        assert everything(world) == before
        waited = [extracting(world, capture, shade) for capture, shade in (("april", 10), ("may", 20))]
        lines = plan_retraction(world.ctx(), waited[0]).lines()
        assert any(line.startswith("left in CDF: 3 images") for line in lines) == (not settings)
        for key in waited:
            undo(world, key)
        assert everything(world) == before
        world.site = world.site.model_copy(update={"checks": TWO_OF_THREE})
        drop = write_scans(world.landing, "in-part", {"scan.e57": scan(shade=30)})
        done = ingest(world.ctx(), drop.key).collected
        assert done is not None
        assert (done.images, done.others) == (3, 1)
        undo(world, drop.key)
        assert everything(world) == before
        in_part, world.site = world.site, world.site.model_copy(update={"checks": CheckSettings()})
        killed = extracting(world, "killed", 40)
        world.site = in_part
        drop = write_scans(world.landing, "came-again", {"scan.e57": scan(shade=40)})
        ingest(world.ctx(), drop.key)
        state = world.records.load(drop.key)
        assert state is not None
        late = state.body("publish")
        assert late is not None
        assert late["others"]
        world.records.put(drop.key, state.fingerprint, "publish", {**late, "others": []}, run="CDF showed it later")
        plan = plan_retraction(world.ctx(), killed)
        assert not {name for _, name in plan.made.images} & {*late["shown"].values(), *late["others"]}
        assert set(late["others"]) <= set(plan.unclear) or settings
        world.records.store.put(f"{drop.key}/{state.fingerprint}/revision.json", b"{")
        damaged = plan_retraction(world.ctx(), killed)
        assert bool(settings) == bool(damaged.made.images), "nothing says whose they are"


def extracting(world: World, capture: str, shade: int) -> CaptureKey:
    """A capture whose images are in CDF, and which nobody has collected."""
    key = write_scans(world.landing, capture, {"scan.e57": scan(shade=shade)}).key
    fingerprint = validate(world.ctx(), key).fingerprint
    e57_extraction.upload_scans(world.ctx(), key, fingerprint)
    e57_extraction.start_revisions(world.ctx(), key, fingerprint)
    e57_extraction.wait(world.ctx(), key, fingerprint)
    return key


def everything(world: World) -> dict[str, Any]:
    client = world.cdf.client
    instances = client.data_modeling.instances.list("node", limit=None)
    return {
        "files": sorted(file.id for file in client.files.list(limit=None)),
        "nodes": sorted((node.space, node.external_id) for node in instances),
        "models": sorted(str(model.id) for model in client.three_d.models.list(limit=None)),
        "spaces": sorted(space.space for space in client.data_modeling.spaces.list(limit=None)),
    }
