"""How other APIs of the sandbox use nodes: hooks in the transaction of a change, and writing nodes themselves."""

from collections.abc import Iterator, Sequence
from sqlite3 import Connection

import pytest
from cognite.client import CogniteClient
from cognite.client.data_classes.data_modeling import ContainerId as SdkContainerId
from cognite.client.data_classes.data_modeling import NodeApply, NodeId, NodeOrEdgeData
from cognite.client.data_classes.data_modeling import ViewId as SdkViewId
from cognite.client.exceptions import CogniteAPIError

from cdf_sandbox.core.errors import ApiError
from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.services.data_modeling import hooks
from cdf_sandbox.services.data_modeling.hooks import AfterCommit, NodeChange, on_node_change
from cdf_sandbox.services.data_modeling.ids import ContainerId, ViewId
from cdf_sandbox.services.data_modeling.nodes import create_node, get_node
from local_cdf import RunningSandbox

MODEL = ContainerId("cdf_cdm_3d", "Cognite3DModel")
MODEL_VIEW = ViewId("cdf_cdm", "Cognite3DModel", "v1")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """The calls of a hook on 3D models, which refuses the name `bad` and records the commit."""
    monkeypatch.setattr(hooks, "HOOKS", list(hooks.HOOKS))
    seen: list[tuple[str, str]] = []

    def follow(sandbox: Sandbox, db: Connection, changes: Sequence[NodeChange]) -> AfterCommit:
        for change in changes:
            if change.node.external_id == "bad":
                raise ApiError(400, "refused by the hook")
            seen.append((change.change, change.node.external_id))
        return lambda: seen.append(("committed", ""))

    on_node_change(MODEL, follow)
    yield seen


def model(space: str, name: str, **properties: str) -> NodeApply:
    source = SdkViewId("cdf_cdm", "Cognite3DModel", "v1")
    return NodeApply(space, name, sources=[NodeOrEdgeData(source, {"name": name, **properties})])


def test_hooks_follow_a_node_through_its_life(client: CogniteClient, space: str, told: list[tuple[str, str]]) -> None:
    instances = client.data_modeling.instances
    instances.apply([model(space, "m"), NodeApply(space, "other")])
    instances.apply(model(space, "m"))
    describable = NodeOrEdgeData(SdkContainerId("cdf_cdm", "CogniteDescribable"), {"name": "renamed"})
    instances.apply(NodeApply(space, "m", sources=[describable]))
    instances.delete([NodeId(space, "m"), NodeId(space, "other")])
    expected = [("created", "m"), ("updated", "m"), ("deleted", "m")]
    assert told == [entry for each in expected for entry in (each, ("committed", ""))]


def test_a_hook_that_refuses_undoes_the_request(client: CogniteClient, space: str, told: list[tuple[str, str]]) -> None:
    with pytest.raises(CogniteAPIError, match="refused by the hook"):
        client.data_modeling.instances.apply([model(space, "m"), model(space, "bad")])
    assert not client.data_modeling.instances.retrieve([NodeId(space, "m"), NodeId(space, "bad")]).nodes
    assert ("committed", "") not in told


def test_nodes_are_created_and_read_within_a_transaction(
    running: RunningSandbox, client: CogniteClient, space: str
) -> None:
    sandbox = running.sandbox
    file = ContainerId("cdf_cdm", "CogniteFile")
    with sandbox.write() as db:
        create_node(sandbox, db, space, "cog_3d_model_1", {MODEL_VIEW: {"name": "Hall", "type": "Image360"}})
        assert get_node(db, space, "cog_3d_model_1", MODEL_VIEW) == {"name": "Hall", "type": "Image360"}
        assert get_node(db, space, "cog_3d_model_1", ViewId("cdf_cdm", "CogniteFile", "v1")) is None
        assert get_node(db, space, "nothing", MODEL_VIEW) is None
        create_node(
            sandbox, db, space, "f", {ViewId("cdf_cdm", "CogniteFile", "v1"): {"name": "f", "isUploaded": True}}
        )
        create_node(sandbox, db, space, "f", {file: {"mimeType": "image/png"}})
    read = client.data_modeling.instances.retrieve(
        NodeId(space, "f"), sources=SdkViewId("cdf_cdm", "CogniteFile", "v1")
    ).nodes[0]
    assert read.version == 2
    properties = read.properties[SdkViewId("cdf_cdm", "CogniteFile", "v1")]
    assert properties == {"name": "f", "isUploaded": True, "mimeType": "image/png"}


def test_what_cdf_sets_survives_a_replace(client: CogniteClient, running: RunningSandbox, space: str) -> None:
    sandbox = running.sandbox
    view = ViewId("cdf_cdm", "CogniteFile", "v1")
    with sandbox.write() as db:
        create_node(sandbox, db, space, "f", {view: {"name": "f", "isUploaded": True, "directory": "/a"}})
    named = NodeOrEdgeData(SdkViewId(*view), {"name": "g"})
    client.data_modeling.instances.apply(NodeApply(space, "f", sources=[named]), replace=True)
    with sandbox.read() as db:
        assert get_node(db, space, "f", view) == {"name": "g", "isUploaded": True}
