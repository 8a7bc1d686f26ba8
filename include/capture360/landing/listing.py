"""Listing of a site's captures: the folders directly below its landing URL."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from capture360.errors import BadInputError, ConfigError
from capture360.landing.folder import CaptureFolder, store_errors
from capture360.landing.tree import LeftOut
from capture360.model import CAPTURE_LENGTH, CaptureKey, is_id
from capture360.settings.site import Site
from capture360.store import is_local, opened_store
from capture360.text import printable

_LINK = "is a link to a folder, and such links are not followed. Deliver the folder itself"
_MISNAMED = "is no capture: use letters, digits, dot, underscore and minus in its name"
_TOO_LONG = f"is no capture: use at most {CAPTURE_LENGTH} characters in its name"
_NO_PATH = "has a key with an empty part, which is no path of a file. Rename what lies in it"
_LET_READ = "Let the reader of the landing zone read it."


def capture_folder(site: Site, key: CaptureKey) -> CaptureFolder:
    """Return the landing folder of a capture, listed anew; BadInputError if it is a link, which scans pass over too."""
    url = f"{site.landing.url.rstrip('/')}/{key.capture}"
    fs, root = opened_store(url, use_listings_cache=False)
    if is_local(fs) and Path(root).is_symlink():
        raise BadInputError(f"{url} {_LINK}.")
    return CaptureFolder(url, use_listings_cache=False)


@dataclass(frozen=True, slots=True)
class Listing:
    """The site's captures, and entries beside them that cannot be captures.

    `changed` is the time of the last change of the top of a capture's folder, in seconds since 1970. Only file systems
    know it; object stores have no folders.
    """

    keys: Sequence[CaptureKey]
    left_out: Sequence[LeftOut]
    changed: Mapping[str, float]


def captures(site: Site) -> Listing:
    """List the landing folder of the site; ConfigError if it does not exist."""
    good: list[CaptureKey] = []
    left_out: list[LeftOut] = []
    changed: dict[str, float] = {}
    for name, kind, at in sorted(_entries(site)):
        if name.startswith((".", "_")):
            continue
        if kind == "link":
            left_out.append(LeftOut(printable(name), _LINK))
        elif not name:
            left_out.append(LeftOut("/", _NO_PATH))
        elif is_id(name, CAPTURE_LENGTH):
            good.append(CaptureKey(site.id, name))
            changed[name] = at
        else:
            left_out.append(LeftOut(printable(name), _MISNAMED if len(name) <= CAPTURE_LENGTH else _TOO_LONG))
    return Listing(good, left_out, changed)


def _entries(site: Site) -> Iterator[tuple[str, str, float]]:
    """Yield name, kind (`directory` or `link`) and last change of the folders directly below the landing folder."""
    url = printable(site.landing.url)
    fs, root = opened_store(site.landing.url, use_listings_cache=False)
    try:
        with store_errors(url, "listed"):
            entries = fs.ls(root, detail=True)
    except FileNotFoundError:
        raise ConfigError(
            f"{url} is not there. Create the landing folder of site {site.id}, or correct landing.url."
        ) from None
    except OSError as error:
        raise ConfigError(f"{url} cannot be listed ({error.strerror or error}). {_LET_READ}") from None
    top = root.rstrip("/")
    for entry in entries:
        path = str(entry["name"]).rstrip("/")
        if path == top and entry["type"] == "file" and not str(entry["name"]).endswith("/"):
            raise ConfigError(f"{url} is a file. Correct landing.url of site {site.id}: it must name a folder.")
        is_linked = bool(entry.get("islink")) and Path(path).is_dir()
        if is_linked or entry["type"] == "directory":
            # Copies that keep the times of their source set the time of modification, never that of the change.
            changed = max(float(entry.get("created") or 0), float(entry.get("mtime") or 0)) if "ino" in entry else 0.0
            name = "" if path == top else posixpath.basename(path)
            yield name, "link" if is_linked else "directory", changed
