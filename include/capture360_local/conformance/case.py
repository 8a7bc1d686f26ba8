"""Cases: one request each, and the kind of answer that CDF documents for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import override

from cdf_sandbox.core.options import ProjectMode

EVERY_MODE = frozenset(ProjectMode)
CLASSIC = EVERY_MODE - {ProjectMode.DATA_MODELING}
"""Projects in which assets and annotations can be written."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """The kind of answer: its status, and fields that the error object must have."""

    status: int
    error_fields: frozenset[str] = frozenset()

    @override
    def __str__(self) -> str:
        fields = ", ".join(sorted(self.error_fields - {"code", "message"}))
        return f"{self.status} with {fields}" if fields else str(self.status)


_ENVELOPE = frozenset({"code", "message"})
OK = Expectation(200)
CREATED = Expectation(201)
REFUSED = Expectation(400, _ENVELOPE)
MISSING = Expectation(400, _ENVELOPE | {"missing"})
NOT_FOUND = Expectation(404, _ENVELOPE)
CONFLICT = Expectation(409, _ENVELOPE)
DUPLICATED = Expectation(409, _ENVELOPE | {"duplicated"})


@dataclass(frozen=True, slots=True)
class Own:
    """Placeholder in a body for a temporary external id: the name of the run, and this suffix."""

    suffix: str


@dataclass(frozen=True, slots=True)
class Kept:
    """Placeholder in a body for a value of an earlier answer, or of the run: `space`, `clientId`, `clientSecret`."""

    name: str


SPACE = Kept("space")


@dataclass(frozen=True, slots=True)
class Upload:
    """Content to upload to the link in an answer, at a dotted path such as `uploadUrls.0`."""

    link: str
    content: bytes
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One request. `endpoint` is method and path as CDF's specification names it; its placeholders are kept values.

    `keep` names values of the answer by dotted path. `until` is a dotted path (of an answer that may lag) and the value
    expected there. `writes` describes what the request leaves in the project; reads and refusals leave nothing.
    """

    name: str
    endpoint: str
    expected: Expectation = OK
    body: Any = None
    query: Mapping[str, Any] = field(default_factory=dict)
    writes: str = ""
    keep: Mapping[str, str] = field(default_factory=dict)
    upload: Upload | None = None
    until: tuple[str, Any] | None = None
    modes: frozenset[ProjectMode] = EVERY_MODE

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.endpoint.partition(" ")[0]

    @property
    def path(self) -> str:
        """The path below the project."""
        return self.endpoint.partition(" ")[2]


ANYTHING = object()
"""For `until`: any value."""


def filled(template: Any, name: str, kept: Mapping[str, Any]) -> Any:
    """Replace the placeholders of a body; KeyError with the name of a kept value that is missing."""
    match template:
        case Own(suffix):
            return f"{name}_{suffix}"
        case Kept(wanted):
            return kept[wanted]
        case Mapping():
            return {str(filled(key, name, kept)): filled(value, name, kept) for key, value in template.items()}
        case str():
            return template
        case Sequence():
            return [filled(each, name, kept) for each in template]
        case _:
            return template


def at(document: Any, path: str) -> Any:
    """Return the value at a dotted path, or `None`."""
    for part in path.split("."):
        if isinstance(document, Mapping):
            document = document.get(part)
        elif isinstance(document, list) and part.isdecimal() and int(part) < len(document):
            document = document[int(part)]
        else:
            return None
    return document
