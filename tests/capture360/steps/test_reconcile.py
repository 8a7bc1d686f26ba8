"""What was lost or changed since a capture was linked is told, and taken up again where something proves it."""

from __future__ import annotations

import pytest
from cognite.client.data_classes import AnnotationFilter
from cognite.client.data_classes.data_modeling import EdgeId, ViewId

from capture360.cdf.modes import ModeName
from capture360.errors import BadInputError
from capture360.records import NOTES
from capture360.steps.annotate import annotate
from capture360.steps.detect import images_of
from capture360.steps.link_memory import LinkMemory, Lost
from capture360.steps.reconcile import Repaired, reconcile, repair, unknown_collections
from capture360.steps.review import begin
from ingest_world import World
from suggested_links import CERTAIN, TAGS, Hall, hall_in

LINK = ViewId("cdf_cdm", "Cognite360ImageAnnotation", "v1")


@pytest.fixture
def core(worlds: dict[ModeName, World]) -> Hall:
    """In a project where CDF does not tell whose a link is."""
    return hall_in(worlds["data_modeling"])


def told(hall: Hall) -> list[str]:
    return [finding.rule for finding in reconcile(hall.ctx, hall.key)]


def sentence(hall: Hall) -> str:
    (finding,) = reconcile(hall.ctx, hall.key)
    return finding.message


def lose(hall: Hall, name: str) -> None:
    """A note beside the capture is no more."""
    path = f"{hall.key}/{NOTES}/{name}.json"
    assert hall.world.records.store.exists(path)
    hall.world.records.store.remove(path)


def decide(hall: Hall) -> tuple[str, str]:
    """One suggestion approved and one rejected; their tags."""
    review = hall.begin()
    approved, rejected, *_ = hall.waiting()
    hall.answer(review, "Decide one by one", "1", "2")
    return approved, rejected


def links(hall: Hall) -> list[EdgeId]:
    edges = hall.world.cdf.client.data_modeling.instances.list("edge", sources=LINK, limit=None)
    station = hall.key.capture.replace("-", "_")
    return [EdgeId(edge.space, edge.external_id) for edge in edges if station in edge.end_node.external_id]


def test_nothing_is_told_while_nothing_is_lost_and_nothing_is_written(hall: Hall) -> None:
    decide(hall)
    before = hall.world.running.mutating()
    assert told(hall) == []
    hall.read(CERTAIN)
    assert told(hall) == []
    assert hall.world.running.mutating() > before
    before = hall.world.running.mutating()
    assert told(hall) == []
    assert hall.world.running.mutating() == before


def test_decisions_that_are_lost_are_told_and_stop_what_would_undo_them(hall: Hall) -> None:
    approved, rejected = decide(hall)
    lose(hall, "decisions")
    message = reconcile(hall.ctx, hall.key)[0].message
    assert message.startswith("2 decisions of people that were remembered are gone from the records. Restore decisions")
    assert f"capture360 reconcile {hall.key} --repair" in message
    with pytest.raises(BadInputError, match="2 decisions of people"):
        hall.read(CERTAIN)  # would approve what was rejected
    assert hall.linked() == {approved}
    with pytest.raises(BadInputError, match="2 decisions of people"):
        begin(hall.ctx, hall.key, hall.fingerprint)
    assert repair(hall.ctx, hall.key) == Repaired(pairs=0, decisions=2, given_up=0)
    annotate(hall.ctx, hall.key, hall.fingerprint)
    assert hall.linked() == set(TAGS) - {rejected}
    assert told(hall) == []


def test_answers_of_several_reviews_and_the_newest_about_a_link_are_taken_up_again(core: Hall) -> None:
    first, second = decide(core)
    third, *_ = core.waiting()
    core.answer(core.begin(), "Decide one by one", "1", "")
    lose(core, "decisions")
    assert repair(core.ctx, core.key).decisions == 3
    annotate(core.ctx, core.key, core.fingerprint)
    assert core.linked() == {first, third}
    assert second not in core.waiting()


def test_pairs_that_are_lost_are_told_and_taken_up_again(core: Hall) -> None:
    core.read(CERTAIN)
    lose(core, "linked-pairs")
    assert told(core) == ["memory", "forgotten"]
    with pytest.raises(BadInputError, match=f"{len(TAGS)} linked pairs"):
        annotate(core.ctx, core.key, core.fingerprint)
    assert repair(core.ctx, core.key) == Repaired(pairs=len(TAGS), decisions=0, given_up=0)
    assert told(core) == []
    before = core.world.running.mutating()
    annotate(core.ctx, core.key, core.fingerprint)
    assert core.world.running.mutating() == before
    core.read(tags=[])
    assert core.linked() == set()


def test_a_link_that_somebody_else_made_is_not_taken_for_ours(core: Hall) -> None:
    core.read(CERTAIN)
    lose(core, "linked-pairs")
    LinkMemory(core.ctx, core.key, core.fingerprint).accept()
    core.read(CERTAIN, shift=0.02)  # elsewhere on the image: the links that stand are not as we would make them
    assert told(core) == []
    assert repair(core.ctx, core.key).pairs == 0


def test_what_nothing_proves_is_given_up_once_it_is_told_to(core: Hall) -> None:
    decide(core)
    lose(core, "decisions")
    for path in list(core.world.records.store.walk(str(core.key))):
        if "/answer-" in path:
            core.world.records.store.remove(path)
    assert repair(core.ctx, core.key) == Repaired(pairs=0, decisions=0, given_up=2)
    assert LinkMemory(core.ctx, core.key, core.fingerprint).lost() == Lost(0, 0)
    assert len(core.waiting()) == len(TAGS)


def test_a_run_that_is_killed_between_note_and_count_lost_nothing(core: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def counted(*_: object) -> None:
        raise Killed

    memory = LinkMemory(core.ctx, core.key, core.fingerprint)
    for tags in (TAGS, []):
        with monkeypatch.context() as patched:
            patched.setattr(LinkMemory, "_count", counted)
            with pytest.raises(Killed):
                core.read(CERTAIN, tags=tags)
        assert memory.lost() == Lost(0, 0)
        core.read(CERTAIN, tags=tags)
        assert len(core.linked()) == len(tags)


def test_links_that_are_gone_from_cdf_are_told_and_made_again(classic: Hall) -> None:
    classic.read(CERTAIN)
    client = classic.world.cdf.client
    faces = [ref for image in images_of(classic.ctx, classic.key, classic.fingerprint) for ref in image.faces.values()]
    on_faces = AnnotationFilter("file", [{"external_id": ref.external_id} for ref in faces])
    victim, *_ = client.annotations.list(on_faces, limit=None)
    client.annotations.delete([victim.id])
    assert "1 link that the records hold are not in CDF" in sentence(classic)
    annotate(classic.ctx, classic.key, classic.fingerprint)
    assert told(classic) == []


def test_a_link_that_somebody_removed_in_cdf_is_left_to_them(core: Hall) -> None:
    core.read(CERTAIN)
    core.world.cdf.client.data_modeling.instances.delete(edges=links(core)[:1])
    core.world.said.clear()
    assert told(core) == []
    assert any("1 link of ours were changed by people" in line for line in core.world.said)


def test_matches_that_are_lost_are_told(hall: Hall) -> None:
    hall.world.records.store.remove(f"{hall.key}/{hall.fingerprint}/match.json")
    assert "suggestions among them" in sentence(hall)


def test_images_that_are_gone_are_told(classic: Hall) -> None:
    client = classic.world.cdf.client
    marker = classic.key.capture.replace("-", "_")
    nodes = client.data_modeling.instances.list("node", space=classic.world.site.space, limit=None)
    gone = [node.as_id() for node in nodes if node.external_id.startswith("c360_image") and marker in node.external_id]
    client.data_modeling.instances.delete(nodes=gone)
    assert "CDF shows 0 of 1 images" in sentence(classic)


def test_face_files_that_are_gone_are_told(hall: Hall) -> None:
    client = hall.world.cdf.client
    (image,) = images_of(hall.ctx, hall.key, hall.fingerprint)
    gone = image.faces["left"]
    if gone.space is None:
        client.files.delete(external_id=gone.external_id)
    else:
        client.data_modeling.instances.delete(nodes=[(gone.space, gone.external_id)])
    assert f"1 face file of its images is not in CDF: {gone.external_id}. Run captures_ingest" in sentence(hall)


def test_a_capture_that_is_not_published_has_nothing_to_lose(world: World) -> None:
    assert reconcile(world.ctx(), world.drop("only-dropped").key) == []


def test_collections_without_records_are_named(hall: Hall) -> None:
    known = list(hall.world.records.keys())
    space = hall.world.site.space
    assert unknown_collections(hall.world.cdf, space, known) == []
    (finding,) = unknown_collections(hall.world.cdf, space, [key for key in known if key != hall.key])
    assert "1 collection that no records know: c360_collection_hall_7" in finding.message


def test_a_repair_of_what_was_never_linked_is_told(world: World) -> None:
    with pytest.raises(BadInputError, match="Run captures_contextualize"):
        repair(world.ctx(), world.drop("never-linked").key)
