"""The published specification of CDF's API, as far as it is spoken here: what requests and answers must fit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from specification_bodies import Bodies

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

# Enumerations were seen to answer `list: false`, which makes them look like the types that may be lists.
_OF_ENUMERATIONS = ".type.values"

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
        place = ["paths", path, method.lower(), "responses", str(status)]
        return [*self._problems(body, place), *self._unknown_fields(body, place)]

    def _unknown_fields(self, body: Any, place: Sequence[str]) -> Sequence[str]:
        place = self._where(place)
        schema = self._at(place).get("content", {}).get("application/json", {}).get("schema")
        unknown = [] if schema is None else Bodies(self._document).unknown_fields(body, schema)
        return [f"{each} is not a field of the answer" for each in unknown if not each.endswith(_OF_ENUMERATIONS)]

    def _problems(self, instance: Any, place: Sequence[str]) -> Sequence[str]:
        place = self._where(place)
        if "application/json" not in self._at(place).get("content", {}):
            return []
        parts = [*place, "content", "application/json", "schema"]
        schema = {"$ref": f"{_ROOT}#/" + "/".join(_escaped(part) for part in parts)}
        found = Draft202012Validator(schema, registry=self._registry).iter_errors(instance)
        return [f"{error.json_path}: {error.message}"[:300] for error in found]

    def _where(self, place: Sequence[str]) -> Sequence[str]:
        """Follow references."""
        while "$ref" in (node := self._at(place)):
            place = node["$ref"].removeprefix("#/").split("/")
        return place

    def _at(self, place: Sequence[str]) -> Any:
        node: Any = self._document
        for part in place:
            node = node[part]
        return node


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
