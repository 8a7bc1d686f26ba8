"""OCR results by content, engine and settings, so that a face is read once however often it is delivered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from capture360.store import DocumentStore

if TYPE_CHECKING:
    from capture360.detection.ocr import Line, OcrEngine


class OcrCache:
    """Lines of text as JSON documents in a store. An entry that cannot be read counts as missing."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    def key(self, content_sha256: str, engine: OcrEngine) -> str:
        """Path of the entry. The faces to look at are no part of it: they do not change what stands on one."""
        how = engine.settings.model_dump_json(exclude={"faces"})
        return (
            f"{content_sha256[:2]}/{content_sha256}-{sha256(f'{engine.version} {how}'.encode()).hexdigest()[:16]}.json"
        )

    def get(self, key: str) -> list[Line] | None:
        """The lines kept under a key, or None."""
        from capture360.detection.ocr import Line

        content = self._store.read(key)
        if content is None:
            return None
        try:
            return [
                Line(str(text), float(score), tuple((float(x), float(y)) for x, y in polygon))
                for text, score, polygon in json.loads(content)["lines"]
            ]
        except (ValueError, KeyError, TypeError):
            return None

    def put(self, key: str, lines: Sequence[Line], engine: OcrEngine) -> None:
        """Keep the lines of one face."""
        document = {
            "engine": engine.version,
            "settings": engine.settings.model_dump(mode="json"),
            "lines": [(line.text, line.score, line.polygon) for line in lines],
        }
        self._store.put(key, json.dumps(document, ensure_ascii=False).encode())
