"""Options for unpublished behaviour: both values of each that no other test covers."""

import re
from contextlib import nullcontext
from dataclasses import fields
from pathlib import Path

import httpx
import pytest
from cognite.client.data_classes import ThreeDModelRevisionUpdate, ThreeDModelRevisionWrite
from cognite.client.data_classes.data_modeling import NodeId, SpaceApply, ViewId
from cognite.client.data_classes.data_modeling.cdm.v1 import (
    Cognite3DObjectApply,
    Cognite360ImageStationApply,
    CogniteAssetApply,
)
from cognite.client.exceptions import CogniteAPIError

from cdf_sandbox.core.app import create_sandbox
from cdf_sandbox.core.errors import ApiError
from cdf_sandbox.core.limits import LISTS_PER_SECOND, REQUESTS_PER_SECOND
from cdf_sandbox.core.options import ASSUMED, Options, ProjectMode, assumed

STATION = ViewId("cdf_cdm", "Cognite360ImageStation", "v1")


@pytest.mark.parametrize(("chosen", "status"), [({}, 409), ({"uniqueness_violation_status": 400}, 400)])
def test_the_status_of_a_violated_uniqueness_constraint(start_sandbox, chosen, status):
    with start_sandbox(**chosen) as running:
        client = running.client()
        client.data_modeling.spaces.apply(SpaceApply("s"))
        instances = client.data_modeling.instances
        instances.apply([Cognite3DObjectApply("s", "o"), CogniteAssetApply("s", "a", object_3d=("s", "o"))])
        with pytest.raises(CogniteAPIError, match="uniqueness constraint") as refused:
            instances.apply(CogniteAssetApply("s", "b", object_3d=("s", "o")))
        assert refused.value.code == status


@pytest.mark.parametrize(("chosen", "found"), [({}, 0), ({"byids_applies_view_filter": False}, 1)])
def test_whether_reading_by_id_applies_the_filter_of_the_view(start_sandbox, chosen, found):
    with start_sandbox(**chosen) as running:
        client = running.client()
        client.data_modeling.spaces.apply(SpaceApply("s"))
        instances = client.data_modeling.instances
        instances.apply(Cognite360ImageStationApply("s", "without_group_type", name="S"))
        ids = NodeId("s", "without_group_type")
        assert len(instances.retrieve(ids).nodes) == 1
        assert len(instances.retrieve(ids, sources=STATION).nodes) == found
        assert not instances.list("node", sources=STATION, space="s")


@pytest.mark.parametrize(("chosen", "status"), [({}, 403), ({"write_blocked_status": 400}, 400)])
def test_the_status_of_classic_writes_in_a_data_modeling_project(start_sandbox, chosen, status):
    with start_sandbox(mode=ProjectMode.DATA_MODELING, **chosen) as running, running.http() as http:
        assert http.post("/assets", json={"items": [{"name": "a"}]}).status_code == status
        assert http.post("/annotations/delete", json={"items": [{"id": 5}]}).status_code == status


@pytest.mark.parametrize(("chosen", "hides"), [({}, True), ({"published_false_hides_published": False}, False)])
def test_whether_published_false_hides_published_revisions(start_sandbox, chosen, hides):
    with start_sandbox(**chosen) as running, running.http() as http:
        client = running.client()
        file = client.files.upload_bytes(b".", name="scan.e57").id
        model = client.three_d.models.create(name="hall").id
        draft, public = (
            client.three_d.revisions.create(model, ThreeDModelRevisionWrite(file_id=file)).id for _ in range(2)
        )
        client.three_d.revisions.update(model, ThreeDModelRevisionUpdate(id=public).published.set(True))
        assert {each.id for each in client.three_d.revisions.list(model)} == ({draft} if hides else {draft, public})
        assert [each.id for each in client.three_d.revisions.list(model, published=True)] == [public]
        unfiltered = http.get(f"/3d/models/{model}/revisions").json()["items"]
        assert {each["id"] for each in unfiltered} == {draft, public}


@pytest.mark.parametrize("header", [None, "20210406", "V20210406", "20230101", "beta", "20230101-beta"])
def test_reverse_lookup_is_open_whatever_version_is_asked_for(http, header):
    """The viewer asks for an old version without the word beta."""
    headers = {} if header is None else {"cdf-version": header}
    body = {
        "filter": {
            "annotatedResourceType": "file", "annotationType": "images.AssetLink", "data": {"assetRef": {"id": 5}}
        }
    }  # fmt: skip
    answer: httpx.Response = http.post("/annotations/reverselookup", json=body, headers=headers)
    assert answer.json() == {"items": [], "annotatedResourceType": "file"}


THING = {"space": "s", "externalId": "Thing"}
VERSION = THING | {"version": "1"}


def make_thing(http):
    """A container with an index, a view of it, and a node with data in it."""
    source = {"type": "container", **THING}
    mapped = {"p": {"container": source, "containerPropertyIdentifier": "p"}}
    node = {"instanceType": "node", "space": "s", "externalId": "n", "sources": [{"source": source, "properties": {}}]}
    for path, item in (
        ("spaces", {"space": "s"}), ("containers", THING | {"properties": {"p": {"type": {"type": "text"}}}}),
        ("views", VERSION | {"properties": mapped}), ("instances", node),
    ):  # fmt: skip
        http.post(f"/models/{path}", json={"items": [item]}).raise_for_status()


@pytest.mark.parametrize(("chosen", "status"), [({}, 400), ({"views_by_ids_may_mix_versions": True}, 200)])
def test_whether_views_are_read_with_and_without_version_at_once(start_sandbox, chosen, status):
    with start_sandbox(**chosen) as running, running.http() as http:
        make_thing(http)
        other = {"space": "cdf_cdm", "externalId": "CogniteAsset"}
        for items, expected in (([VERSION, other], status), ([THING, other], 200), ([VERSION], 200)):
            assert http.post("/models/views/byids", json={"items": items}).status_code == expected


@pytest.mark.parametrize(("chosen", "status"), [({}, 400), ({"mapped_containers_can_be_deleted": True}, 200)])
def test_whether_mapped_containers_can_be_deleted(start_sandbox, chosen, status):
    with start_sandbox(**chosen) as running, running.http() as http:
        make_thing(http)
        assert http.post("/models/containers/delete", json={"items": [THING]}).status_code == status
        if status == 200:
            (left,) = http.get("/models/views", params={"space": "s"}).raise_for_status().json()["items"]
            assert left["properties"] == {}
            node = {"instanceType": "node", "space": "s", "externalId": "n"}
            wanted = {"items": [node], "inspectionOperations": {"involvedViews": {}}}
            http.post("/models/instances/inspect", json=wanted).raise_for_status()


@pytest.mark.parametrize("counted", [True, False])
def test_whether_refused_requests_count(tmp_path, counted):
    sandbox = create_sandbox(Options(tmp_path, throttled_requests_count=counted))
    limits = sandbox.limits
    path = "/api/v1/projects/p/assets"
    for number in range(REQUESTS_PER_SECOND):
        with pytest.raises(ApiError) if number >= LISTS_PER_SECOND else nullcontext():
            limits.admit("one", "POST", f"{path}/list")
    with pytest.raises(ApiError) if counted else nullcontext():
        limits.admit("one", "POST", f"{path}/byids")
    sandbox.storage.close()


@pytest.mark.parametrize(("chosen", "status"), [({}, 400), ({"deleted_instances_count": False}, 200)])
def test_whether_deleted_instances_count(start_sandbox, chosen, status):
    with start_sandbox(instance_limit=1, **chosen) as running, running.http() as http:
        http.post("/models/spaces", json={"items": [{"space": "s"}]}).raise_for_status()
        first, second = ({"instanceType": "node", "space": "s", "externalId": name} for name in "ab")
        http.post("/models/instances", json={"items": [first]}).raise_for_status()
        http.post("/models/instances/delete", json={"items": [first]}).raise_for_status()
        assert http.post("/models/instances", json={"items": [second]}).status_code == status


def test_a_read_that_takes_too_many_steps_ends_in_408_and_a_smaller_page_does_not(start_sandbox):
    with start_sandbox(query_steps=5_000) as running, running.http() as http:
        http.post("/models/spaces", json={"items": [{"space": "s"}]}).raise_for_status()
        nodes = [{"instanceType": "node", "space": "s", "externalId": str(number)} for number in range(1000)]
        http.post("/models/instances", json={"items": nodes}).raise_for_status()

        def queried(limit):
            body = {"with": {"n": {"nodes": {}, "limit": limit}}, "select": {"n": {}}}
            return http.post("/models/instances/query", json=body)

        words = "Graph query timed out. Reduce load or contention, or optimise your query."
        for answer in (
            queried(1000), http.post("/models/instances/list", json={}),
            http.post("/models/instances/byids", json={"items": nodes}),
        ):  # fmt: skip
            assert (answer.status_code, answer.json()["error"]) == (408, {"code": 408, "message": words})
        assert len(queried(100).raise_for_status().json()["items"]["n"]) == 100
        assert http.post("/models/instances/delete", json={"items": nodes}).status_code == 200


def test_every_switch_is_set_by_a_test():
    tests = "".join(file.read_text() for file in Path(__file__).parents[1].rglob("test_*.py"))
    assert [name for name in ASSUMED if not re.search(rf"\b{name}(\"\]?: |=)", tests)] == []


def test_assumptions_are_chosen_by_name():
    chosen = assumed(["write_blocked_status=400", "byids_applies_view_filter=no", "instance_limit=7"])
    options = Options(data=Path(), **chosen)
    assert (options.write_blocked_status, options.byids_applies_view_filter, options.instance_limit) == (400, False, 7)
    assert set(ASSUMED) <= {field.name for field in fields(Options)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("latency=3", '"latency" is no assumption. There are: write_blocked_status,'),
        (
            "write_blocked_status=200",
            'write_blocked_status cannot be "200": Input should be greater than or equal to 400.',
        ),
        ("byids_applies_view_filter", 'byids_applies_view_filter cannot be "": Input should be a valid boolean'),
        ("instance_limit=many", 'instance_limit cannot be "many": Input should be a valid integer'),
    ],
)
def test_unknown_assumptions_are_refused(text, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        assumed([text])
