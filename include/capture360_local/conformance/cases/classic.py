"""Cases of assets, annotations, sessions and 3D models."""

from __future__ import annotations

from typing import Any

from capture360_local.conformance.case import (
    ANYTHING,
    CLASSIC,
    CREATED,
    DUPLICATED,
    MISSING,
    NOT_FOUND,
    REFUSED,
    SPACE,
    Case,
    Kept,
    Own,
)

_REGION = {"xMin": 0.1, "xMax": 0.4, "yMin": 0.2, "yMax": 0.3}
_NOBODY = {"externalId": Own("nobody")}
_ASSETS = {
    "items": [
        {"name": "site", "externalId": Own("site")},
        {"name": "P-101", "externalId": Own("pump"), "parentExternalId": Own("site"), "metadata": {"area": "1"}},
    ]
}

ASSETS = (
    Case("assets-create", "POST /assets", CREATED, _ASSETS, writes="two assets", keep={"assetId": "items.1.id"}),
    Case("assets-create-duplicate", "POST /assets", DUPLICATED, _ASSETS),
    Case("assets-without-name", "POST /assets", REFUSED, {"items": [_NOBODY]}),
    Case("assets-byids", "POST /assets/byids", body={"items": [{"id": Kept("assetId")}]}),
    Case("assets-byids-missing", "POST /assets/byids", MISSING, {"items": [_NOBODY]}),
    Case(
        "assets-list",
        "POST /assets/list",
        body={"filter": {"assetSubtreeIds": [{"externalId": Own("site")}]}, "limit": 10},
        until=("items.1", ANYTHING),
    ),
    Case("assets-list-limit", "POST /assets/list", REFUSED, {"limit": 1001}),
    Case(
        "assets-search",
        "POST /assets/search",
        body={"search": {"query": "P-101"}, "filter": {"externalIdPrefix": Own("pump")}},
        until=("items.0", ANYTHING),
    ),
)


def _annotation(data: dict[str, Any], kind: str = "images.AssetLink") -> dict[str, Any]:
    return {
        "items": [
            {
                "annotatedResourceType": "file",
                "annotatedResourceId": Kept("id"),
                "annotationType": kind,
                "status": "approved",
                "creatingApp": "capture360-conformance",
                "creatingAppVersion": "1.0.0",
                "creatingUser": None,
                "data": data,
            }
        ]
    }


_PLATE = {"text": "P-101", "textRegion": _REGION}
_LINK = _PLATE | {"assetRef": {"id": Kept("assetId")}}
_REFERENCE = {"space": SPACE, "externalId": Own("core_asset")}
_INSTANCE = _REFERENCE | {
    "instanceType": "node",
    "sources": [{"type": "view", "space": "cdf_cdm", "externalId": "CogniteAsset", "version": "v1"}],
}
_ON_FACE = {"annotatedResourceType": "file", "annotatedResourceIds": [{"id": Kept("id")}]}

ANNOTATIONS = (
    Case(
        "annotations-create",
        "POST /annotations",
        CREATED,
        _annotation(_LINK),
        writes="an annotation of the file",
        keep={"annotationId": "items.0.id"},
    ),
    Case("annotations-create-duplicate", "POST /annotations", CREATED, _annotation(_LINK), writes="one more"),
    Case(
        "annotations-create-instance-link",
        "POST /annotations",
        CREATED,
        _annotation(_PLATE | {"instanceRef": _INSTANCE}, "images.InstanceLink"),
        writes="one more",
    ),
    Case("annotations-without-reference", "POST /annotations", REFUSED, _annotation(_PLATE)),
    Case(
        "annotations-reversed-region",
        "POST /annotations",
        REFUSED,
        _annotation(_LINK | {"textRegion": _REGION | {"xMin": 0.9}}),
    ),
    Case(
        "annotations-outside-the-image",
        "POST /annotations",
        REFUSED,
        _annotation(_LINK | {"textRegion": _REGION | {"xMax": 1.5}}),
    ),
    Case("annotations-long-text", "POST /annotations", REFUSED, _annotation(_LINK | {"text": "P" * 129})),
    Case("annotations-unknown-type", "POST /annotations", REFUSED, _annotation(_LINK, "images.Colour")),
    Case("annotations-get", "GET /annotations/{annotationId}"),
    Case("annotations-byids", "POST /annotations/byids", body={"items": [{"id": Kept("annotationId")}]}),
    Case(
        "annotations-list",
        "POST /annotations/list",
        body={"filter": _ON_FACE, "limit": 1000},
        until=("items.2", ANYTHING),
    ),
    Case("annotations-list-without-filter", "POST /annotations/list", REFUSED, {"limit": 10}),
    Case(
        "annotations-update",
        "POST /annotations/update",
        body={"items": [{"id": Kept("annotationId"), "update": {"status": {"set": "rejected"}}}]},
        writes="the annotation's status",
    ),
    Case(
        "annotations-delete",
        "POST /annotations/delete",
        body={"items": [{"id": Kept("annotationId")}]},
        writes="one annotation less",
    ),
)
SESSIONS = (
    Case(
        "sessions-create",
        "POST /sessions",
        body={"items": [{"clientId": Kept("clientId"), "clientSecret": Kept("clientSecret")}]},
        writes="a session",
        keep={"sessionId": "items.0.id"},
    ),
    Case("sessions-create-empty", "POST /sessions", REFUSED, {"items": [{}]}),
    Case(
        "sessions-create-two", "POST /sessions", REFUSED, {"items": [{"tokenExchange": True}, {"tokenExchange": True}]}
    ),
    Case("sessions-byids", "POST /sessions/byids", body={"items": [{"id": Kept("sessionId")}]}),
    Case(
        "sessions-revoke",
        "POST /sessions/revoke",
        body={"items": [{"id": Kept("sessionId")}]},
        writes="the session's end",
    ),
)

THREE_D = (
    Case(
        "3d-models-create",
        "POST /3d/models",
        CREATED,
        {"items": [{"name": Own("model"), "metadata": {"a": "b"}}]},
        writes="a 3D model",
        keep={"modelId": "items.0.id"},
        modes=CLASSIC,
    ),
    Case("3d-models-create-without-name", "POST /3d/models", REFUSED, {"items": [{}]}),
    Case("3d-models-get", "GET /3d/models/{modelId}", modes=CLASSIC),
    Case("3d-models-get-unknown", "GET /3d/models/{unknownId}", NOT_FOUND),
    Case(
        "3d-models-update",
        "POST /3d/models/update",
        body={"items": [{"id": Kept("modelId"), "update": {"metadata": {"add": {"c": "d"}}}}]},
        writes="the model's metadata",
        modes=CLASSIC,
    ),
    Case(
        "3d-revisions-create",
        "POST /3d/models/{modelId}/revisions",
        CREATED,
        {"items": [{"fileId": Kept("scanId")}]},
        writes="a revision that must fail: its file is no scan",
        keep={"revisionId": "items.0.id"},
        modes=CLASSIC,
    ),
    Case("3d-revisions-get", "GET /3d/models/{modelId}/revisions/{revisionId}", modes=CLASSIC),
    Case("3d-revisions-list", "GET /3d/models/{modelId}/revisions", query={"limit": 10}, modes=CLASSIC),
    Case(
        "3d-revisions-unknown-file",
        "POST /3d/models/{modelId}/revisions",
        REFUSED,
        {"items": [{"fileId": Kept("unknownId")}]},
        modes=CLASSIC,
    ),
    Case(
        "3d-models-delete",
        "POST /3d/models/delete",
        body={"items": [{"id": Kept("modelId")}]},
        writes="the model's end",
        modes=CLASSIC,
    ),
)
