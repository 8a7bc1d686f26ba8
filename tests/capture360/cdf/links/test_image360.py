"""Links in data modeling projects: one edge a pair, never against others, and in the place where the plate was seen."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import pytest
from cognite.client import CogniteClient
from cognite.client.data_classes.data_modeling import EdgeApply, EdgeId, NodeApply, NodeId, NodeOrEdgeData

import core_project as core
import viewer
from capture360.cdf.client import CdfProject, Connection
from capture360.cdf.link_ports import LeftLinks, LinksWritten
from capture360.cdf.links.image360 import Image360Links
from capture360.cdf.links.lost_objects import free_assets
from capture360.errors import CdfUnavailableError, ConfigError
from capture360.model import Asset, Detection, Match, Pose, PublishedImage
from capture360.settings.landing import Landing
from capture360.settings.site import Site
from cdf_sandbox.core.options import ProjectMode
from local_cdf import RunningSandbox, fast_options, run_sandbox

PLATE = ((0.2, 0.3), (0.4, 0.31), (0.4, 0.36), (0.2, 0.35))
ELSEWHERE = ((0.7, 0.7), (0.9, 0.7), (0.9, 0.8), (0.7, 0.8))
URL = "*/3d/contextualization/image360"
SITE = Site(id="hall", name="Hall", space=core.SPACE, landing=Landing(url="memory://none"))
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    options = fast_options(tmp_path_factory.mktemp("cdf"), ProjectMode.DATA_MODELING)
    with run_sandbox(options) as sandbox:
        for collection in ("collection", "other"):
            core.make_collection(sandbox.client(), collection)
        yield sandbox


@pytest.fixture(scope="module")
def cdf(running: RunningSandbox) -> CdfProject:
    connection = Connection.from_mapping({**running.connection, "mode": "data_modeling"}, "test")
    return CdfProject(connection)


@pytest.fixture(scope="module")
def client(cdf: CdfProject) -> CogniteClient:
    return cdf.client


class Hall:
    """One image, and assets of its own, for one test."""

    def __init__(self, cdf: CdfProject) -> None:
        self.cdf, self.client = cdf, cdf.client
        self.left: LeftLinks = {}
        number = next(_numbers)
        self.image = self.make_image(f"image-{number}")
        self.pump, self.valve = (self.make_asset(f"{name}-{number}") for name in ("P", "V"))

    def make_image(self, name: str, **how: Any) -> PublishedImage:
        core.make_image(self.client, name, **how)
        return PublishedImage(name, core.SPACE, "station", Pose((0, 0, 0), (1, 0, 0, 0)), {})

    def make_asset(self, name: str) -> Asset:
        core.make_asset(self.client, name)
        return Asset(f"{core.SPACE}/{name}", name, (name,))

    def writer(self) -> Image360Links:
        return Image360Links(self.cdf, SITE, self.left)

    def write(self, *matches: Match, images: Sequence[PublishedImage] = ()) -> LinksWritten:
        """What the step does: write, record what is left, discard."""
        writer = self.writer()
        written = writer.write(images or [self.image], matches)
        self.left = {**self.left, **written.left}
        writer.discard(written.outdated)
        return written

    def match(self, asset: Asset, status: str = "approved", outline: Any = PLATE, **where: Any) -> Match:
        place = {"image": self.image.external_id, "face": "front"} | where
        detection = Detection(text=asset.name, score=0.99, polygon=outline, **place)
        return Match(detection, asset, 0.999, status, "exact")

    def edges(self, *images: PublishedImage) -> list[Any]:
        names = {image.external_id for image in images or (self.image,)}
        return [edge for edge in core.edges(self.client) if edge.end_node.external_id in names]


@pytest.fixture
def hall(cdf: CdfProject) -> Hall:
    return Hall(cdf)


def test_a_pair_has_one_edge_with_all_its_outlines(hall: Hall) -> None:
    matches = [hall.match(hall.pump), hall.match(hall.pump, outline=ELSEWHERE), hall.match(hall.valve, face="left")]
    written = hall.write(*matches)
    assert (written.approved, written.refused) == (2, ())
    lengths = sorted(len(edge.properties[core.ANNOTATION]["polygon"]) for edge in hall.edges())
    assert lengths == [9, 18]
    assert core.object_of(hall.client, hall.pump.name) is not None


def test_a_corner_in_the_middle_of_the_front_is_taken(hall: Hall) -> None:
    """Its polar angle is pi, which rounded is more than CDF takes."""
    outline = ((0.5, 0.5), (0.6, 0.5), (0.6, 0.55), (0.5, 0.55))
    written = hall.write(hall.match(hall.pump, outline=outline))
    assert written.refused == ()
    assert written.approved == 1


def test_written_again_nothing_is_sent(running: RunningSandbox, hall: Hall) -> None:
    matches = [hall.match(hall.pump), hall.match(hall.valve)]
    hall.write(*matches)
    before = running.mutating()
    again = hall.write(*matches)
    assert (again.kept, again.approved, again.removed) == (2, 0, 0)
    assert running.mutating() == before


def test_an_object_that_is_there_is_used(hall: Hall) -> None:
    core.apply(hall.client, "thing", core.OBJECT, {"name": "by somebody"})
    core.apply(hall.client, hall.pump.name, core.ASSET, {"object3D": {"space": core.SPACE, "externalId": "thing"}})
    hall.write(hall.match(hall.pump))
    (edge,) = hall.edges()
    assert edge.start_node.external_id == "thing"


def test_links_that_went_with_a_deleted_object_are_written_again(hall: Hall) -> None:
    links = hall.match(hall.pump), hall.match(hall.valve)
    hall.write(*links)
    thing = core.object_of(hall.client, hall.pump.name)
    assert thing is not None
    assert hall.left[f"{core.SPACE}/{hall.image.external_id}"].spaces == (core.SPACE,)
    hall.client.data_modeling.instances.delete(nodes=NodeId(thing["space"], thing["externalId"]))
    assert len(hall.edges()) == 1
    free_assets(hall.client, [hall.pump.ref], ["another"])
    assert core.object_of(hall.client, hall.pump.name) == thing, "where nobody may look it may only be hidden"
    again = hall.write(*links)
    assert (again.approved, again.kept, again.decided, again.refused) == (1, 1, 0, ())
    assert len(hall.edges()) == 2
    assert hall.write(*links).kept == 2


def test_an_object_without_data_is_no_deleted_one(hall: Hall) -> None:
    """The SDK creates such a node as target of a relation, and a view does not show it."""
    hall.client.data_modeling.instances.apply(NodeApply(core.SPACE, "bare"))
    core.apply(hall.client, hall.pump.name, core.ASSET, {"object3D": {"space": core.SPACE, "externalId": "bare"}})
    hall.write(hall.match(hall.pump))
    (edge,) = hall.edges()
    assert edge.start_node.external_id == "bare"
    hall.client.data_modeling.instances.delete(edges=edge.as_id())
    again = hall.write(hall.match(hall.pump))
    assert (again.approved, again.decided) == (0, 1), "a person removed the link, and its object is there"


def test_suggestions_stay_in_the_records(running: RunningSandbox, hall: Hall) -> None:
    before = running.mutating()
    written = hall.write(hall.match(hall.pump, "suggested"))
    assert (written.only_recorded, written.suggested, written.approved) == (1, 0, 0)
    assert running.mutating() == before


def link_by_hand(hall: Hall, asset: Asset) -> None:
    polygon = {"version": "2.0.0", "data": [3, 1.5, 0.1, 1.5, 0.2, 1.6, 0.2]}
    config = {
        "object3DSpace": core.SPACE, "contextualizationSpace": core.SPACE, "revision": core.ref("collection")
    }  # fmt: skip
    item = {"asset": core.ref(asset.name), "image360": core.ref(hall.image.external_id), "polygon": polygon}
    url = f"/api/v1/projects/{hall.cdf.connection.project}/3d/contextualization/image360"
    hall.client.post(url, {"items": [item], "dmsContextualizationConfig": config}, headers=core.BETA)


def test_a_pair_that_was_there_before_us_is_left_alone(hall: Hall) -> None:
    link_by_hand(hall, hall.pump)
    (theirs,) = hall.edges()
    written = hall.write(hall.match(hall.pump))
    assert (written.decided, written.approved) == (1, 0)
    assert hall.write().removed == 0
    assert hall.writer().remove([hall.image], [], dry_run=False) == []
    (still,) = hall.edges()
    assert (still.external_id, still.version) == (theirs.external_id, theirs.version)


def test_what_people_linked_is_named_for_there_is_no_plate_to_it(hall: Hall) -> None:
    hall.write(hall.match(hall.valve))
    assert hall.writer().decided([hall.image], []) == ([], [])
    link_by_hand(hall, hall.pump)
    found, (sentence,) = hall.writer().decided([hall.image], [])
    assert found == []
    assert sentence.startswith(f"link {core.SPACE}/")
    assert sentence.endswith("was made or changed by somebody in CDF")


def test_what_a_person_removed_does_not_come_back(hall: Hall) -> None:
    hall.write(hall.match(hall.pump))
    (edge,) = hall.edges()
    hall.client.data_modeling.instances.delete(edges=EdgeId(edge.space, edge.external_id))
    again = hall.write(hall.match(hall.pump))
    assert (again.decided, again.approved, hall.edges()) == (1, 0, [])


def test_an_edge_tells_that_it_is_ours(hall: Hall) -> None:
    hall.write(hall.match(hall.pump))
    (edge,) = hall.edges()
    said = edge.properties[core.ANNOTATION]
    assert (said["sourceContext"], said["sourceCreatedUser"], said["confidence"]) == ("capture360", "capture360", 0.999)


@pytest.mark.parametrize("change", [{"status": "Rejected"}, {"name": "seen from behind"}, {"confidence": 0.5}])
def test_what_a_person_wrote_on_our_edge_is_kept(hall: Hall, change: dict[str, Any]) -> None:
    hall.write(hall.match(hall.pump))
    (edge,) = hall.edges()
    hall.client.data_modeling.instances.apply(
        edges=EdgeApply(
            edge.space, edge.external_id, edge.type, edge.start_node, edge.end_node,
            sources=[NodeOrEdgeData(core.ANNOTATION, change)],
        )
    )  # fmt: skip
    assert hall.write().removed == 0
    assert hall.writer().compare([hall.image], [hall.match(hall.pump)]).changed
    again = hall.write(hall.match(hall.pump, outline=ELSEWHERE))
    assert (again.decided, again.approved, len(hall.edges())) == (1, 0, 1)
    assert len(hall.writer().remove([hall.image], [], dry_run=True)) == 1


def test_what_a_person_changed_is_kept(hall: Hall) -> None:
    hall.write(hall.match(hall.pump))
    link_by_hand(hall, hall.pump)
    assert hall.write().removed == 0
    again = hall.write(hall.match(hall.pump, outline=ELSEWHERE))
    assert (again.decided, again.approved, len(hall.edges())) == (1, 0, 2)


def test_what_the_newest_matches_no_longer_hold_goes(hall: Hall) -> None:
    hall.write(hall.match(hall.pump), hall.match(hall.valve))
    again = hall.write(hall.match(hall.valve))
    assert (again.removed, again.kept, len(hall.edges())) == (1, 1, 1)
    back = hall.write(hall.match(hall.pump), hall.match(hall.valve))
    assert (back.approved, len(hall.edges())) == (1, 2)


def test_a_pair_seen_elsewhere_is_written_anew(hall: Hall) -> None:
    hall.write(hall.match(hall.pump))
    (old,) = hall.edges()
    again = hall.write(hall.match(hall.pump, outline=ELSEWHERE))
    assert (again.approved, again.removed) == (1, 0)
    (new,) = hall.edges()
    assert new.properties[core.ANNOTATION]["polygon"] != old.properties[core.ANNOTATION]["polygon"]


@pytest.mark.parametrize("repeats", [True, False], ids=["the client repeats", "the client gives up"])
def test_an_answer_that_was_lost_doubles_nothing(
    hall: Hall, order: Callable[..., None], monkeypatch: pytest.MonkeyPatch, repeats: bool
) -> None:
    if not repeats:
        monkeypatch.setattr("cognite.client.global_config.max_retries", 0)
    order(method="POST", path=URL, effect="commit-then-reset")
    written = hall.write(hall.match(hall.pump), hall.match(hall.valve))
    assert (written.approved, len(hall.edges())) == (2, 2)
    assert hall.write(hall.match(hall.pump), hall.match(hall.valve)).kept == 2


def test_what_never_arrived_is_told_and_done_by_the_next_run(
    hall: Hall, order: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cognite.client.global_config.max_retries", 0)
    order(method="POST", path=URL, effect="status", status=503)
    with pytest.raises(CdfUnavailableError, match="does not show 1 of 1 links"):
        hall.write(hall.match(hall.pump))
    assert hall.write(hall.match(hall.pump)).approved == 1
    assert len(hall.edges()) == 1


def test_a_500_for_a_space_that_is_missing_is_read_so_and_not_retried(
    running: RunningSandbox, hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody deletes the space between our look at it and the request."""
    site = SITE.model_copy(update={"data_modeling": SITE.data_modeling.model_copy(update={"links_space": "soon-gone"})})
    monkeypatch.setattr("capture360.cdf.links.image360.ensure_space", lambda *_, **__: None)
    with pytest.raises(ConfigError, match=r'answered 500.*space "soon-gone" is not in project .* Create it') as raised:
        Image360Links(hall.cdf, site, {}).write([hall.image], [hall.match(hall.pump)])
    assert not raised.value.retryable
    assert hall.edges() == []


def test_a_500_for_another_reason_is_retried(
    hall: Hall, order: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    order(method="POST", path=URL, effect="status", status=500)
    with pytest.raises(CdfUnavailableError, match="does not show 1 of 1 links"):
        hall.write(hall.match(hall.pump))


def test_a_global_space_is_refused_by_name(hall: Hall) -> None:
    site = SITE.model_copy(update={"data_modeling": SITE.data_modeling.model_copy(update={"objects_space": "cdf_cdm"})})
    with pytest.raises(ConfigError, match=r'Space "cdf_cdm" belongs to CDF itself'):
        Image360Links(hall.cdf, site, {}).write([hall.image], [hall.match(hall.pump)])


def killed_before_its_mark(hall: Hall, monkeypatch: pytest.MonkeyPatch, *matches: Match) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr("capture360.cdf.links.image360.mark", killed)
        hall.write(*matches)


@pytest.mark.parametrize("before", [False, True], ids=["first", "in another place before"])
def test_a_run_that_was_killed_before_it_marked_its_link_leaves_ours(
    hall: Hall, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    """It is found by its polygons, doubled or not."""
    match = hall.match(hall.pump)
    if before:
        hall.write(hall.match(hall.pump, outline=ELSEWHERE))
    killed_before_its_mark(hall, monkeypatch, match)
    bare = next(edge for edge in hall.edges() if "sourceContext" not in edge.properties[core.ANNOTATION])
    link_again(hall, hall.pump, polygon_of(bare))
    assert hall.writer().of_people([hall.image], [match]) == []
    assert hall.writer().compare([hall.image], [match]).unmarked
    assert len(hall.writer().remove([hall.image], [match], dry_run=True)) == 2 + before
    again = hall.write(match)
    assert (again.decided, again.approved, again.kept) == (0, 0, 1)
    (edge,) = hall.edges()
    assert edge.properties[core.ANNOTATION]["sourceContext"] == "capture360"
    assert hall.write().removed == 1
    assert hall.edges() == []


def test_an_orphan_of_a_run_that_was_killed_before_its_mark_goes(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_before_its_mark(hall, monkeypatch, hall.match(hall.pump))
    hall.client.data_modeling.instances.delete(nodes=NodeId(core.SPACE, hall.pump.name))
    (refused,) = hall.write(hall.match(hall.pump)).refused
    assert "deleted meanwhile" in refused
    assert hall.edges() == []


def test_a_link_that_others_made_after_a_run_was_killed_is_theirs(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_before_its_mark(hall, monkeypatch, hall.match(hall.pump))
    (edge,) = hall.edges()
    theirs = [number + 1e-6 if place in (1, 2) else number for place, number in enumerate(polygon_of(edge))]
    hall.client.data_modeling.instances.delete(edges=[EdgeId(edge.space, edge.external_id)])
    link_again(hall, hall.pump, theirs)
    before = [each.external_id for each in hall.edges()]
    assert hall.write(hall.match(hall.pump)).decided == 1
    assert hall.write().removed == 0
    assert hall.writer().remove([hall.image], [hall.match(hall.pump)], dry_run=False) == []
    assert [each.external_id for each in hall.edges()] == before


def test_a_link_that_was_to_be_discarded_when_a_run_was_killed_is_no_decision(hall: Hall) -> None:
    """What is left is recorded before, so that the link can be made again."""
    hall.write(hall.match(hall.pump))
    hall.left = hall.writer().write([hall.image], []).left
    again = hall.write()
    assert (again.removed, hall.edges()) == (1, [])
    assert hall.write(hall.match(hall.pump)).approved == 1


def test_an_image_that_was_made_anew_is_linked_anew(hall: Hall) -> None:
    hall.write(hall.match(hall.pump))
    hall.client.data_modeling.instances.delete(nodes=NodeId(core.SPACE, hall.image.external_id))
    hall.make_image(hall.image.external_id)
    assert hall.edges() == []
    assert hall.write(hall.match(hall.pump)).approved == 1


def polygon_of(edge: Any) -> list[float]:
    return list(edge.properties[core.ANNOTATION]["polygon"])


def link_again(hall: Hall, asset: Asset, data: list[float]) -> None:
    config = {
        "object3DSpace": core.SPACE, "contextualizationSpace": core.SPACE, "revision": core.ref("collection")
    }  # fmt: skip
    polygon = {"version": "2.0.0", "data": data}
    item = {"asset": core.ref(asset.name), "image360": core.ref(hall.image.external_id), "polygon": polygon}
    url = f"/api/v1/projects/{hall.cdf.connection.project}/3d/contextualization/image360"
    hall.client.post(url, {"items": [item], "dmsContextualizationConfig": config}, headers=core.BETA)


def test_an_asset_that_is_gone_costs_only_its_own_pair(hall: Hall) -> None:
    gone = Asset(f"{core.SPACE}/gone", "21-PT-9999", ("21-PT-9999",))
    written = hall.write(hall.match(gone), hall.match(hall.pump), hall.match(hall.valve))
    assert (written.approved, len(hall.edges())) == (2, 2)
    (told,) = written.refused
    assert "21-PT-9999 was deleted meanwhile" in told
    assert gone.ref not in hall.left[f"{core.SPACE}/{hall.image.external_id}"].assets


def test_no_edge_of_ours_is_left_without_its_asset(hall: Hall) -> None:
    hall.write(hall.match(hall.pump), hall.match(hall.valve))
    hall.client.data_modeling.instances.delete(nodes=NodeId(core.SPACE, hall.pump.name))
    again = hall.write(hall.match(hall.pump), hall.match(hall.valve))
    assert (again.kept, again.decided, len(again.refused), len(hall.edges())) == (1, 0, 1, 1)


def test_an_orphan_of_others_is_told(hall: Hall) -> None:
    link_by_hand(hall, hall.pump)
    hall.client.data_modeling.instances.delete(nodes=NodeId(core.SPACE, hall.pump.name))
    written = hall.write()
    (told,) = written.refused
    assert f"Viewers cannot enter image {core.SPACE}/{hall.image.external_id}" in told
    assert len(hall.edges()) == 1


def test_a_hundred_a_request_and_one_collection_each(running: RunningSandbox, hall: Hall) -> None:
    other = hall.make_image(f"{hall.image.external_id}-other", collection="other")
    assets = [hall.make_asset(f"{hall.image.external_id}-{number}") for number in range(103)]
    matches = [hall.match(asset) for asset in assets] + [hall.match(hall.pump, image=other.external_id)]
    before = running.mutating()
    assert hall.write(*matches, images=[hall.image, other]).approved == 104
    assert len(hall.edges(hall.image, other)) == 104
    assert running.mutating() - before == 4


def test_the_header_is_a_setting(cdf: CdfProject, hall: Hall) -> None:
    site = SITE.model_copy(update={"data_modeling": SITE.data_modeling.model_copy(update={"cdf_version": "20230101"})})
    written = Image360Links(cdf, site, {}).write([hall.image], [hall.match(hall.pump), hall.match(hall.valve)])
    assert len(written.refused) == 2
    assert all("beta" in line for line in written.refused)


def test_removing_takes_ours_alone(hall: Hall) -> None:
    link_by_hand(hall, hall.valve)
    hall.write(hall.match(hall.pump))
    planned = hall.writer().remove([hall.image], [], dry_run=True)
    assert (len(planned), len(hall.edges())) == (1, 2)
    assert hall.writer().remove([hall.image], [], dry_run=False) == planned
    assert len(hall.edges()) == 1
    assert hall.writer().remove([hall.image], [], dry_run=False) == []


def test_a_plate_over_two_faces_of_a_tilted_image_hangs_where_it_was(hall: Hall) -> None:
    """A plate in the hall, seen by the viewer on two faces; the link drawn by the viewer again."""
    angles = (0.21, -0.17, 0.4)
    name = f"{hall.image.external_id}-tilted"
    image = hall.make_image(name, angles=angles)
    turned = dict(zip(("eulerRotationX", "eulerRotationY", "eulerRotationZ"), angles, strict=True))
    middle = _edge_between(turned)
    along = np.cross(middle, np.array([0.3, 0.2, 1.0]))
    along /= np.linalg.norm(along)
    down = np.cross(middle, along)
    plate = [
        middle + 0.1 * a * along + 0.02 * b * down for a in np.linspace(-1, 1, 101) for b in np.linspace(-1, 1, 21)
    ]
    on_faces: dict[str, list[tuple[float, float]]] = {}
    for point in plate:
        face, u, v = viewer.look(turned, point / np.linalg.norm(point))
        on_faces.setdefault(face, []).append((u, v))
    assert len(on_faces) == 2
    matches = [
        hall.match(hall.pump, outline=_outline(points), image=name, face=face) for face, points in on_faces.items()
    ]
    assert hall.write(*matches, images=[image]).approved == 1
    (link,) = hall.edges(image)
    count, *numbers = link.properties[core.ANNOTATION]["polygon"]
    assert len(numbers) == 2 * count
    drawn = [viewer.look_at_link(turned, *pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)]
    corners = [plate[0], plate[20], plate[-21], plate[-1]]
    for corner in corners:
        ray = corner / np.linalg.norm(corner)
        assert min(np.linalg.norm(ray - vertex) for vertex in drawn) < 1e-5
    for vertex in drawn:
        point = vertex / (vertex @ middle)
        assert abs(point @ along) < 0.1 + 1e-5
        assert abs(point @ down) < 0.02 + 1e-5


def _edge_between(turned: dict[str, float]) -> Any:
    """A CDF direction through the edge between two faces, by the viewer."""
    before, steps = None, np.linspace(0, np.pi, 4001)
    for angle in steps:
        direction = np.array([np.cos(angle), np.sin(angle), 0.05])
        face = viewer.look(turned, direction / np.linalg.norm(direction))[0]
        if before is not None and face != before:
            return direction / np.linalg.norm(direction)
        before = face
    raise AssertionError


def _outline(points: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Those of the points that lie round the others."""
    corners = cv2.convexHull(np.array(points, dtype=np.float32), returnPoints=False).ravel()
    return tuple(points[corner] for corner in corners)
