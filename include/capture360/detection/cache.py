"""Cache of OCR results by content, engine and settings: a face that is delivered again is not read again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256

from capture360.detection.protocol import Line
from capture360.geometry.polygons import Polygon
from capture360.store import DocumentStore


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
            return [
                Line(str(text), float(score), _polygon(polygon), _polygon(outline) if outline else None, whole, px)
                for text, score, polygon, outline, whole, px in json.loads(content)["lines"]
            ]
        except (ValueError, KeyError, TypeError):
            return None

    def put(self, key: str, lines: Sequence[Line], engine_key: str) -> None:
        """Store the lines of one face."""
        document = {
            "engine": engine_key,
            "lines": [(line.text, line.score, line.polygon, line.outline, line.whole, line.line_px) for line in lines],
        }
        self._store.put(key, json.dumps(document, ensure_ascii=False).encode())


def _polygon(corners: Sequence[Sequence[float]]) -> Polygon:
    return tuple((float(x), float(y)) for x, y in corners)
