"""Cache of OCR results by content, engine and settings: a face that is delivered again is not read again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from capture360.detection.protocol import Line
from capture360.store import DocumentStore

_Corners = Annotated[tuple[tuple[FiniteFloat, FiniteFloat], ...], Field(min_length=3)]


class _Entry(BaseModel):
    """Form of an entry: the fields of each `Line` in their order."""

    model_config = ConfigDict(strict=True)

    lines: list[tuple[str, FiniteFloat, _Corners, _Corners | None, bool | None, FiniteFloat | None]]


class OcrCache:
    """Lines of text as JSON documents in a store. An entry that cannot be read counts as missing."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    def key(self, content_sha256: str, engine_key: str) -> str:
        """Return the path of an entry. `engine_key` names the engine, its version and its settings."""
        return f"{content_sha256[:2]}/{content_sha256}-{sha256(engine_key.encode()).hexdigest()[:16]}.json"

    def get(self, key: str) -> list[Line] | None:
        """Return the lines stored under a key, or None."""
        content = self._store.read(key)
        if content is None:
            return None
        try:
            entry = _Entry.model_validate_json(content)
        except ValidationError:
            return None
        return [Line(*line) for line in entry.lines]

    def put(self, key: str, lines: Sequence[Line], engine_key: str) -> None:
        """Store the lines of one face."""
        document = {
            "engine": engine_key,
            "lines": [(line.text, line.score, line.polygon, line.outline, line.whole, line.cap_px) for line in lines],
        }
        self._store.put(key, json.dumps(document, ensure_ascii=False).encode())
