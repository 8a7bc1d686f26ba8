"""The published specification of CDF's API, as far as it is spoken here: what requests and answers must fit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

_ROOT = "cdf:"
_UPLOAD = {"required": ["id", "name", "uploaded", "createdTime", "lastUpdatedTime"], "type": "object"}
# What is answered in truth where the specification says otherwise: cognite-sdk-python reads the root of the answer to
# initmultipartupload, and `items` of uploadlink.
_READ_BY_THE_SDK = {
    ("POST", "/files/initmultipartupload"): {
        **_UPLOAD,
        "required": [*_UPLOAD["required"], "uploadId", "uploadUrls"],
        "properties": {"uploadUrls": {"type": "array", "items": {"type": "string"}}},
    },
    ("POST", "/files/uploadlink"): {
        "required": ["items"],
        "properties": {
            "items": {"type": "array", "items": {**_UPLOAD, "required": [*_UPLOAD["required"], "uploadUrl"]}}
        },
    },
}

# The last page of this list was seen to have `nextCursor: null`, where the specification knows texts only.
_LAST_PAGE_WITH_NULL = ("POST", "/annotations/list")


class Specification:
    """The subset of the specification in a file."""

    def __init__(self, path: Path) -> None:
        self._document: dict[str, Any] = json.loads(path.read_text())
        # The published schema of aggregates demands a key "properties" that it does not define: an indentation slip.
        schemas = self._document["components"]["schemas"]
        schemas["AggregatedResultItemCollection"]["required"].remove("properties")
        # It asks every answer to a write for deleted instances, at least one, also where nothing was to be deleted.
        del schemas["DeletedInstances"]["minItems"]
        self._registry = Registry().with_resource(_ROOT, Resource(self._document, DRAFT202012))

    def describes(self, method: str, path: str) -> bool:
        return method.lower() in self._document["paths"].get(path, {})

    def endpoints(self) -> set[tuple[str, str]]:
        """Method and path of everything that is described."""
        return {(method.upper(), path) for path, methods in self._document["paths"].items() for method in methods}

    def request_problems(self, method: str, path: str, body: Any) -> Sequence[str]:
        """What is wrong with an accepted request."""
        place = ["paths", path, method.lower(), "requestBody"]
        return [] if body is None else self._problems(body, place)

    def answer_problems(self, method: str, path: str, status: int, body: Any) -> Sequence[str]:
        """What is wrong with an answer of success."""
        own = _READ_BY_THE_SDK.get((method, path))
        if own is not None:
            return [error.message for error in Draft202012Validator(own).iter_errors(body)]
        if (method, path) == _LAST_PAGE_WITH_NULL and body.get("nextCursor") is None:
            body = {name: value for name, value in body.items() if name != "nextCursor"}
        responses = self._document["paths"][path][method.lower()]["responses"]
        if str(status) not in responses:
            return [f"{status} is not among {sorted(responses)}"]
        return self._problems(body, ["paths", path, method.lower(), "responses", str(status)])

    def _problems(self, instance: Any, place: Sequence[str]) -> Sequence[str]:
        node = self._at(place)
        while "$ref" in node:
            place = node["$ref"].removeprefix("#/").split("/")
            node = self._at(place)
        if "application/json" not in node.get("content", {}):
            return []
        parts = [*place, "content", "application/json", "schema"]
        schema = {"$ref": f"{_ROOT}#/" + "/".join(_escaped(part) for part in parts)}
        found = Draft202012Validator(schema, registry=self._registry).iter_errors(instance)
        return [f"{error.json_path}: {error.message}"[:300] for error in found]

    def _at(self, place: Sequence[str]) -> Any:
        node: Any = self._document
        for part in place:
            node = node[part]
        return node


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
