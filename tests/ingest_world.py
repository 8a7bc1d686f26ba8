"""A landing zone, records and a running sandbox, and the steps between them: for tests of whole ways."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from capture360.cdf.client import CdfProject, Connection
from capture360.model import CaptureKey
from capture360.records import LEASES, Records
from capture360.settings.site import Site
from capture360.steps.context import StepContext
from capture360.steps.faces import FacesDone, faces
from capture360.steps.ingest import Ingested, ingest
from capture360.steps.publish import Published, publish
from capture360.steps.sampling import Verified
from capture360.steps.verify import verify
from captures import Drop, record_as_validated, small_site, write_cubemap
from local_cdf import RunningSandbox
from record_files import document_paths

COLLECTION_VIEW = ("cdf_360_image_schema", "Image360Collection", "v1")
STATION_VIEW = ("cdf_360_image_schema", "Station360", "v1")
IMAGE_VIEW = ("cdf_360_image_schema", "Image360", "v1")
CORE_FILE = ("cdf_cdm", "CogniteFile", "v1")
CORE_MODEL = ("cdf_cdm", "Cognite360ImageModel", "v1")
CORE_DESCRIBABLE = ("cdf_cdm", "CogniteDescribable", "v1")
CORE_REVISION = ("cdf_cdm", "Cognite3DRevision", "v1")
CORE_STATION = ("cdf_cdm", "Cognite360ImageStation", "v1")
CORE_IMAGE = ("cdf_cdm", "Cognite360Image", "v1")

VIEWS = {
    "asset_centric": (COLLECTION_VIEW, STATION_VIEW, IMAGE_VIEW),
    "hybrid": (COLLECTION_VIEW, STATION_VIEW, IMAGE_VIEW),
    "data_modeling": (CORE_FILE, CORE_MODEL, CORE_DESCRIBABLE, CORE_REVISION, CORE_STATION, CORE_IMAGE),
}
_CHOSEN_BY_CDF = re.compile(r"(cog_3d_model|cog_3d_object|cog_360_annotation)_[0-9a-f-]+")


class World:
    """One site that delivers into `root/landing` and is ingested into the sandbox."""

    def __init__(self, running: RunningSandbox, root: Path, mode: str = "asset_centric", **site: object) -> None:
        self.running = running
        self.root = root
        self.landing = root / "landing"
        self.records = Records(str(root / "records"))
        self.site: Site = small_site(self.landing, **site)
        self.connection = Connection.from_mapping({**running.connection, "mode": mode}, "test")
        self.cdf = CdfProject(self.connection)
        self.said: list[str] = []

    def drop(self, capture: str, **how: Any) -> Drop:
        return write_cubemap(self.landing, CaptureKey("hall-7", capture), **how)

    def ctx(self, run: str = "run 1") -> StepContext:
        return StepContext(self.site, self.records, self.cdf, run, self.said.append)

    def write(self, drop: Drop, run: str = "run 1") -> tuple[list[FacesDone], Published, Verified]:
        """All steps that write to CDF, as a scheduler runs them after a validation."""
        fingerprint = record_as_validated(self.records, drop, self.site)
        ctx = self.ctx(run)
        batches = -(-len(drop.capture.stations) // 50)
        done = [faces(ctx, drop.key, fingerprint, batch) for batch in range(batches)]
        return done, publish(ctx, drop.key, fingerprint), verify(ctx, drop.key, fingerprint)

    def ingest(self, drop: Drop, run: str = "run 1", is_finished: Callable[[str], bool] = bool) -> Ingested:
        """The whole way, validation included, under a lease."""
        return ingest(self.ctx(run), drop.key, is_finished=is_finished)

    def state(self) -> dict[str, Any]:
        """What the project and the records hold, but for ids and times that nobody chose."""
        client = self.cdf.client
        files = {
            file.external_id or file.instance_id.external_id: (file.name, file.uploaded, file.metadata)
            for file in client.files.list(limit=None)
        }
        nodes = {view[1]: self.nodes(view, "") for view in VIEWS[self.connection.mode]}
        models = sorted(item["name"] for item in self._models())
        state = {
            "files": files, "nodes": nodes, "models": models, "scene": self._scene(),
            "records": dict(self._documents()),
        }  # fmt: skip
        return dict(_without_chosen_ids(state))

    def forget_the_token(self) -> None:
        """The next request asks for a token, as the first of a new process does."""
        self.cdf = CdfProject(self.connection)

    def wipe(self) -> None:
        """Nothing is left, in the project or in the records."""
        client = self.cdf.client
        for model in self._models():
            node = {"space": model.get("space"), "externalId": f"cog_3d_model_{model['id']}"}
            named = {"instanceId": node} if node["space"] else {"id": model["id"]}
            client.post(f"{self._models_url}/delete", {"items": [named]})
        nodes = client.data_modeling.instances.list("node", space=self.site.space, limit=None).as_ids()
        if nodes:
            client.data_modeling.instances.delete(nodes=nodes)
        if client.data_modeling.spaces.retrieve(self.site.space) is not None:
            client.data_modeling.spaces.delete(self.site.space)
        files = [file.id for file in client.files.list(limit=None) if file.instance_id is None]
        if files:
            client.files.delete(id=files)
        for path in document_paths(self.records.store):
            self.records.store.remove(path)

    @property
    def _models_url(self) -> str:
        return f"/api/v1/projects/{self.connection.project}/3d/models"

    def _scene(self) -> dict[str, Any]:
        """What lies in scenes, and where."""
        from cognite.client.data_classes.data_modeling import ViewId

        view = ViewId("scene", "Image360CollectionProperties", "v1")
        edges = self.cdf.client.data_modeling.instances.list("edge", sources=view, limit=None)
        return {
            "scenes": self.nodes(("scene", "SceneConfiguration", "v1"), ""),
            "edges": {edge.external_id: dict(edge.properties[view]) for edge in edges},
        }

    def _models(self) -> list[dict[str, Any]]:
        return list(self.cdf.client.get(self._models_url, params={"limit": 1000}).json()["items"])

    def _documents(self) -> Iterator[tuple[str, Any]]:
        for path in document_paths(self.records.store):
            if f"/{LEASES}/" in path:
                continue
            content = self.records.store.read(path)
            assert content is not None
            if not path.endswith(".json"):
                yield path, content
                continue
            document = json.loads(content)
            yield path, {name: value for name, value in document.items() if name not in {"at", "began", "run"}}

    def nodes(self, view: tuple[str, str, str], capture: str) -> dict[str, dict[str, Any]]:
        """Properties of the sandbox's nodes of one capture in a view, by external id."""
        from cognite.client.data_classes.data_modeling import ViewId

        found = self.cdf.client.data_modeling.instances.list("node", sources=ViewId(*view), limit=None)
        marker = capture.replace("-", "_")
        return {node.external_id: dict(node.properties[ViewId(*view)]) for node in found if marker in node.external_id}

    def properties(self, view: tuple[str, str, str], external_id: str) -> dict[str, Any] | None:
        """Properties of one node in a view; None if it is not there."""
        from cognite.client.data_classes.data_modeling import NodeId, ViewId

        node = NodeId(self.site.space, external_id)
        found = self.cdf.client.data_modeling.instances.retrieve(nodes=[node], sources=ViewId(*view)).nodes
        return dict(found[0].properties[ViewId(*view)]) if found else None

    def files(self, capture: str) -> dict[str, Any]:
        """The sandbox's files of one capture by external id."""
        marker = capture.replace("-", "_")
        listed = self.cdf.client.files.list(limit=None)
        return {file.external_id: file for file in listed if file.external_id and marker in file.external_id}


def _without_chosen_ids(value: Any) -> Any:
    """The same value with the ids that CDF chose, and the times of uploads, made equal."""
    if isinstance(value, str):
        return _CHOSEN_BY_CDF.sub(r"\1_N", value)
    if isinstance(value, dict):
        return {
            _without_chosen_ids(name): _without_chosen_ids(inner)
            for name, inner in value.items()
            if name != "uploadedTime"
        }
    return [_without_chosen_ids(inner) for inner in value] if isinstance(value, list | tuple) else value
