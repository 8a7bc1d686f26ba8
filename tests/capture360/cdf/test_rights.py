"""The groups of the Toolkit module: exactly what each DAG needs, and enough to do its work."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from cognite.client.data_classes import DataSetWrite, ExtractionPipelineWrite
from cognite.client.data_classes.data_modeling import SpaceApply

from capture360.cdf.capabilities import Need, in_space, lacking
from capture360.cdf.client import CdfProject, Connection
from capture360.cdf.registry import mode_of
from capture360.cdf.rights import WORKS, Work, as_capabilities, rights
from capture360.model import Asset, Detection, Match
from capture360.steps.made import made_by
from capture360.steps.reconcile import reconcile
from capture360.steps.status import report_sensing, report_success
from cdf_sandbox.core.access import Access
from cdf_sandbox.core.auth import register_client
from cdf_sandbox.core.options import ProjectMode
from ingest_world import World
from local_cdf import RunningSandbox, fast_options, run_sandbox

MODULES = Path(__file__).parents[3] / "cdf"
VALUES = yaml.safe_load((MODULES / "config.dev.yaml").read_text())["variables"]["modules"]["capture360"]
SITE: Mapping[str, Any] = {
    "space": VALUES["space"],
    "create_space": False,
    "extraction_pipeline": VALUES["pipeline"],
    "links": {"asset_spaces": (VALUES["asset_space"],)},
}


NOT_ASKED_FOR = {
    # Upload links of nodes are had by this or by the capabilities of data modeling, which are looked at first.
    ("filesAcl", "WRITE"),
    # `doctor` reads the pipeline and the mode of the project; of the DAGs only those of ingest ask for the mode.
    ("extractionPipelinesAcl", "READ"),
    ("projectsAcl", "LIST"),
}
"""What the groups grant and the work of a capture does not ask for, and why."""


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


def as_member(world: World, work: Work) -> CdfProject:
    """The project for a client that is in one group of the module."""
    scoped = [{**each, "projectScope": {"projects": ["capture360"]}} for each in group(work)]
    secret = register_client(world.running.sandbox, f"member-{work}", scoped)
    values = {**world.running.connection, "mode": "data_modeling", "client_id": f"member-{work}"}
    return CdfProject(Connection.from_mapping({**values, "client_secret": secret}, "test"))


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


def test_the_groups_are_enough_for_a_capture_from_its_ingest_to_its_end(
    world: World, asked: Mapping[str, set[tuple[str, str]]]
) -> None:
    drop = world.drop("whole", stations=1)
    full = world.cdf
    world.cdf = as_member(world, "ingest")
    done = world.ingest(drop)
    assert done.published is not None
    assert reconcile(world.ctx(), drop.key) == []
    report_success(world.ctx(), drop.key, "ingest")
    report_sensing(world.site, world.cdf, world.said.append)
    assert not [line for line in world.said if "not up to date" in line]

    full.client.data_modeling.instances.apply(asset())
    world.cdf = as_member(world, "contextualize")
    mode = mode_of(world.cdf)
    (image,) = mode.images(world.cdf, world.site).images(drop.key)
    mode.images(world.cdf, world.site).face_content(image.faces["front"])
    (found,) = mode.assets(world.cdf, world.site.links).assets()
    outline = ((0.2, 0.3), (0.4, 0.3), (0.4, 0.4), (0.2, 0.4))
    detection = Detection(image=image.external_id, face="front", text="P-101", score=0.99, polygon=outline)
    match = Match(detection, Asset(found.ref, "P-101", ("P-101",)), 0.999, "approved", "exact")
    links = mode.links(world.cdf, world.site, {})
    assert links.write([image], [match]).approved == 1
    report_success(world.ctx("run 2"), drop.key, "contextualization")

    world.cdf = as_member(world, "retract")
    images = mode.images(world.cdf, world.site)
    assert len(mode.links(world.cdf, world.site, {}).remove([image], [], dry_run=True)) == 1
    made = made_by(world.ctx(), drop.key).made
    made.remove_instances(world.ctx(), drop.key)
    images.remove_faces(sorted(made.faces, key=lambda ref: ref.external_id))
    made.remove_scans(world.ctx())
    assert not made_by(world.ctx(), drop.key).made

    for work in WORKS:
        granted = {(acl, action) for each in group(work) for acl, one in each.items() for action in one["actions"]}
        assert granted - asked[f"member-{work}"] - NOT_ASKED_FOR == set(), f"{work}: granted, and never asked for"


def asset() -> Any:
    from cognite.client.data_classes.data_modeling import NodeApply, NodeOrEdgeData, ViewId

    view = ViewId("cdf_cdm", "CogniteAsset", "v1")
    return NodeApply(VALUES["asset_space"], "P-101", sources=[NodeOrEdgeData(view, {"name": "P-101"})])


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
    links = {need.acl for need in found["contextualize"]}
    assert ("annotationsAcl" in links) is (mode != "data_modeling")
    assert ("assetsAcl" in links) is (mode == "asset_centric")
    assert ("sessionsAcl" in {need.acl for need in found["ingest"]}) is (mode != "data_modeling")
