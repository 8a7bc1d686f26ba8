"""Refusal of unknown capture keys and tags, with suggestions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress

from capture360.errors import ConfigError, RequestError
from capture360.landing.listing import capture_folder, captures
from capture360.matching.edits import EditIndex
from capture360.matching.normalise import key as comparable
from capture360.model import Asset, CaptureKey
from capture360.records import Records
from capture360.settings.site import Site
from capture360.text import counted, near_misses

_NAMED = 3
_LIKE_TAG = 0.7
"""Similarity from which a tag is suggested."""
_ALIKE = 0.5
"""Similarity from which a name is suggested; low, since names of captures are often short."""


def refuse_unknown(site: Site, records: Records, key: CaptureKey) -> None:
    """Raise RequestError if a capture has neither files in the landing zone nor records; it names similar ones."""
    if records.fingerprints(key):
        return
    folder = capture_folder(site, key)
    if folder.files:
        return
    known = set(records.keys_of(site.id))
    with suppress(ConfigError):  # the landing zone is not there, which the missing folder says too
        known |= set(captures(site).keys)
    raise RequestError(
        f"There is no capture {key}: {folder.url} is not there, or empty. {similar_captures(key, known)}"
    )


def similar_captures(key: CaptureKey, known: Collection[CaptureKey]) -> str:
    """Return a sentence with the known captures of the site whose names are most like that of an unknown one."""
    by_name = {each.capture.casefold(): str(each) for each in known if each != key}
    near = [by_name[name] for name in near_misses(key.capture.casefold(), by_name, _NAMED, _ALIKE)]
    return f"Did you mean {' or '.join(near)}?" if near else f"The site has {counted(len(by_name), 'other capture')}."


def near_assets(assets: Sequence[Asset], tag: str) -> list[str]:
    """Return the names of the assets whose tags are most like `tag`: those one character away, else those alike."""
    names = {comparable(each): asset.name or asset.ref for asset in assets for each in (asset.name, *asset.tags)}
    wanted, known = comparable(tag), sorted(names)
    if not wanted or not known:
        return []
    (places,) = EditIndex(known).near([wanted])
    near = [known[place] for place in places] or near_misses(wanted, known, _NAMED, _LIKE_TAG)
    return list(dict.fromkeys(names[each] for each in near))[:_NAMED]
