"""The captures of a site: the folders right below its landing URL."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

import fsspec

from capture360.errors import ConfigError
from capture360.landing.folder import CaptureFolder
from capture360.model import CaptureKey
from capture360.names import CAPTURE_LENGTH, is_id
from capture360.settings import Site


def capture_folder(site: Site, key: CaptureKey) -> CaptureFolder:
    """The landing folder of a capture, listed afresh."""
    return CaptureFolder(f"{site.landing.url.rstrip('/')}/{key.capture}", use_listings_cache=False)


def captures(site: Site) -> tuple[Sequence[CaptureKey], Sequence[str]]:
    """The site's captures, and the names of folders that cannot be one; ConfigError if the landing folder is gone."""
    fs, root = fsspec.core.url_to_fs(site.landing.url, use_listings_cache=False)
    try:
        entries = fs.ls(root, detail=True)
    except FileNotFoundError:
        raise ConfigError(
            f"{site.landing.url} is not there. Create the landing folder of site {site.id}, or correct landing.url."
        ) from None
    folders = [posixpath.basename(str(entry["name"]).rstrip("/")) for entry in entries if entry["type"] == "directory"]
    seen = sorted(name for name in folders if not name.startswith((".", "_")))
    good = [CaptureKey(site.id, name) for name in seen if is_id(name, CAPTURE_LENGTH)]
    return good, [name for name in seen if not is_id(name, CAPTURE_LENGTH)]
