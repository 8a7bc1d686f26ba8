"""The documents below a store, for tests that compare, damage or remove them."""

from __future__ import annotations

import fsspec

from capture360.store import DocumentStore


def document_paths(store: DocumentStore, folder: str = "") -> list[str]:
    """Paths of all documents below `folder`, sorted."""
    fs, root = fsspec.core.url_to_fs(store.url)
    fs.invalidate_cache()
    found = (path.removeprefix(root).lstrip("/") for path in fs.find(f"{root}/{folder}".rstrip("/")))
    return sorted(path for path in found if not path.rpartition("/")[2].startswith("."))
