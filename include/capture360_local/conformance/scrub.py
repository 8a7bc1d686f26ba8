"""Scrubbing of recorded requests and answers: everything that could identify the project is removed.

Texts of answers are kept only if the run sent them or the field holds one of CDF's own words; numbers only if they are
versions or codes. So an unknown field reveals nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from capture360.cdf.client import Connection
from capture360_local.conformance.run import NAME_PREFIX, Result

_NEVER = frozenset(
    {
        "clientId", "clientSecret", "nonce", "uploadId", "uploadUrl", "uploadUrls", "downloadUrl", "cursor",
        "nextCursor", "creatingUser", "subject", "requestId", "thumbnailUrl",
    }
)  # fmt: skip
_WORDS = frozenset(
    {
        "instanceType", "status", "type", "usedFor", "annotationType", "annotatedResourceType", "constraintType",
        "constraintState", "state", "connectionType", "direction", "collation",
        "nullability",
    }
)  # fmt: skip
_NUMBERS = frozenset({"code", "version"})
_IDS = re.compile(r"(?:^id|Id|Ids)\Z")
_TELLING = re.compile(
    r"https?://\S+|[\w.+-]+@[\w-]+\.[\w.]+|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[\w-]{24,}|\d{4,}"
)
_GONE = "<scrubbed>"


class Scrubber:
    """Scrubber of one run; the requests determine which texts are ours."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._name = name
        telling = (connection.client_secret, connection.client_id, connection.project, connection.base_url)
        self._telling = [
            re.compile(rf"(?<![\w-]){re.escape(each)}(?![\w-])") for each in sorted(telling, key=len, reverse=True)
        ]
        self._ours: set[str] = set()

    def request(self, result: Result) -> Mapping[str, Any]:
        """Return the request, its path with placeholders."""
        self._learn(result.body)
        case = result.case
        scrubbed = {"method": case.method, "path": case.path, "query": dict(case.query)}
        return scrubbed | {"body": self._request(result.body, "")}

    def answer(self, result: Result) -> Mapping[str, Any] | None:
        """Return the answer to a request that was already scrubbed."""
        if result.answer is None:
            return None
        return {"status": result.answer.status, "body": self._answer(result.answer.body, ""), "in_time": result.in_time}

    def text(self, text: str) -> str:
        """Return a sentence without anything that identifies a project or a person."""
        text = text.replace(self._name, NAME_PREFIX.rstrip("_"))
        for telling in self._telling:
            text = telling.sub(_GONE, text)
        return _TELLING.sub(_GONE, text)

    def _learn(self, value: Any) -> None:
        match value:
            case str():
                self._ours.add(value)
            case Mapping():
                for each in value.values():
                    self._learn(each)
            case Sequence():
                for each in value:
                    self._learn(each)

    def _request(self, value: Any, field: str) -> Any:
        if field in _NEVER and value is not None:
            return _GONE
        match value:
            case Mapping():
                return {self._known(key): self._request(each, key) for key, each in value.items()}
            case list():
                return [self._request(each, field) for each in value]
            case str():
                return self._known(value)
            case bool() | None:
                return value
            case _:
                return 0 if _IDS.search(field) else value

    def _answer(self, value: Any, field: str) -> Any:
        if field in _NEVER and value is not None:
            return _GONE
        match value:
            case Mapping():
                return {self._known(key): self._answer(each, key) for key, each in value.items()}
            case list():
                return [self._answer(each, field) for each in value]
            case str():
                if field == "message":
                    return self.text(value)
                return self._known(value) if value in self._ours or field in _WORDS else _GONE
            case bool() | None:
                return value
            case _:
                return value if field in _NUMBERS else 0

    def _known(self, value: str) -> str:
        value = value.replace(self._name, NAME_PREFIX.rstrip("_"))
        for telling in self._telling:
            value = telling.sub(_GONE, value)
        return value
