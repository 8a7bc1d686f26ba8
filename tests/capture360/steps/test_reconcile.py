"""What was lost or changed since captures were published and linked is told, each with the way to mend it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cognite.client import CogniteClient
from cognite.client.data_classes import AssetWrite
from cognite.client.data_classes.data_modeling import NodeApply, NodeOrEdgeData, ViewId

from capture360.cdf.client import CdfProject, Connection
from capture360.errors import CdfUnavailableError, RecordsError
from capture360.records import LEASES, Records
from capture360.steps import annotate as annotating
from capture360.steps import lease, reconcile
from capture360.steps.annotate import annotate
from capture360.steps.detect import images_of
from capture360.steps.reconcile import reconcile_quiet, reconcile_site, unknown_collections
from captures import reject_again
from ingest_world import World
from record_files import document_paths
from suggested_links import ASSET, CERTAIN, DOUBTFUL, TAGS, Hall, decide, delete_link, hall_in, lose

IMAGE_VIEWS = {
    "asset_centric": (ViewId("cdf_360_image_schema", "Image360", "v1"), "cubeMapFront"),
    "data_modeling": (ViewId("cdf_cdm", "Cognite360Image", "v1"), "front"),
}
ELSEWHERE = {tag: (0.1 + 0.2 * number, 0.9) for number, tag in enumerate(TAGS[:3])}
"""Where no link of another test is rejected: captures of one site look from the same place."""


def told(hall: Hall) -> list[str]:
    return [finding.rule for finding in reconcile.reconcile(hall.ctx, hall.key)]


def sentence(hall: Hall) -> str:
    (finding,) = reconcile.reconcile(hall.ctx, hall.key)
    return finding.message


def image_of(hall: Hall) -> tuple[str, str]:
    (image,) = images_of(hall.ctx, hall.key, hall.fingerprint)
    return image.space, image.external_id


def without_asset(hall: Hall, tag: str) -> Callable[[], None]:
    """The asset is deleted; call what is given back to have it again, for it belongs to all halls."""
    client: CogniteClient = hall.world.cdf.client
    if hall.world.connection.mode == "asset_centric":
        client.assets.delete(external_id=tag)
        return lambda: client.assets.create([AssetWrite(name=tag, external_id=tag)]) and None
    client.data_modeling.instances.delete(nodes=[("plant", tag)])
    node = NodeApply("plant", tag, sources=[NodeOrEdgeData(ASSET, {"name": tag})])
    return lambda: client.data_modeling.instances.apply([node]) and None


def test_nothing_is_told_while_nothing_is_lost_and_nothing_is_written(hall: Hall) -> None:
    decide(hall)
    assert told(hall) == []
    hall.read(CERTAIN)
    before = hall.world.running.mutating()
    assert told(hall) == []
    assert hall.world.running.mutating() == before


def test_a_capture_that_is_not_published_has_nothing_to_lose(world: World) -> None:
    assert reconcile.reconcile(world.ctx(), world.drop("only-dropped").key) == []


def test_lost_decisions_are_told_and_nothing_that_would_contradict_them(core: Hall) -> None:
    decide(core)
    core.read(CERTAIN)
    lose(core, "decisions")
    assert told(core) == ["R02"]


def test_links_that_are_gone_from_cdf_are_told_and_made_again(classic: Hall) -> None:
    classic.read(CERTAIN)
    delete_link(classic)
    assert sentence(classic).startswith('Links that the records hold and CDF does not: "21-PT-')
    annotate(classic.ctx, classic.key, classic.fingerprint)
    assert told(classic) == []


def test_links_that_no_record_holds_are_told(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    hall.read(CERTAIN)
    with monkeypatch.context() as patched:
        patched.setattr("suggested_links.annotate", lambda *_: None)
        hall.read(CERTAIN, tags=TAGS[1:])
    message = sentence(hall)
    assert message.startswith("Links by capture360 that no record contains: ")
    assert "clear the task annotate" in message


def test_a_link_that_somebody_removed_in_cdf_is_left_to_them(core: Hall) -> None:
    core.read(CERTAIN)
    delete_link(core)
    core.world.said.clear()
    assert told(core) == []
    assert any("links by capture360 that people changed or removed, which stays so" in line for line in core.world.said)


def test_a_link_that_cdf_refuses_since_its_asset_is_gone_is_told_until_the_texts_are_matched_anew(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("suggested_links.annotate", lambda *_: None)
        hall.read(CERTAIN, TAGS[:3], places=ELSEWHERE)
    bring_back = without_asset(hall, TAGS[0])
    try:
        assert annotate(hall.ctx, hall.key, hall.fingerprint).refused
        message = sentence(hall)
        assert message.startswith("Links to assets that no longer exist: ")
        assert "clear the task match" in message
        hall.read(CERTAIN, TAGS[:3], places=ELSEWHERE)
        assert told(hall) == []
    finally:
        bring_back()


def test_a_link_without_its_asset_keeps_viewers_out_and_is_told(core: Hall) -> None:
    core.read(CERTAIN)
    bring_back = without_asset(core, TAGS[3])
    try:
        missing, orphan = reconcile.reconcile(core.ctx, core.key)
        assert (missing.rule, orphan.rule) == ("R09", "R11")
        assert "which keeps viewers out of the image" in orphan.message
        annotate(core.ctx, core.key, core.fingerprint)
        assert "R11" not in told(core)
    finally:
        bring_back()


def test_links_on_all_images_are_compared(classic: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotating, "AT_ONCE", 1)
    world = classic.world
    world.ingest(world.drop(classic.key.capture, stations=3), run="run 2")
    state = world.records.load(classic.key)
    assert state is not None
    classic.fingerprint = state.fingerprint
    classic.read(CERTAIN)
    delete_link(classic)
    assert told(classic) == ["R08"]


def test_links_of_an_older_delivery_are_not_compared(classic: Hall) -> None:
    classic.read(CERTAIN)
    classic.world.ingest(classic.world.drop(classic.key.capture, stations=1, shade=50, revision=2), run="run 2")
    assert told(classic) == []


def test_matches_that_are_lost_are_told(hall: Hall) -> None:
    hall.world.records.store.remove(f"{hall.key}/{hall.fingerprint}/match.json")
    assert "suggestions among them" in sentence(hall)


def test_images_of_every_delivery_are_told_by_name(world: World) -> None:
    drop = world.drop("second", stations=4)
    world.write(replace(drop, capture=replace(drop.capture, stations=drop.capture.stations[:3])))
    (drop.folder / "stations.csv").write_text("mended")
    world.write(replace(drop, capture=replace(drop.capture, stations=drop.capture.stations[3:])), "run 2")
    assert reconcile.reconcile(world.ctx(), drop.key) == []
    published = world.records.newest_with(drop.key, "publish")
    assert published is not None
    gone = [(image.space, image.external_id) for image in images_of(world.ctx(), drop.key, published)[:2]]
    world.cdf.client.data_modeling.instances.delete(nodes=gone)
    (finding,) = reconcile.reconcile(world.ctx(), drop.key)
    assert finding.message.startswith(f"Images that CDF does not show: {gone[0][1]}, {gone[1][1]}. Run captures_ingest")
    world.ingest(world.drop("second", stations=4), run="run 3")
    assert reconcile.reconcile(world.ctx(), drop.key) == []


def test_images_of_an_interrupted_delivery_that_is_rejected_by_now_are_known(world: World) -> None:
    world.write(world.drop("begun", stations=1))
    drop = world.drop("begun", stations=2)
    before = world.records.note(drop.key, "published")
    assert before is not None
    world.write(drop, "run 2")
    published = world.records.newest_with(drop.key, "publish")
    world.records.store.remove(f"{drop.key}/{published}/publish.json")
    world.records.put_note(drop.key, "published", before)
    reject_again(world.records, drop.key)
    assert reconcile_quiet(world.ctx(), drop.key) == []


def test_face_files_that_are_gone_are_told(hall: Hall) -> None:
    client = hall.world.cdf.client
    (image,) = images_of(hall.ctx, hall.key, hall.fingerprint)
    gone = image.faces["left"]
    if gone.space is None:
        client.files.delete(external_id=gone.external_id)
    else:
        client.data_modeling.instances.delete(nodes=[(gone.space, gone.external_id)])
    assert sentence(hall).startswith(f"Images that lack faces: {image.external_id}. Run captures_ingest")


def test_an_image_that_names_no_file_for_a_face_is_told(hall: Hall) -> None:
    view, front = IMAGE_VIEWS[hall.world.connection.mode]
    space, external_id = image_of(hall)
    emptied = NodeApply(space, external_id, sources=[NodeOrEdgeData(view, {front: None})])
    hall.world.cdf.client.data_modeling.instances.apply([emptied])
    assert sentence(hall).startswith(f"Images that lack faces: {external_id}.")


def test_collections_without_records_are_named(hall: Hall, tmp_path: Path) -> None:
    assert unknown_collections(hall.ctx) == []
    lost = Records(str(tmp_path / "others"))
    lost.store.put("dock-2/damaged/f/validate.json", b"{")
    (finding,) = unknown_collections(replace(hall.ctx, records=lost))
    assert "captures without records: c360_collection_hall_7" in finding.message


def test_a_capture_that_is_ingested_meanwhile_is_known(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(space="meanwhile")
    world.ingest(world.drop("may", stations=1))
    compare = reconcile.reconcile_quiet

    def while_another_run_writes(*args: Any, **how: Any) -> Any:
        world.ingest(world.drop("june", stations=1), "another run")
        return compare(*args, **how)

    monkeypatch.setattr(reconcile, "reconcile_quiet", while_another_run_writes)
    assert reconcile_site(world.ctx(), is_finished=bool).findings == []


def test_a_capture_whose_folder_of_records_was_emptied_is_not_known(make_world: Callable[..., World]) -> None:
    world = make_world(space="emptied")
    drop = world.drop("emptied", stations=1)
    world.ingest(drop)
    elsewhere = replace(world.ctx(), site=world.site.model_copy(update={"id": "dock-2"}))
    assert (reconcile_site(elsewhere).findings, reconcile_site(elsewhere).compared) == ([], 0)
    for path in document_paths(world.records.store, str(drop.key)):
        world.records.store.remove(path)
    (finding,) = reconcile_site(world.ctx()).findings
    assert "c360_collection_hall_7_emptied" in finding.message


def test_a_capture_that_a_run_is_writing_is_passed_over(classic: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(run: str) -> bool:
        return False

    with lease.held(classic.world.records, classic.key, "somebody", is_finished=never):
        assert reconcile_quiet(classic.ctx, classic.key, is_finished=never) is None
    assert reconcile_quiet(classic.ctx, classic.key, is_finished=never) == []
    compare = reconcile.reconcile

    def interrupted(*arguments: object) -> object:
        """A run comes and goes while the capture is looked at."""
        found = compare(*arguments)
        with lease.held(classic.world.records, classic.key, "in between", is_finished=never):
            classic.read(DOUBTFUL, tags=TAGS[:5])
        return found

    monkeypatch.setattr(reconcile, "reconcile", interrupted)
    assert reconcile_quiet(classic.ctx, classic.key, is_finished=never) is None


@pytest.mark.parametrize("broken", ["match.json", "publish.json", "lease"])
def test_a_broken_record_of_one_capture_is_named_and_hides_no_other(classic: Hall, broken: str) -> None:
    world = classic.world
    other = hall_in(world)
    world.records.store.remove(f"{other.key}/{other.fingerprint}/match.json")
    folder, name = (LEASES, "000099.json") if broken == "lease" else (classic.fingerprint, broken)
    world.records.store.put(f"{classic.key}/{folder}/{name}", b"{")
    findings = reconcile_site(classic.ctx).findings
    world.records.store.remove(f"{classic.key}/{folder}/{name}")
    about = {finding.where: finding for finding in findings}
    assert about[str(classic.key)].rule == "R01"
    assert f"{classic.key}" in about[str(classic.key)].message
    assert about[str(other.key)].rule == "R03"


def test_a_project_that_does_not_answer_is_no_drift(classic: Hall) -> None:
    nobody = {**classic.world.running.connection, "base_url": "http://127.0.0.1:9", "mode": "asset_centric"}
    ctx = replace(classic.ctx, cdf=CdfProject(Connection.from_mapping(nobody, "test")))
    with pytest.raises(CdfUnavailableError):
        reconcile_quiet(ctx, classic.key)


def test_what_is_lost_stops_linking_and_reviewing(core: Hall) -> None:
    review = core.begin()
    core.answer(review, "Leave the rest", "1", "2")
    lose(core, "decisions")
    linked = core.linked()
    for attempt in (lambda: core.answer(review, "Approve the rest"), core.begin, lambda: core.read(CERTAIN)):
        with pytest.raises(RecordsError, match="Missing from the records: 2 of 2 decisions of people"):
            attempt()
    assert core.linked() == linked
