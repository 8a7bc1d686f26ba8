"""Manual matches: links that a person defined in a CSV file, which override all others.

Columns `text` and `asset`, and, to limit a row, `image` and `face`. An asset is given by its name, if no other one has
it, or by its reference: the id of a classic asset, `<space>/<externalId>` of a CogniteAsset. Empty links nothing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from capture360.errors import ConfigError
from capture360.matching.normalise import divided_key, key
from capture360.model import FACES, Cause, Detection
from capture360.settings.links import LinkSettings
from capture360.store import read_file
from capture360.text import printable

ROWS: frozenset[Cause] = frozenset({"by hand", "not by hand"})
"""Causes of matches that a row of the manual matches decides on."""
"""Reason of a manual match, by which it is known in the records."""
MOST_BYTES = 20_000_000
_SHOWN = 80
"""Characters of a cell that a message shows."""
_COLUMNS = ("text", "asset", "image", "face")
_Where = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class ManualRow:
    """A row of the file. `asset` is a reference or a name, "" to link nothing; `image` and `face` may be empty."""

    text: str
    asset: str
    image: str = ""
    face: str = ""


@dataclass(frozen=True, slots=True)
class ManualMatches:
    """Rows by text, image and face; the last two are empty where a row is not limited to one.

    Texts are equal if their letters and digits are, and their numbers are divided in the same places.
    """

    rows: Mapping[_Where, ManualRow] = field(default_factory=dict)
    remove_leading_zeros: bool = False

    def row_of(self, detection: Detection) -> ManualRow | None:
        """Return the row for a detection, the narrowest one; None if no row applies."""
        text = divided_key(detection.text, remove_leading_zeros=self.remove_leading_zeros)
        for where in ((detection.image, detection.face), (detection.image, ""), ("", detection.face), ("", "")):
            found = self.rows.get((text, *where))
            if found is not None:
                return found
        return None


def manual_matches_of(links: LinkSettings) -> ManualMatches | None:
    """Read the manual matches of a site; None if it has none."""
    if not links.manual:
        return None
    return read_manual_matches(links.manual, remove_leading_zeros=links.matching.remove_leading_zeros)


def read_manual_matches(url: str, *, remove_leading_zeros: bool = False) -> ManualMatches:
    """Read the file at any fsspec URL; ConfigError names file, row and fix."""
    content = read_file(url, MOST_BYTES, "Correct the path of the manual matches or leave it out.")
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        _check_columns(url, reader.fieldnames or ())
        rows: dict[_Where, ManualRow] = {}
        for cells in reader:
            row = _checked(url, reader.line_num, cells)
            text = divided_key(row.text, remove_leading_zeros=remove_leading_zeros)
            known = rows.setdefault((text, row.image, row.face), row)
            if known.asset != row.asset:
                text, here, above = (
                    printable(each or "nothing", _SHOWN) for each in (row.text, row.asset, known.asset)
                )
                raise ConfigError(
                    f'{url} line {reader.line_num}: "{text}" is given to {here} here and to {above} above. '
                    "Keep one of the rows."
                )
    except UnicodeDecodeError:
        raise ConfigError(f"{url} is not UTF-8. Save it as CSV UTF-8.") from None
    except csv.Error as error:
        raise ConfigError(f"{url} is no CSV table ({error}). Look for an unclosed quote.") from None
    return ManualMatches(rows, remove_leading_zeros)


def _check_columns(url: str, columns: Sequence[str]) -> None:
    unknown = [column for column in columns if column not in _COLUMNS]
    if unknown or not {"text", "asset"} <= set(columns):
        shown = f'column "{printable(unknown[0], _SHOWN)}" is not known' if unknown else ""
        problem = shown or "the columns text and asset are needed"
        raise ConfigError(f"{url}: {problem}. The columns are {', '.join(_COLUMNS)}, the last two optional.")
    if len(set(columns)) < len(columns):
        raise ConfigError(f"{url}: a column is there twice ({', '.join(columns)}). Keep one of them.")


def _checked(url: str, line: int, row: Mapping[str | None, str | None]) -> ManualRow:
    text = (row.get("text") or "").strip()
    face = (row.get("face") or "").strip()
    if not key(text):
        raise ConfigError(f"{url} line {line}: text holds no letter or digit. Write what stands on the plate.")
    if face and face not in FACES:
        shown, known = printable(face, _SHOWN), ", ".join(FACES)
        raise ConfigError(f'{url} line {line}: "{shown}" is no face. Use one of {known} or leave it empty.')
    if None in row or row.get("asset") is None:
        raise ConfigError(f"{url} line {line}: the number of cells is not that of the header. Quote texts with commas.")
    return ManualRow(text, (row["asset"] or "").strip(), (row.get("image") or "").strip(), face)
