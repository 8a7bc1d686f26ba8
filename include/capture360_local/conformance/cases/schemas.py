"""Cases of spaces, containers, views and data models of the throwaway space, which later cases use."""

from __future__ import annotations

from capture360_local.conformance.case import REFUSED, SPACE, Case

CONTAINER = {"type": "container", "space": SPACE, "externalId": "Thing"}
VIEW = {"type": "view", "space": SPACE, "externalId": "Thing", "version": "v1"}
MODEL = {"space": SPACE, "externalId": "Things", "version": "v1"}
_PROPERTIES = {
    "name": {"type": {"type": "text"}, "nullable": False},
    "size": {"type": {"type": "float64"}},
    "tags": {"type": {"type": "text", "list": True}},
    "at": {"type": {"type": "timestamp"}},
    "parent": {"type": {"type": "direct"}},
}
_CONTAINER_BODY = {"space": SPACE, "externalId": "Thing", "usedFor": "all", "properties": _PROPERTIES}
_VIEW_BODY = {
    "space": SPACE,
    "externalId": "Thing",
    "version": "v1",
    "properties": {name: {"container": CONTAINER, "containerPropertyIdentifier": name} for name in _PROPERTIES},
}
_ONE_SPACE = {"items": [{"space": SPACE, "name": "Conformance", "description": "Throwaway; may be deleted"}]}

SCHEMAS = (
    Case("spaces-create", "POST /models/spaces", body=_ONE_SPACE, writes="the throwaway space"),
    Case("spaces-create-again", "POST /models/spaces", body=_ONE_SPACE, writes="nothing new"),
    Case("spaces-byids", "POST /models/spaces/byids", body={"items": [{"space": SPACE}]}),
    Case("spaces-byids-unknown", "POST /models/spaces/byids", body={"items": [{"space": "c360_nobody"}]}),
    Case("spaces-bad-id", "POST /models/spaces", REFUSED, {"items": [{"space": "9 spaces"}]}),
    Case("spaces-reserved-id", "POST /models/spaces", REFUSED, {"items": [{"space": "system"}]}),
    Case("containers-create", "POST /models/containers", body={"items": [_CONTAINER_BODY]}, writes="a container"),
    Case(
        "containers-bad-type",
        "POST /models/containers",
        REFUSED,
        {"items": [_CONTAINER_BODY | {"externalId": "Bad", "properties": {"a": {"type": {"type": "colour"}}}}]},
    ),
    Case(
        "containers-byids", "POST /models/containers/byids", body={"items": [{"space": SPACE, "externalId": "Thing"}]}
    ),
    Case("views-create", "POST /models/views", body={"items": [_VIEW_BODY]}, writes="a view"),
    Case(
        "views-unknown-container",
        "POST /models/views",
        REFUSED,
        {
            "items": [
                _VIEW_BODY
                | {
                    "externalId": "Bad",
                    "properties": {
                        "a": {"container": CONTAINER | {"externalId": "No"}, "containerPropertyIdentifier": "a"}
                    },
                }
            ]
        },
    ),
    Case(
        "views-byids",
        "POST /models/views/byids",
        body={"items": [{"space": SPACE, "externalId": "Thing", "version": "v1"}]},
    ),
    Case(
        "datamodels-create",
        "POST /models/datamodels",
        body={"items": [MODEL | {"views": [VIEW]}]},
        writes="a data model",
    ),
    Case("datamodels-byids", "POST /models/datamodels/byids", body={"items": [MODEL]}),
)
