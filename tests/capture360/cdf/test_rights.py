"""The groups of the Toolkit module: exactly what each DAG needs, and enough to do its work."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
import yaml
from cognite.client.data_classes import AssetWrite, DataSetWrite, ExtractionPipelineWrite, LabelDefinitionWrite
from cognite.client.data_classes.data_modeling import NodeApply, NodeOrEdgeData, SpaceApply

from capture360.cdf.capabilities import Need, in_space, lacking
from capture360.cdf.client import CdfProject, Connection
from capture360.cdf.links.decision_nodes import VIEW
from capture360.cdf.project_mode import ModeName
from capture360.cdf.readiness import check_project, fix_list, is_fit
from capture360.cdf.registry import mode_of
from capture360.cdf.rights import WORKS, Work, as_capabilities, decision_needs, require_rights, rights
from capture360.cdf.three_d.jobs import FOR_JOBS
from capture360.errors import ConfigError
from capture360.model import CaptureKey, Detection
from capture360.steps.detect import images_of
from capture360.steps.ingest import ingest
from capture360.steps.made import made_by
from capture360.steps.reconcile import reconcile_site
from capture360.steps.retract import plan_retraction, retract
from capture360.steps.status import report_sensing, report_success
from capture360_local.demo.container import deploy_container
from cdf_sandbox.core.access import Access
from cdf_sandbox.core.auth import register_client
from cdf_sandbox.core.options import ProjectMode
from confirmed_deliveries import delivered
from ingest_world import World
from local_cdf import RunningSandbox, fast_options, run_sandbox
from scans import scan, write_scans
from suggested_links import ASSET, CERTAIN, DOUBTFUL, TAGS, Hall, delete_link, outline

MODULES = Path(__file__).parents[3] / "cdf"
VALUES = yaml.safe_load((MODULES / "config.dev.yaml").read_text())["variables"]["modules"]["capture360"]
SITE: Mapping[str, Any] = {
    "space": VALUES["space"],
    "create_space": False,
    "extraction_pipeline": VALUES["pipeline"],
    "links": {"asset_spaces": (VALUES["asset_space"],)},
}


def built(path: str) -> dict[str, Any]:
    """A file of the module with its variables put in, as `cdf build` does."""
    text = (MODULES / "modules" / "capture360" / path).read_text()
    document = yaml.safe_load(re.sub(r"\{\{ *(\w+) *\}\}", lambda match: str(VALUES[match[1]]), text))
    assert isinstance(document, dict)
    return document


def group(work: Work) -> list[dict[str, Any]]:
    return list(built(f"auth/{work}.Group.yaml")["capabilities"])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """A project in which the module was deployed but for its groups."""
    with run_sandbox(fast_options(tmp_path_factory.mktemp("cdf"), ProjectMode.DATA_MODELING)) as sandbox:
        client = sandbox.client()
        space = built("data_modeling/captures.Space.yaml")
        client.data_modeling.spaces.apply(SpaceApply(space["space"], space["description"], space["name"]))
        client.data_modeling.spaces.apply(SpaceApply(VALUES["asset_space"]))
        deploy_container(client)
        data_set = client.data_sets.create(DataSetWrite(built("data_sets/captures.DataSet.yaml")["externalId"]))
        pipeline = built("extraction_pipelines/captures.ExtractionPipeline.yaml")
        assert pipeline["dataSetExternalId"] == data_set.external_id
        assert data_set.id is not None
        client.extraction_pipelines.create(
            ExtractionPipelineWrite(
                pipeline["externalId"], pipeline["name"], data_set_id=data_set.id, schedule=pipeline["schedule"]
            )
        )
        yield sandbox


@pytest.fixture
def world(running: RunningSandbox, tmp_path: Path) -> World:
    return World(running, tmp_path, "data_modeling", **SITE)


@pytest.mark.parametrize("work", WORKS)
def test_a_group_grants_exactly_what_its_dags_need(world: World, work: Work) -> None:
    assert group(work) == as_capabilities(rights(world.cdf, world.site)[work])


@pytest.mark.parametrize("work", WORKS)
def test_each_capability_of_a_group_is_needed(world: World, work: Work) -> None:
    needs = rights(world.cdf, world.site)[work]
    assert lacking(group(work), needs) == []
    for number, capability in enumerate(group(work)):
        ((acl, grant),) = capability.items()
        for action in grant["actions"]:
            left = {acl: {**grant, "actions": [each for each in grant["actions"] if each != action]}}
            missing = lacking([*group(work)[:number], left, *group(work)[number + 1 :]], needs)
            assert {(need.acl, need.action) for need in missing} == {(acl, action)}


def test_the_to_do_ticks_what_the_module_deploys(world: World) -> None:
    lines = fix_list(world.connection, world.site, check_project(world.connection, world.site, 1))
    assert [line for line in lines if line.startswith("- [")] == [
        f'- [x] space "{VALUES["space"]}"',
        f'- [x] space "{VALUES["asset_space"]}"',
        "- [x] container and view of people's decisions",
        f'- [x] extraction pipeline "{VALUES["pipeline"]}"',
    ]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, set[tuple[str, str]]]:
    """Which capabilities CDF asked each client for."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    asks = Access.scopes

    def recorded(access: Access, acl: str, action: str) -> Any:
        found[access.client_id].add((acl, action))
        return asks(access, acl, action)

    monkeypatch.setattr(Access, "scopes", recorded)
    return found


SPACES = {
    "space": "images",
    "assets": "plant",
    "scene": "scenes",
    "files": "faces",
    "links": "links",
    "objects": "things",
}
"""A space of its own for everything that can have one."""


@contextmanager
def project(root: Path, mode: ModeName) -> Iterator[World]:
    """A project of a mode with what the site's settings name, and a site that uses all that its mode offers."""
    classic = mode != "data_modeling"
    with run_sandbox(fast_options(root / "cdf", mode, revision_queue=0, revision_processing=0)) as running:
        client = running.client()
        client.data_modeling.spaces.apply([SpaceApply(each) for each in (*SPACES.values(), "scans")])
        data_set = client.data_sets.create(DataSetWrite("set"))
        client.extraction_pipelines.create(ExtractionPipelineWrite("p", "p", data_set_id=data_set.id))
        if mode == "data_modeling":
            deploy_container(client)
        if classic:
            client.labels.create(LabelDefinitionWrite("label", "label"))
        if mode == "asset_centric":
            client.assets.create([AssetWrite(name=tag, external_id=tag) for tag in TAGS])
        else:
            assets = [NodeApply("plant", tag, sources=[NodeOrEdgeData(ASSET, {"name": tag})]) for tag in TAGS]
            client.data_modeling.instances.apply(assets)
        site: dict[str, Any] = {
            "space": "images",
            "create_space": False,
            "extraction_pipeline": "p",
            "scene": {"external_id": "hall", "space": "scenes"},
            "links": {} if mode == "asset_centric" else {"asset_spaces": ("plant",)},
            "e57": {"space": "scans"},
            "data_modeling": {"files_space": "faces", "links_space": "links", "objects_space": "things"},
            **({"files": {"data_set": "set", "labels": ["label"]}} if classic else {}),
        }
        yield World(running, root, mode, **site)


class Members:
    """Credentials with the needs of `rights`, for each kind of work."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.needs = rights(world.cdf, world.site)

    def work(self, work: Work) -> World:
        """The world as the DAGs of that work see it."""
        self.world.cdf = self.granted(work, self.needs[work])
        return self.world

    def granted(self, client_id: str, needs: Sequence[Need]) -> CdfProject:
        """The project as a client sees it that may do just this."""
        scoped = [{**each, "projectScope": {"projects": ["capture360"]}} for each in as_capabilities(needs)]
        secret = register_client(self.world.running.sandbox, client_id, scoped)
        values = {**self.world.running.connection, "mode": self.world.connection.mode, "client_id": client_id}
        return CdfProject(Connection.from_mapping({**values, "client_secret": secret}, "test"))


def contextualize(world: World, key: CaptureKey, run: str) -> None:
    """Read plates on the last image as if by OCR, link them, and have one approved and one rejected."""
    state = world.records.load(key)
    assert state is not None
    hall = Hall(world, key, state.fingerprint)
    *_, image = images_of(hall.ctx, key, state.fingerprint)
    assert mode_of(world.cdf).images(world.cdf, world.site).face_content(image.faces["front"])
    places = [outline(0.05, 0.1 + 0.2 * number, 0.15) for number in range(4)]
    scores = (CERTAIN, DOUBTFUL, DOUBTFUL, DOUBTFUL)
    hall.read_as(map(Detection, repeat(image.external_id), repeat("front"), TAGS, scores, places))
    hall.answer(hall.begin(), "Leave the rest", "1", "2")
    report_success(world.ctx(run), key, "contextualization")


@pytest.mark.parametrize("mode", ["asset_centric", "hybrid", "data_modeling"])
def test_the_rights_are_enough_for_every_work_and_all_are_asked_for(
    tmp_path: Path, asked: Mapping[str, set[tuple[str, str]]], mode: ModeName
) -> None:
    with project(tmp_path, mode) as world:
        members, full = Members(world), world.cdf
        keys = [world.drop("whole", stations=2).key]
        if mode != "data_modeling":
            keys.append(write_scans(world.landing, "scanned", {"scan.e57": scan((1,), width=64)}).key)
        for key in keys:
            members.work("ingest")
            ingest(world.ctx(f"ingest {key}"), key)
            contextualize(members.work("contextualize"), key, f"contextualize {key}")
        # A revision without the linked station removes it with its links.
        members.work("ingest")
        world.ingest(delivered(world, "whole", 1, revision=2, shade=9), "second")
        report_sensing(world.site, world.cdf, world.said.append)
        contextualize(members.work("contextualize"), keys[0], "second")
        assert reconcile_site(members.work("reconcile").ctx()).findings == []
        if mode == "asset_centric":  # the only mode whose assets are read for missing links alone
            world.cdf = full
            delete_link(Hall(world, keys[0], str(world.records.newest_with(keys[0], "annotate"))))
            assert [found.rule for found in reconcile_site(members.work("reconcile").ctx()).findings] == ["R08"]
        # The last capture has 3D models or revisions, and stays whole without the right to delete them.
        refused = Need("threedAcl", "DELETE")
        world.cdf = members.granted("keeps 3D", [need for need in members.needs["retract"] if need != refused])
        rows = check_project(world.cdf.connection, world.site, 1)
        row, *others = [row for row in rows if row.needed_for == "retractions"]
        assert (row.what, row.state, others) == (str(refused), "missing", [])
        with pytest.raises(ConfigError, match=f"^{refused} is not granted in project capture360"):
            plan_retraction(world.ctx(), keys[-1])
        if mode != "data_modeling":
            assert plan_retraction(world.ctx(), keys[0]).made
        members.work("retract")
        for key in keys:
            retract(world.ctx(), key, approved=plan_retraction(world.ctx(), key).digest, by="Ada")
            assert not made_by(world.ctx(), key).made
        assert not [line for line in world.said if "not up to date" in line or "Nobody looked" in line]
        for work in WORKS:
            granted = {(need.acl, need.action) for need in members.needs[work]}
            assert granted - asked[work] == set(), f"{work}: granted, and never asked for"


@pytest.mark.parametrize("mode", ["hybrid", "data_modeling"])
def test_a_space_that_a_group_lacks_is_named(tmp_path: Path, mode: ModeName) -> None:
    """By doctor and by the work that needs it, with the action, and no other need is."""
    with project(tmp_path, mode) as world:
        members = Members(world)
        needs = list(dict.fromkeys(need for work in WORKS for need in members.needs[work]))
        in_spaces = [need for need in needs if need.scope.name == "spaceIdScope"]
        assert len(in_spaces) == (12 if mode == "data_modeling" else 7)
        for number, left_out in enumerate(in_spaces):
            decides = left_out in decision_needs(world.cdf, world.site)
            cdf = members.granted(f"without {number}", [need for need in needs if need != left_out])
            rows = check_project(cdf.connection, world.site, 1)
            assert {row.what for row in rows if row.state == "missing"} == {str(left_out)}
            for_decisions = [row for row in rows if row.needed_for == "decisions in CDF" and row.state == "missing"]
            assert len(for_decisions) == decides
            for work in WORKS:
                with pytest.raises(ConfigError) if left_out in members.needs[work] else nullcontext() as refused:
                    require_rights(cdf, world.site, work)
                if refused is not None:
                    sentence = f"{left_out} is not granted in project capture360. Ask its administrator for it."
                    assert refused.value.message == sentence


def test_without_the_container_its_capability_is_not_required_and_the_to_do_has_a_line(tmp_path: Path) -> None:
    with project(tmp_path, "data_modeling") as world:
        world.cdf.client.data_modeling.views.delete(VIEW.id)
        members = Members(world)
        writing = Need("dataModelInstancesAcl", "WRITE", in_space("images"))
        needs = [need for need in members.needs["contextualize"] if need != writing]
        cdf = members.granted("reader", needs)
        require_rights(cdf, world.site, "contextualize")
        rows = check_project(world.connection, world.site, 1)
        (line,) = [line for line in fix_list(world.connection, world.site, rows) if "PlateDecision" in line]
        assert line.startswith("- [ ] Decisions of people about plates are kept in the records alone")
        assert line.endswith("to keep them in CDF. (for decisions in CDF)")
        assert is_fit(rows)
        deploy_container(world.cdf.client)
        with pytest.raises(ConfigError, match=f"{writing} is not granted"):
            require_rights(cdf, world.site, "contextualize")


def test_a_need_for_everything_covers_that_for_a_space() -> None:
    needs = [
        Need("dataModelInstancesAcl", "READ"),
        Need("dataModelInstancesAcl", "READ", in_space("a")),
        Need("dataModelInstancesAcl", "WRITE", in_space("a")),
        Need("dataModelInstancesAcl", "WRITE", in_space("b")),
    ]
    assert as_capabilities(needs) == [
        {"dataModelInstancesAcl": {"actions": ["READ"], "scope": {"all": {}}}},
        {"dataModelInstancesAcl": {"actions": ["WRITE"], "scope": {"spaceIdScope": {"spaceIds": ["a", "b"]}}}},
    ]


@pytest.mark.parametrize("mode", ["asset_centric", "hybrid", "data_modeling"])
def test_every_mode_has_its_rights(running: RunningSandbox, tmp_path: Path, mode: str) -> None:
    world = World(running, tmp_path, mode, **SITE)
    found = rights(world.cdf, world.site)
    page = (MODULES.parent / "docs" / "how-to" / "use-a-real-project.md").read_text()
    for need in (need for work in WORKS for need in found[work]):
        assert re.search(f"`{need.acl}`[^`]*\\b{need.action}\\b", page), f"{need} is not on the page"
    links = {need.acl for need in found["contextualize"]}
    assert ("annotationsAcl" in links) is (mode != "data_modeling")
    writes = {str(need) for need in found["reconcile"] if need.action not in ("READ", "LIST")}
    assert not writes, "a comparison changes nothing"
    assert ("assetsAcl" in links) is (mode == "asset_centric")
    assert ("sessionsAcl" in {need.acl for need in found["ingest"]}) is (mode != "data_modeling")


def test_3d_jobs_need_the_core_data_model(running: RunningSandbox, tmp_path: Path) -> None:
    links = {"asset_spaces": ("plant",), "detector": "cdf_3d_job"}
    for changes, works in (
        ({"links": links}, {"contextualize"}),
        ({"e57": {"extraction": "cdf"}}, {"ingest", "retract"}),
        ({"e57": {"extraction": "cdf", "space": "scans"}}, {"ingest", "retract"}),
        ({}, set()),
    ):
        world = World(running, tmp_path, "data_modeling", **SITE | changes)
        found = rights(world.cdf, world.site)
        assert {work for work in WORKS if set(FOR_JOBS) <= set(found[work])} == works


def test_a_retraction_may_empty_boxes_wherever_objects_are(running: RunningSandbox, tmp_path: Path) -> None:
    links = {"asset_spaces": ("plant",), "asset_positions": True}
    spaces = {"objects_space": "things"}
    world = World(running, tmp_path, "data_modeling", **{**SITE, "links": links, "data_modeling": spaces})
    needs = rights(world.cdf, world.site)["retract"]
    written = {need.scope.value for need in needs if (need.acl, need.action) == ("dataModelInstancesAcl", "WRITE")}
    assert written == {SITE["space"], "things", "plant"}


def test_assets_of_any_space_are_read_and_linked_wherever_they_are(running: RunningSandbox, tmp_path: Path) -> None:
    world = World(running, tmp_path, "data_modeling", **{**SITE, "links": {}})
    found = {work: as_capabilities(needs) for work, needs in rights(world.cdf, world.site).items()}
    anywhere = {work: [] for work in WORKS}
    for work, groups in found.items():
        for grant in (each["dataModelInstancesAcl"] for each in groups if "dataModelInstancesAcl" in each):
            anywhere[work] += grant["actions"] if "all" in grant["scope"] else []
    assert anywhere == {
        "ingest": ["READ"],
        "contextualize": ["READ", "WRITE"],
        "reconcile": ["READ"],
        "retract": ["READ"],
    }
