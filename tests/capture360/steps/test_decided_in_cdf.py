"""What people reject, approve or unlink in CDF counts like an answer: for all views of a plate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cognite.client.data_classes import Annotation, AnnotationFilter, AnnotationUpdate, AnnotationWrite
from cognite.client.data_classes.data_modeling import Edge, EdgeApply, EdgeId, NodeApply, NodeId, NodeOrEdgeData, ViewId

from capture360.cdf.assets import ClassicAssets
from capture360.cdf.client import CdfProject, Connection
from capture360.cdf.link_ports import LinkDrift
from capture360.cdf.links import image360
from capture360.cdf.links.provenance import LinkKey
from capture360.cdf.links.snapshot import LinkSnapshot, read_links
from capture360.cdf.project_mode import ModeName
from capture360.errors import CdfError, ConfigError
from capture360.records import NOTES
from capture360.steps.annotate import annotate, decided_matches, link_writer
from capture360.steps.decisions_in_cdf import memory_of
from capture360.steps.detect import images_of
from capture360.steps.kept_decisions import decided_in_cdf, keep_decided_in_cdf
from capture360.steps.match import match
from capture360.steps.plates import plates_of_record
from capture360.steps.reconcile import reconcile_quiet
from capture360.steps.retract import retract
from capture360.steps.retracted import RETRACTED
from cdf_sandbox.core.auth import register_client
from cdf_sandbox.core.capabilities import all_capabilities
from ingest_world import World
from plate_views import seen_from
from suggested_links import ASSET, CERTAIN, DOUBTFUL, LINK, TAGS, Hall, hall_in, world_of
from writes import Killed, Writes, kill, watched

FIRST, SECOND, THIRD = TAGS[:3]
PLACES = {FIRST: (4.0, -2.0, 1.8), SECOND: (4.0, -1.0, 1.8), THIRD: (4.0, 0.0, 1.8)}
_levels: dict[tuple[ModeName, str], float] = {}
"""Height of the plates of each capture above those of the first one, by its name."""
ALL_MODES: tuple[ModeName, ...] = ("asset_centric", "hybrid", "data_modeling")


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[ModeName, World]]:
    root = tmp_path_factory.mktemp("decided-in-cdf")
    with ExitStack() as stack:
        yield {mode: world_of(stack, mode, root) for mode in ALL_MODES}


@pytest.fixture(params=ALL_MODES)
def hall(request: pytest.FixtureRequest, worlds: dict[ModeName, World]) -> Hall:
    return unread(worlds[request.param])


def unread(world: World) -> Hall:
    """A capture of three stations in which nothing has been read."""
    return hall_in(world, stations=3, read=False)


def read(hall: Hall, score: float = CERTAIN) -> None:
    """Read three plates on all stations, and link them; captures of other levels are of other places."""
    lift = level(hall)
    images = images_of(hall.ctx, hall.key, hall.fingerprint)
    hall.read_as(
        seen_from(image.pose, image.external_id, tag, (x, y, z + lift), score, 0.1)
        for image in images
        for tag, (x, y, z) in PLACES.items()
    )


def level(hall: Hall) -> float:
    """They are half a metre apart: that is another plate, and plates are not read from afar."""
    mode = hall.world.connection.mode
    number = sum(each == mode for each, _ in _levels)
    return _levels.setdefault((mode, hall.key.capture.removeprefix("zz-")), (number + 1) // 2 * 0.5 * (-1.0) ** number)


def elsewhere(hall: Hall) -> tuple[float, float, float]:
    """A place that is on no line of sight to plates of any level."""
    return 1.0, -5.0, 1.8 + level(hall)


def next_capture(hall: Hall) -> Hall:
    """A later capture of the same place, in which the same is read."""
    drop = hall.world.drop(f"zz-{hall.key.capture}", stations=3)
    hall.world.ingest(drop)
    state = hall.world.records.load(drop.key)
    assert state is not None
    later = Hall(hall.world, drop.key, state.fingerprint)
    read(later)
    return later


def again(hall: Hall) -> None:
    match(hall.ctx, hall.key, hall.fingerprint)
    annotate(hall.ctx, hall.key, hall.fingerprint)


def linked(hall: Hall) -> set[str]:
    """The tags that pages, coverage and boxes count as linked."""
    record = hall.world.records.get(hall.key, hall.fingerprint, "match")
    assert record is not None
    plates = plates_of_record(hall.world.records, hall.key, record.body)
    return {asset.name for plate in plates if plate.result == "linked" for asset in plate.assets}


def annotations(hall: Hall, tag: str) -> list[Annotation]:
    faces = [
        {"external_id": face.external_id}
        for image in images_of(hall.ctx, hall.key, hall.fingerprint)
        for face in image.faces.values()
    ]
    found = hall.world.cdf.client.annotations.list(AnnotationFilter("file", faces), limit=None)
    return sorted((item for item in found if item.data["text"] == tag), key=lambda one: one.annotated_resource_id)


def edges(hall: Hall, tag: str) -> list[Edge]:
    """The links of an asset on the capture's images, by the object that CDF made for the asset."""
    images = {image.external_id for image in images_of(hall.ctx, hall.key, hall.fingerprint)}
    thing = object_of(hall, tag)
    return [
        edge
        for edge in hall.world.cdf.client.data_modeling.instances.list("edge", sources=LINK, limit=None)
        if edge.end_node.external_id in images and edge.start_node.external_id == thing.external_id
    ]


def object_of(hall: Hall, tag: str) -> NodeId:
    (node,) = hall.world.cdf.client.data_modeling.instances.retrieve(nodes=("plant", tag), sources=ASSET).nodes
    thing = node.properties[ASSET]["object3D"]
    assert isinstance(thing, dict)
    return NodeId(thing["space"], thing["externalId"])


def links(hall: Hall, tag: str) -> int:
    """On how many views CDF shows a link of the tag."""
    if hall.world.connection.mode == "data_modeling":
        return len(edges(hall, tag))
    return sum(item.status == "approved" for item in annotations(hall, tag))


def undo_one(hall: Hall, tag: str, number: int = 0) -> None:
    """A person rejects the link of one view, in the order of their files, or deletes it where CDF has no status."""
    client = hall.world.cdf.client
    if hall.world.connection.mode == "data_modeling":
        edge = edges(hall, tag)[number]
        client.data_modeling.instances.delete(edges=EdgeId(edge.space, edge.external_id))
    else:
        client.annotations.update(AnnotationUpdate(annotations(hall, tag)[number].id).status.set("rejected"))


def decided(hall: Hall) -> set[tuple[str, str, str]]:
    found = memory_of(hall.ctx, hall.key).decisions()
    return {(each.match.asset.name, each.status, each.by) for each in found if each.match.asset}


def test_a_link_that_a_person_undoes_on_one_view_is_undone_on_all_and_in_the_next_capture(hall: Hall) -> None:
    read(hall)
    assert linked(hall) == set(PLACES)
    assert links(hall, FIRST) == 3
    undo_one(hall, FIRST)
    again(hall)
    assert linked(hall) == {SECOND, THIRD}
    assert (links(hall, FIRST), links(hall, SECOND)) == (0, 3)
    assert decided(hall) == {(FIRST, "rejected", "somebody in CDF")}
    known, sent = memory_of(hall.ctx, hall.key).decisions(), hall.world.running.mutating()
    again(hall)
    assert (memory_of(hall.ctx, hall.key).decisions(), hall.world.running.mutating()) == (known, sent)
    undo_one(hall, SECOND)
    annotate(hall.ctx, hall.key, hall.fingerprint)
    assert linked(hall) == {THIRD}, "and it need not be matched again"
    assert links(hall, SECOND) == 0
    undo_one(hall, THIRD)
    assert linked(next_capture(hall)) == set(), "nor that it is linked again before the next capture"


@pytest.mark.parametrize("hall", ["asset_centric", "data_modeling"], indirect=True)
def test_a_review_that_was_killed_lets_all_views_of_a_plate_follow_what_people_undid_before(
    hall: Hall,
) -> None:
    read(hall)
    undo_one(hall, FIRST)
    for number in range(6):
        with watched(Writes(number, kill)), suppress(Killed):
            hall.begin()
    hall.begin()
    assert linked(hall) == {SECOND, THIRD}
    assert (links(hall, FIRST), links(hall, SECOND)) == (0, 3)


def test_a_suggestion_that_a_person_approves_in_cdf_is_linked_on_all_views(worlds: dict[ModeName, World]) -> None:
    """Hybrid: the tests that follow link classic assets."""
    hall = unread(worlds["hybrid"])
    read(hall, DOUBTFUL)
    (asked,) = annotations(hall, FIRST)
    client = hall.world.cdf.client
    client.annotations.update(AnnotationUpdate(asked.id).status.set("approved"))
    again(hall)
    assert linked(hall) == {FIRST}
    assert links(hall, FIRST) == 3
    client.annotations.update(AnnotationUpdate(asked.id).status.set("rejected"))
    again(hall)
    assert linked(hall) == set(), "who changes their mind is followed"
    assert links(hall, FIRST) == 0
    hall.begin()
    assert FIRST not in hall.waiting()


@pytest.fixture
def classic(worlds: dict[ModeName, World]) -> Hall:
    hall = unread(worlds["asset_centric"])
    read(hall)
    return hall


@pytest.mark.parametrize("number", range(3))
def test_a_decision_is_about_the_plate_that_was_linked_and_not_about_what_is_read_there_next(
    classic: Hall, number: int
) -> None:
    """The outlines of the three plates overlap on the third view."""
    undo_one(classic, FIRST, number)
    again(classic)
    known = memory_of(classic.ctx, classic.key).decisions()
    assert len(known) == 3
    (rejected,) = (item for item in annotations(classic, FIRST) if item.status == "rejected")
    images = images_of(classic.ctx, classic.key, classic.fingerprint)
    shown = {face.external_id: image for image in images for face in image.faces.values()}
    file = classic.world.cdf.client.files.retrieve(id=rejected.annotated_resource_id)
    assert file is not None
    start = np.array(shown[str(file.external_id)].pose.position)
    x, y, z = PLACES[FIRST]
    x, y, z = map(float, start + 1.4 * (np.array((x, y, z + level(classic))) - start))
    classic.read_as(seen_from(image.pose, image.external_id, FIRST, (x, y, z), CERTAIN, 0.1) for image in images)
    again(classic)
    assert memory_of(classic.ctx, classic.key).decisions() == known, "nobody has seen the other views of that plate"


def test_a_person_who_rejects_a_plate_on_one_view_overrules_an_earlier_approval_of_another(classic: Hall) -> None:
    read(classic, DOUBTFUL)
    client = classic.world.cdf.client
    (asked,) = annotations(classic, FIRST)
    client.annotations.update(AnnotationUpdate(asked.id).status.set("approved"))
    again(classic)
    other = next(item for item in annotations(classic, FIRST) if item.id != asked.id)
    client.annotations.update(AnnotationUpdate(other.id).status.set("rejected"))
    again(classic)
    assert linked(classic) == set()
    assert links(classic, FIRST) == 0
    known, sent = memory_of(classic.ctx, classic.key).decisions(), classic.world.running.mutating()
    again(classic)
    assert (memory_of(classic.ctx, classic.key).decisions(), classic.world.running.mutating()) == (known, sent)


def test_an_answer_to_a_review_that_somebody_was_before_in_cdf_changes_no_view_of_the_plate(classic: Hall) -> None:
    read(classic, DOUBTFUL)
    review = classic.begin()
    number = classic.waiting().index(FIRST) + 1
    (asked,) = annotations(classic, FIRST)
    classic.world.cdf.client.annotations.update(AnnotationUpdate(asked.id).status.set("rejected"))
    done = classic.answer(review, "Leave the rest", f"{number}")
    assert any("stays rejected" in sentence for sentence in done.sentences)
    assert linked(classic) == set()
    assert links(classic, FIRST) == 0
    assert decided(classic) == {(FIRST, "rejected", "somebody in CDF")}


def test_what_another_application_suggests_on_one_view_holds_back_that_view_alone(classic: Hall) -> None:
    before = annotations(classic, FIRST)
    read(classic, DOUBTFUL)
    review = classic.begin()
    (asked,) = annotations(classic, FIRST)
    create_as_another_application(
        classic, next(item for item in before if item.annotated_resource_id != asked.annotated_resource_id), "suggested"
    )
    done = classic.answer(review, "Leave the rest", f"{classic.waiting().index(FIRST) + 1}")
    assert [sentence for sentence in done.sentences if "stays suggested" in sentence]
    assert FIRST in linked(classic)
    assert links(classic, FIRST) == 2
    assert {(tag, status) for tag, status, _ in decided(classic)} == {(FIRST, "approved")}
    assert "somebody in CDF" not in {by for _, _, by in decided(classic)}


def create_as_another_application(hall: Hall, like: Annotation, status: str) -> None:
    hall.world.cdf.client.annotations.create(
        AnnotationWrite(
            annotation_type=like.annotation_type, data=like.data, status=status, creating_app="diagrams",
            creating_app_version="1.0.0", creating_user=None, annotated_resource_type="file",
            annotated_resource_id=like.annotated_resource_id,
        )
    )  # fmt: skip


def given(hall: Hall, item: Annotation, tag: str) -> None:
    """A person gives a link another asset."""
    client = hall.world.cdf.client
    (asset,) = (asset for asset in client.assets.list(limit=None) if asset.name == tag)
    client.annotations.update(AnnotationUpdate(item.id).data.set({**item.data, "assetRef": {"id": asset.id}}))


def on_plate(hall: Hall, text: str) -> list[tuple[str, str]]:
    """Asset and status of each link on the plate of a text, in CDF."""
    names = {asset.id: str(asset.name) for asset in hall.world.cdf.client.assets.list(limit=None)}
    return sorted((names[item.data["assetRef"]["id"]], str(item.status)) for item in annotations(hall, text))


def test_a_link_that_a_person_gives_another_asset_in_cdf_is_that_of_the_whole_plate(classic: Hall) -> None:
    other, later = TAGS[9:11]
    one = annotations(classic, FIRST)[0]
    given(classic, one, other)
    again(classic)
    assert linked(classic) == {other, SECOND, THIRD}
    assert on_plate(classic, FIRST) == [(other, "approved")] * 3
    assert linked(next_capture(classic)) == {SECOND, THIRD}, "the machine's link does not come back"
    given(classic, next(item for item in annotations(classic, FIRST) if item.id != one.id), later)
    again(classic)
    assert linked(classic) == {later, SECOND, THIRD}
    assert {tag for tag, status in on_plate(classic, FIRST) if status == "approved"} == {later}
    known, sent = memory_of(classic.ctx, classic.key).decisions(), classic.world.running.mutating()
    again(classic)
    assert (memory_of(classic.ctx, classic.key).decisions(), classic.world.running.mutating()) == (known, sent)


def test_a_link_that_a_person_gives_an_asset_that_the_site_does_not_list_keeps_it(
    classic: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = ClassicAssets.assets
    monkeypatch.setattr(ClassicAssets, "assets", lambda self: [each for each in every(self) if each.name != TAGS[9]])
    again(classic)
    given(classic, annotations(classic, FIRST)[0], TAGS[9])
    for _ in range(2):
        again(classic)
        assert linked(classic) == {TAGS[9], SECOND, THIRD}
        assert on_plate(classic, FIRST) == [(TAGS[9], "approved")] * 3


def test_an_approval_of_an_asset_that_the_site_no_longer_lists_holds_no_answer_about_its_plate(
    classic: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(classic, DOUBTFUL)
    classic.answer(classic.begin(), "Leave the rest", f"{classic.waiting().index(FIRST) + 1}")
    every = ClassicAssets.assets
    monkeypatch.setattr(ClassicAssets, "assets", lambda self: [each for each in every(self) if each.name != FIRST])
    tag, (x, y, z) = TAGS[12], PLACES[FIRST]
    images = images_of(classic.ctx, classic.key, classic.fingerprint)
    there = x, y, z + level(classic)
    classic.read_as(seen_from(image.pose, image.external_id, tag, there, DOUBTFUL, 0.1) for image in images)
    review = classic.begin()
    assert classic.waiting() == [tag]
    later = "2099-01-02T03:04:05+00:00"  # than CDF's time of the first answer
    assert classic.answer(review, "Approve the rest", at=later).sentences == []
    assert linked(classic) == {tag}
    assert links(classic, tag) == 3, "the view with the suspended approval among them"
    again(classic)
    assert links(classic, tag) == 3
    assert classic.waiting() == []
    monkeypatch.undo()
    for _ in range(2):
        again(classic)
        assert linked(classic) == {tag}, "nor does it come back beside the newer one"
        approved = [
            name for name, status in (*on_plate(classic, tag), *on_plate(classic, FIRST)) if status == "approved"
        ]
        assert approved == [tag] * 3


def test_a_person_who_gives_a_link_its_first_asset_back_is_followed_on_all_views(classic: Hall) -> None:
    one = annotations(classic, FIRST)[0]
    given(classic, one, TAGS[9])
    again(classic)
    given(classic, one, FIRST)
    again(classic)
    assert linked(classic) == set(PLACES)
    assert on_plate(classic, FIRST) == [(FIRST, "approved")] * 3


def test_a_plate_whose_approved_link_is_given_another_asset_has_that_alone(classic: Hall) -> None:
    read(classic, DOUBTFUL)
    review = classic.begin()
    classic.answer(review, "Leave the rest", f"{classic.waiting().index(FIRST) + 1}")
    assert on_plate(classic, FIRST) == [(FIRST, "approved")] * 3
    given(classic, annotations(classic, FIRST)[0], TAGS[9])
    again(classic)
    assert linked(classic) == {TAGS[9]}
    approved = [tag for tag, status in on_plate(classic, FIRST) if status == "approved"]
    assert approved == [TAGS[9]] * 3, "the approval of the first asset is overruled on the view that CDF holds it on"


def test_an_answer_about_a_plate_that_was_given_another_asset_meanwhile_changes_no_view(classic: Hall) -> None:
    read(classic, DOUBTFUL)
    review = classic.begin()
    number = classic.waiting().index(FIRST) + 1
    (asked,) = annotations(classic, FIRST)
    given(classic, asked, TAGS[9])
    classic.world.cdf.client.annotations.update(AnnotationUpdate(asked.id).status.set("approved"))
    done = classic.answer(review, "Leave the rest", f"{number}")
    assert any("stays approved for another asset" in sentence for sentence in done.sentences)
    assert linked(classic) == {TAGS[9]}
    again(classic)
    assert on_plate(classic, FIRST) == [(TAGS[9], "approved")] * 3


def test_both_tags_of_a_line_are_linked_by_an_answer_that_was_interrupted(worlds: dict[ModeName, World]) -> None:
    hall = unread(worlds["asset_centric"])
    images, text = images_of(hall.ctx, hall.key, hall.fingerprint), f"{FIRST} {SECOND}"
    x, y, z = PLACES[FIRST]
    place = (x, y, z + level(hall))
    hall.read_as(seen_from(image.pose, image.external_id, text, place, CERTAIN, 0.1) for image in images)
    review = hall.begin()
    for number in range(3):
        with watched(Writes(number, kill)), suppress(Killed):
            hall.answer(review, "Leave the rest", "1a, 1b")
    for _ in range(3):
        assert hall.answer(review, "Leave the rest", "1a, 1b").sentences == []
        assert [item.status for item in annotations(hall, text)] == ["approved"] * 6
        assert linked(hall) == {FIRST, SECOND}
        assert decided(hall) == {(tag, "approved", "Ada") for tag in (FIRST, SECOND)}
    assert reconciled(hall) == LinkDrift()


def test_two_tags_in_an_answer_do_not_bring_back_the_one_that_somebody_replaced_in_cdf(classic: Hall) -> None:
    images, text = images_of(classic.ctx, classic.key, classic.fingerprint), f"{FIRST} {SECOND}"
    x, y, z = PLACES[FIRST]
    place = (x, y, z + level(classic))
    classic.read_as(seen_from(image.pose, image.external_id, text, place, CERTAIN, 0.1) for image in images)
    review = classic.begin()
    (asked,) = annotations(classic, text)
    (second,) = {FIRST, SECOND} - {tag for tag, _ in on_plate(classic, text)}
    given(classic, asked, second)
    classic.world.cdf.client.annotations.update(AnnotationUpdate(asked.id).status.set("approved"))
    done = classic.answer(review, "Leave the rest", "1a, 1b")
    assert any("stays approved for another asset" in sentence for sentence in done.sentences)
    assert on_plate(classic, text) == [(second, "approved")] * 3
    assert linked(classic) == {second}


def reconciled(hall: Hall) -> LinkDrift:
    """How the links in CDF differ from those that are recorded."""
    images = images_of(hall.ctx, hall.key, hall.fingerprint)
    return link_writer(hall.ctx, hall.key).compare(images, decided_matches(hall.ctx, hall.key, hall.fingerprint))


def test_a_suggestion_that_somebody_moved_takes_the_answer_about_its_plate(classic: Hall) -> None:
    read(classic, DOUBTFUL)
    (asked,) = annotations(classic, FIRST)
    classic.world.cdf.client.annotations.update(AnnotationUpdate(asked.id).data.set({**asked.data, "confidence": 0.5}))
    review = classic.begin()
    done = classic.answer(review, "Leave the rest", f"{classic.waiting().index(FIRST) + 1}")
    assert done.sentences == []
    assert linked(classic) == {FIRST}
    assert on_plate(classic, FIRST) == [(FIRST, "approved")] * 3


def test_what_people_reject_of_another_application_is_no_decision(classic: Hall) -> None:
    create_as_another_application(classic, annotations(classic, SECOND)[0], "rejected")
    again(classic)
    assert decided(classic) == set()
    assert linked(classic) == set(PLACES)


@pytest.fixture
def core(worlds: dict[ModeName, World]) -> Hall:
    hall = unread(worlds["data_modeling"])
    read(hall)
    return hall


def test_a_link_that_cdf_does_not_show_although_it_is_there_is_no_decision(
    core: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No real lag of the sandbox hides an edge that a query has shown before."""

    hid: list[LinkKey] = []

    def lagging(*args: object) -> LinkSnapshot:
        there = read_links(*args)  # type: ignore[arg-type]  # whatever the product passes
        hidden = {pair for pair in there.links if pair.asset == f"plant/{FIRST}"}
        hid.extend(hidden)
        links: dict[LinkKey, list[image360.LinkEdge]] = {
            pair: some for pair, some in there.links.items() if pair not in hidden
        }
        there.links.clear()
        there.links.update(links)
        return there

    with monkeypatch.context() as patched:
        patched.setattr(image360, "read_links", lagging)
        again(core)
    assert hid
    assert decided(core) == set()
    again(core)
    assert linked(core) == set(PLACES)
    undo_one(core, FIRST)
    assert (found := decided_in_cdf(core.ctx, core.key, ())) != []
    assert decided_in_cdf(core.ctx, core.key, ()) == found, "of the time when it was noticed first"
    assert decided_in_cdf(replace(core.ctx, cdf=limited_to(core.world, core.world.site.space)), core.key, ()) == []
    for number in range(4):
        with watched(Writes(number, kill)), suppress(Killed):
            annotate(core.ctx, core.key, core.fingerprint)
    annotate(core.ctx, core.key, core.fingerprint)
    assert (links(core, FIRST), links(core, SECOND)) == (0, 3), "a run that died there was no person"
    assert decided(core) == {(FIRST, "rejected", "somebody in CDF")}


def limited_to(world: World, *spaces: str, readable: Sequence[str] = ()) -> CdfProject:
    """The project behind credentials that may read and write instances of these spaces, and read others, alone."""
    grants = [each for each in all_capabilities("capture360") if "dataModelInstancesAcl" not in each]
    for actions, some in ((["READ", "WRITE"], spaces), (["READ"], readable)):
        scope = {"spaceIdScope": {"spaceIds": some}}
        grants += [{"dataModelInstancesAcl": {"actions": actions, "scope": scope}}] if some else []
    client = " ".join((*spaces, "and", *readable))
    secret = register_client(world.running.sandbox, client, grants)
    values = {**world.running.connection, "mode": "data_modeling", "client_id": client, "client_secret": secret}
    return CdfProject(Connection.from_mapping(values, "test"))


def set_status(hall: Hall, edge: Edge, status: object) -> None:
    hall.world.cdf.client.data_modeling.instances.apply(
        edges=EdgeApply(
            edge.space, edge.external_id, edge.type, edge.start_node, edge.end_node,
            sources=[NodeOrEdgeData(LINK, {"status": status})],
        )
    )  # fmt: skip


def test_an_edge_that_a_person_marks_rejected_rejects_its_plate_and_no_other(core: Hall) -> None:
    edge = edges(core, FIRST)[0]
    set_status(core, edge, "Rejected")
    again(core)
    assert decided(core) == {(FIRST, "rejected", "somebody in CDF")}
    assert linked(core) == {SECOND, THIRD}
    assert links(core, FIRST) == 1, "that edge is up to people"
    set_status(core, edge, edge.properties[LINK].get("status"))
    again(core)
    assert decided(core) == {(FIRST, "approved", "somebody in CDF")}
    assert (linked(core), links(core, FIRST)) == (set(PLACES), 3), "who changes their mind is followed"
    set_status(core, edge, "Rejected")
    again(core)
    assert linked(core) == {SECOND, THIRD}
    images = images_of(core.ctx, core.key, core.fingerprint)
    core.read_as(seen_from(image.pose, image.external_id, FIRST, elsewhere(core), CERTAIN, 0.1) for image in images)
    again(core)
    assert linked(core) == {FIRST}


def delivered_again(hall: Hall, stations: int, revision: int) -> None:
    hall.world.ingest(hall.world.drop(hall.key.capture, stations=stations, revision=revision), f"run {revision}")
    state = hall.world.records.load(hall.key)
    assert state is not None
    hall.fingerprint = state.fingerprint


def undo_on_last(hall: Hall, tag: str, how: str) -> None:
    """A person deletes the link on the last station, or marks it rejected."""
    last = max(image.external_id for image in images_of(hall.ctx, hall.key, hall.fingerprint))
    (edge,) = (edge for edge in edges(hall, tag) if edge.end_node.external_id == last)
    if how == "rejected":
        set_status(hall, edge, "Rejected")
    else:
        hall.world.cdf.client.data_modeling.instances.delete(edges=EdgeId(edge.space, edge.external_id))


def test_links_that_a_person_undoes_stay_away_when_their_station_or_capture_goes_and_comes_back(core: Hall) -> None:
    by = "somebody in CDF"
    undo_on_last(core, FIRST, "deleted")
    undo_on_last(core, SECOND, "rejected")
    delivered_again(core, 2, revision=2)
    assert decided(core) == {(FIRST, "rejected", by), (SECOND, "rejected", by)}
    read(core)
    assert linked(core) == {THIRD}
    delivered_again(core, 3, revision=3)
    read(core)
    assert linked(core) == {THIRD}
    assert [links(core, tag) for tag in PLACES] == [0, 0, 3]
    undo_on_last(core, THIRD, "deleted")
    for number in range(8):
        with watched(Writes(number, kill)), suppress(Killed):
            retract(core.ctx, core.key, approved=None, by="Ada")
    retract(core.ctx, core.key, approved=None, by="Ada")
    assert decided(core) == {(tag, "rejected", by) for tag in PLACES}
    delivered_again(core, 3, revision=4)
    read(core)
    assert [links(core, tag) for tag in PLACES] == [0, 0, 0]


def test_an_edge_that_is_marked_as_ours_after_a_rejection_is_none_that_somebody_set_back(
    core: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody rejects a link while a run creates those of the same plate on other images."""
    images = images_of(core.ctx, core.key, core.fingerprint)
    tag, there = TAGS[12], (4.0, 1.0, 1.8)  # a level of its own may be too high for a view alone
    views = [seen_from(image.pose, image.external_id, tag, there, CERTAIN, 0.1) for image in images]
    core.read_as(views[:1])
    (edge,) = edges(core, tag)
    read = image360.read_links

    def rejected_meanwhile(*args: Any) -> Any:
        found = read(*args)
        if any(each.is_bare for edges in found.links.values() for each in edges):
            set_status(core, edge, "Rejected")
        return found

    with monkeypatch.context() as patched:
        patched.setattr(image360, "read_links", rejected_meanwhile)
        core.read_as(views)
    assert links(core, tag) == 3
    for _ in range(2):
        again(core)
        assert decided(core) == {(tag, "rejected", "somebody in CDF")}
        assert links(core, tag) == 1, "that edge is up to people"


def test_a_deleted_edge_rejects_only_the_plate_that_it_was_of(core: Hall) -> None:
    undo_one(core, FIRST)
    images = images_of(core.ctx, core.key, core.fingerprint)
    core.read_as(seen_from(image.pose, image.external_id, FIRST, elsewhere(core), CERTAIN, 0.1) for image in images)
    known = memory_of(core.ctx, core.key).decisions()
    assert decided(core) == {(FIRST, "rejected", "somebody in CDF")}
    for _ in range(2):
        again(core)
        assert memory_of(core.ctx, core.key).decisions() == known, "a link to another plate does not give this one back"
    assert linked(core) == {FIRST}
    assert links(core, FIRST) >= 2, "on the image where it was deleted, the next links are up to people"


def test_an_edge_that_is_deleted_before_new_matches_are_linked_rejects_none_of_these(core: Hall) -> None:
    images = images_of(core.ctx, core.key, core.fingerprint)
    core.match_as(seen_from(image.pose, image.external_id, FIRST, elsewhere(core), CERTAIN, 0.1) for image in images)
    undo_one(core, FIRST)
    annotate(core.ctx, core.key, core.fingerprint)
    assert decided(core) == set()
    assert linked(core) == {FIRST}


def test_links_are_not_taken_for_removed_where_they_cannot_be_read_any_more(
    worlds: dict[ModeName, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The site names another space for links, and the role is narrowed to what it names now."""
    world = worlds["data_modeling"]
    hall, site = unread(world), world.site
    elsewhere = site.data_modeling.model_copy(update={"links_space": "links-before"})
    monkeypatch.setattr(world, "site", site.model_copy(update={"data_modeling": elsewhere}))
    read(hall)
    assert {edge.space for edge in edges(hall, FIRST)} == {"links-before"}
    monkeypatch.setattr(world, "site", site)
    with monkeypatch.context() as narrowed:
        narrowed.setattr(world, "cdf", limited_to(world, site.space, "plant"))
        images = images_of(hall.ctx, hall.key, hall.fingerprint)
        for _ in range(2):
            with pytest.raises(CdfError, match=r"links-before.* is not granted"):
                read(hall)
            assert decided(hall) == set()
            with pytest.raises(ConfigError, match="links-before"):
                keep_decided_in_cdf(hall.ctx, hall.key, images)
        (finding,) = reconcile_quiet(hall.ctx, hall.key) or ()
        assert finding.rule == "R01", "other captures of the site are compared"
        assert "links-before" in finding.message
        narrowed.setattr(world, "cdf", limited_to(world, site.space, "plant", readable=["links-before"]))
        for attempt in (read, lambda hall: retract(hall.ctx, hall.key, approved=None, by="Ada")):
            with pytest.raises(CdfError, match=r'WRITE for space "links-before" is not granted'):
                attempt(hall)
        assert world.records.note(hall.key, RETRACTED) is None
        assert reconcile_quiet(hall.ctx, hall.key) == []
    undo_one(hall, SECOND)
    again(hall)
    assert (links(hall, FIRST), links(hall, SECOND)) == (3, 0)
    assert decided(hall) == {(SECOND, "rejected", "somebody in CDF")}
    world.cdf.client.data_modeling.instances.delete(edges=[edge.as_id() for tag in PLACES for edge in edges(hall, tag)])
    world.cdf.client.data_modeling.spaces.delete("links-before")
    monkeypatch.setattr(world, "cdf", limited_to(world, site.space, "plant"))
    with pytest.raises(CdfError, match=f"{hall.key}/{NOTES}/left-links.json"):
        again(hall)
    world.records.store.remove(f"{hall.key}/{NOTES}/left-links.json")
    again(hall)
    assert (links(hall, FIRST), links(hall, SECOND)) == (3, 0)


def test_links_that_went_with_an_object_that_was_replaced_are_no_decision(core: Hall) -> None:
    instances = core.world.cdf.client.data_modeling.instances
    old = object_of(core, FIRST)
    instances.delete(nodes=old)
    view = ViewId("cdf_cdm", "Cognite3DObject", "v1")
    made = {"space": old.space, "externalId": f"redone-{old.external_id}"}
    instances.apply(
        [
            NodeApply(made["space"], made["externalId"], sources=[NodeOrEdgeData(view, {"name": FIRST})]),
            NodeApply("plant", FIRST, sources=[NodeOrEdgeData(ASSET, {"object3D": made})]),
        ]
    )
    assert len(reconciled(core).missing) == 3
    for _ in range(2):
        again(core)
        assert decided(core) == set()
        assert (linked(core), links(core, FIRST)) == (set(PLACES), 3), "they start at the new object"
    assert reconciled(core) == LinkDrift()
    undo_one(core, FIRST)
    again(core)
    assert links(core, FIRST) == 0


def test_links_that_went_with_an_object_or_all_at_once_are_no_decision(core: Hall) -> None:
    instances = core.world.cdf.client.data_modeling.instances
    instances.delete(nodes=object_of(core, FIRST))
    for _ in range(2):
        again(core)
        assert decided(core) == set()
        assert (linked(core), links(core, FIRST)) == (set(PLACES), 3), "CDF makes another object"
    there = [edge for tag in PLACES for edge in edges(core, tag)]
    instances.delete(edges=[EdgeId(edge.space, edge.external_id) for edge in there])
    again(core)
    assert decided(core) == set()
