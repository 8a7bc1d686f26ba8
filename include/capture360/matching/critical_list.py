"""The assets that a site must see: a CSV file with one column of tags, an optional header `tag` above them."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Sequence

from capture360.errors import ConfigError
from capture360.matching.normalise import key
from capture360.model import Asset
from capture360.store import read_file
from capture360.text import printable

MOST_BYTES = 10_000_000
MOST_TAGS = 100_000
_LONGEST_TAG = 200
_HEADERS = frozenset({"tag", "tags"})


def read_critical_list(url: str) -> Sequence[str]:
    """Return the tags of the file at any fsspec URL, each once; ConfigError with file, line and fix."""
    content = read_file(url, MOST_BYTES, "Correct links.critical_assets or leave it out.")
    try:
        return _tags(url, content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ConfigError(f"{url} is not UTF-8. Save it as CSV UTF-8.") from None


def critical_assets(tags: Iterable[str], assets: Collection[Asset]) -> tuple[frozenset[str], list[str]]:
    """Return the references of the assets with these tags, names or references, and the tags that no asset has.

    Case and signs are passed over where no asset has a tag as it is written.
    """
    exact: dict[str, set[str]] = {}
    alike: dict[str, set[str]] = {}
    for asset in assets:
        for text in (asset.ref, asset.name, *asset.tags):
            exact.setdefault(text, set()).add(asset.ref)
            alike.setdefault(key(text), set()).add(asset.ref)
    found: set[str] = set()
    unknown = []
    for tag in tags:
        refs = exact.get(tag) or alike.get(key(tag), set())
        found |= refs
        if not refs:
            unknown.append(tag)
    return frozenset(found), unknown


def _tags(url: str, text: str) -> Sequence[str]:
    tags: dict[str, None] = {}
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if len(cells) > 1:
                raise ConfigError(
                    f"{url} line {reader.line_num}: {len(cells)} cells. Keep one column, that of the tags."
                )
            if not tags and cells[0].casefold() in _HEADERS:
                continue
            if not key(cells[0]) or len(cells[0]) > _LONGEST_TAG:
                raise ConfigError(f'{url} line {reader.line_num}: "{printable(cells[0], 60)}" is no tag. Correct it.')
            tags[cells[0]] = None
            if len(tags) > MOST_TAGS:
                raise ConfigError(f"{url} lists more than {MOST_TAGS:,} tags. List those that are critical.")
    except csv.Error as error:
        raise ConfigError(f"{url} line {reader.line_num} is no CSV ({error}). Look for an unclosed quote.") from None
    return list(tags)
