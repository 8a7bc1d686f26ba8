"""Valid calls of every endpoint that the sandbox has beside data modeling, in an order in which each of them works."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from local_cdf import PLAIN

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
REGION = {"xMin": 0.1, "xMax": 0.4, "yMin": 0.2, "yMax": 0.3}


@dataclass(frozen=True)
class Call:
    """One call: ``endpoint`` is the path with its placeholders, as the specification names it."""

    method: str
    endpoint: str
    body: Any = None
    query: dict[str, Any] = field(default_factory=dict)
    path: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The path relative to the project."""
        return self.endpoint.format_map(self.path)


def items(*values: Any, **options: Any) -> dict[str, Any]:
    """A body of items."""
    return {"items": list(values), **options}


def valid_calls(http: httpx.Client, answers: list[tuple[Call, httpx.Response]]) -> Iterator[Call]:
    """Yield the calls one after another; the caller sends each and appends the answer to ``answers``."""

    def item(number: int = 0) -> dict[str, Any]:
        return answers[-1][1].json()["items"][number]

    def put(url: str, content: bytes, **headers: str) -> None:
        PLAIN.put(url, content=content, headers=headers).raise_for_status()

    yield Call(
        "POST",
        "/datasets",
        {
            "items": [
                {"externalId": "ds", "name": "n", "description": "d", "metadata": {"a": "b"}, "writeProtected": False}
            ]
        },
    )
    data_set = item()["id"]
    yield Call("POST", "/datasets/list", {"filter": {"metadata": {"a": "b"}, "writeProtected": False}, "limit": 10})
    yield Call("POST", "/datasets/byids", {"items": [{"externalId": "ds"}], "ignoreUnknownIds": True})
    yield Call(
        "POST",
        "/datasets/update",
        {"items": [{"id": data_set, "update": {"description": {"set": "e"}, "metadata": {"add": {"c": "d"}}}}]},
    )

    yield Call("POST", "/labels", {"items": [{"externalId": "l", "name": "l"}]})
    yield Call(
        "POST",
        "/assets",
        {
            "items": [
                {"name": "site", "externalId": "site", "dataSetId": data_set, "labels": [{"externalId": "l"}]},
                {"name": "P-1", "externalId": "P-1", "parentExternalId": "site", "metadata": {"k": "v"}, "source": "s"},
            ]
        },
    )
    asset = item(1)["id"]
    yield Call(
        "POST",
        "/assets/list",
        {
            "filter": {"assetSubtreeIds": [{"externalId": "site"}], "createdTime": {"min": 0}, "root": False},
            "limit": 5,
            "aggregatedProperties": ["childCount", "depth", "path"],
            "partition": "1/1",
        },
    )
    yield Call("GET", "/assets", query={"limit": 5})
    yield Call("POST", "/assets/byids", {"items": [{"id": asset}], "ignoreUnknownIds": False})
    yield Call("POST", "/assets/search", {"search": {"query": "P-1"}, "filter": {"source": "s"}, "limit": 3})

    file_body = {
        "name": "front.png", "externalId": "front", "directory": "/a", "source": "s", "mimeType": "image/png",
        "metadata": {"face": "front"}, "assetIds": [asset], "dataSetId": data_set, "sourceCreatedTime": 1,
        "sourceModifiedTime": 2, "securityCategories": [], "labels": [{"externalId": "l"}],
    }  # fmt: skip
    yield Call("POST", "/files", file_body, {"overwrite": "true"})
    face = answers[-1][1].json()
    put(face["uploadUrl"], PNG, **{"content-type": "image/png"})
    yield Call("GET", "/files/{id}", path={"id": face["id"]})
    yield Call("GET", "/files", query={"limit": 3, "name": "front.png"})
    yield Call(
        "POST",
        "/files/list",
        {
            "filter": {
                "name": "front.png", "directoryPrefix": "/a", "mimeType": "image/png", "metadata": {"face": "front"},
                "assetIds": [asset], "dataSetIds": [{"externalId": "ds"}], "uploaded": True, "source": "s",
                "createdTime": {"min": 0, "max": 9000000000000}, "labels": {"containsAny": [{"externalId": "l"}]},
                "externalIdPrefix": "fro", "rootAssetIds": [{"externalId": "site"}],
            },
            "limit": 10,
            "partition": "1/1",
        },
    )  # fmt: skip
    yield Call("POST", "/files/search", {"search": {"name": "front"}, "filter": {"uploaded": True}})
    yield Call("POST", "/files/aggregate", {"filter": {"source": "s"}})
    yield Call("POST", "/files/byids", {"items": [{"id": face["id"]}]})
    yield Call("POST", "/files/downloadlink", {"items": [{"externalId": "front"}]}, {"extendedExpiration": "true"})
    yield Call("GET", "/files/icon", query={"id": face["id"]})
    update = {
        "metadata": {"set": {"face": "back"}},
        "source": {"setNull": True},
        "labels": {"remove": [{"externalId": "l"}]},
    }
    yield Call("POST", "/files/update", {"items": [{"externalId": "front", "update": update}]})
    yield Call("POST", "/files/uploadlink", {"items": [{"externalId": "front"}]})
    yield Call("POST", "/files/multiuploadlink", {"items": [{"externalId": "front"}]}, {"parts": 2})
    yield Call("POST", "/files/initmultipartupload", {"name": "scan.e57", "externalId": "scan"}, {"parts": 1})
    scan = answers[-1][1].json()
    put(scan["uploadUrls"][0], b"ASTM-E57")
    yield Call("POST", "/files/completemultipartupload", {"id": scan["id"], "uploadId": scan["uploadId"]})

    annotation = {
        "annotatedResourceType": "file",
        "annotatedResourceId": face["id"],
        "annotationType": "images.AssetLink",
        "creatingApp": "capture360",
        "creatingAppVersion": "1.0.0",
        "creatingUser": None,
        "data": {
            "text": "P-1", "textRegion": REGION, "assetRef": {"id": asset}, "confidence": 0.5,
            "objectRegion": {"polygon": {"vertices": [{"x": 0, "y": 0}, {"x": 1, "y": 0}, {"x": 0.5, "y": 1}]}},
        },
    }  # fmt: skip
    yield Call("POST", "/annotations", {"items": [annotation | {"status": "approved"}]})
    annotation_id = item()["id"]
    linked = {
        "text": "P-1",
        "textRegion": REGION,
        "instanceRef": {
            "space": "s",
            "externalId": "P-1",
            "instanceType": "node",
            "sources": [{"type": "view", "space": "cdf_cdm", "externalId": "CogniteAsset", "version": "v1"}],
        },
    }
    yield Call(
        "POST",
        "/annotations/suggest",
        {"items": [annotation | {"annotationType": "images.InstanceLink", "data": linked}]},
    )
    on_face = {"annotatedResourceType": "file", "annotatedResourceIds": [{"id": face["id"]}]}
    yield Call("POST", "/annotations/list", {"filter": on_face | {"status": "approved"}, "limit": 1000})
    yield Call("POST", "/annotations/byids", {"items": [{"id": annotation_id}]})
    yield Call("GET", "/annotations/{annotationId}", path={"annotationId": annotation_id})
    yield Call(
        "POST",
        "/annotations/reverselookup",
        {
            "filter": {
                "annotatedResourceType": "file",
                "annotationType": "images.AssetLink",
                "data": {"assetRef": {"id": asset}},
            },
            "limit": 1000,
        },
    )
    yield Call(
        "POST", "/annotations/update", {"items": [{"id": annotation_id, "update": {"status": {"set": "rejected"}}}]}
    )
    yield Call("POST", "/annotations/delete", {"items": [{"id": annotation_id}]})

    yield Call("POST", "/3d/models", {"items": [{"name": "hall", "dataSetId": data_set, "metadata": {"a": "b"}}]})
    model = item()["id"]
    yield Call("GET", "/3d/models", query={"limit": 10, "includerevisioninfo": "true"})
    yield Call("GET", "/3d/models/{modelId}", path={"modelId": model})
    yield Call("POST", "/3d/models/update", {"items": [{"id": model, "update": {"name": {"set": "new"}}}]})
    of_model = {"modelId": model}
    revision_body = {"fileId": scan["id"], "published": True, "rotation": [0, 0, 1.5], "metadata": {"a": "b"}}
    yield Call("POST", "/3d/models/{modelId}/revisions", {"items": [revision_body]}, path=of_model)
    revision = item()["id"]
    of_revision = of_model | {"revisionId": revision}
    yield Call("GET", "/3d/models/{modelId}/revisions", query={"limit": 10}, path=of_model)
    yield Call("GET", "/3d/models/{modelId}/revisions/{revisionId}", path=of_revision)
    yield Call("GET", "/3d/models/{modelId}/revisions/{revisionId}/logs", query={"severity": 3}, path=of_revision)
    yield Call("GET", "/3d/models/{modelId}/revisions/{revisionId}/outputs", path=of_revision)
    yield Call(
        "POST", "/3d/models/{modelId}/revisions/{revisionId}/thumbnail", {"fileId": face["id"]}, path=of_revision
    )
    yield Call(
        "POST",
        "/3d/models/{modelId}/revisions/update",
        {"items": [{"id": revision, "update": {"published": {"set": False}}}]},
        path=of_model,
    )
    yield Call("POST", "/3d/models/{modelId}/revisions/delete", {"items": [{"id": revision}]}, path=of_model)
    yield Call("POST", "/3d/models/delete", {"items": [{"id": model}]})

    yield Call(
        "POST",
        "/extpipes",
        {
            "items": [
                {
                    "externalId": "pipe", "name": "Pipe", "dataSetId": data_set, "schedule": "On trigger",
                    "contacts": [{"name": "A", "email": "a@b.example", "role": "owner", "sendNotification": False}],
                    "metadata": {"a": "b"}, "notificationConfig": {"allowedNotSeenRangeInMinutes": 5},
                }
            ]
        },
    )  # fmt: skip
    pipe = item()["id"]
    yield Call("GET", "/extpipes", query={"limit": 5})
    yield Call("GET", "/extpipes/{id}", path={"id": pipe})
    yield Call("POST", "/extpipes/byids", {"items": [{"externalId": "pipe"}]})
    yield Call("POST", "/extpipes/list", {"filter": {"externalIdPrefix": "pi"}, "limit": 10})
    yield Call("POST", "/extpipes/update", {"items": [{"id": pipe, "update": {"description": {"set": "d"}}}]})
    yield Call("POST", "/extpipes/runs", {"items": [{"externalId": "pipe", "status": "success", "createdTime": 5}]})
    yield Call("GET", "/extpipes/runs", query={"externalId": "pipe"})
    yield Call("POST", "/extpipes/runs/list", {"filter": {"externalId": "pipe", "statuses": ["success"]}})
    yield Call("POST", "/extpipes/delete", {"items": [{"externalId": "pipe"}]})

    yield Call("POST", "/sessions", {"items": [{"tokenExchange": True}]})
    session = item()["id"]
    yield Call("GET", "/sessions", query={"limit": 5})
    yield Call("POST", "/sessions/byids", {"items": [{"id": session}]})
    yield Call("POST", "/sessions/revoke", {"items": [{"id": session}]})

    yield Call("POST", "/files/delete", {"items": [{"externalId": "front"}], "ignoreUnknownIds": True})


def send(http: httpx.Client, call: Call, **changes: Any) -> httpx.Response:
    """Send a call."""
    return http.request(call.method, call.url, json=call.body, params=call.query, **changes)


def send_all(http: httpx.Client) -> list[tuple[Call, httpx.Response]]:
    """Send every valid call; each must be accepted."""
    answers: list[tuple[Call, httpx.Response]] = []
    for call in valid_calls(http, answers):
        answer = send(http, call)
        assert answer.status_code < 300, f"{call.method} {call.url}: {answer.text}"
        answers.append((call, answer))
    return answers
