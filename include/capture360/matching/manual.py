"""Manual matches: links that a person defined in a CSV file, which override all others.

Columns `text` and `asset`, and, to limit a row, `image` and `face`. An asset is given by its name, if no other one has
it, or by its reference: the id of a classic asset, `<space>/<externalId>` of a CogniteAsset. Empty links nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field

import fsspec

from capture360.errors import ConfigError
from capture360.matching.normalise import key
from capture360.model import FACES, Detection

_COLUMNS = ("text", "asset", "image", "face")
_Where = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class ManualMatches:
    """Rows by key of the text, image and face; the last two are empty where a row is not limited to one."""

    rows: Mapping[_Where, str] = field(default_factory=dict)

    def asset_of(self, detection: Detection) -> str | None:
        """Return the reference defined for a detection, "" to link nothing, None if no row applies."""
        text = key(detection.text)
        for where in ((detection.image, detection.face), (detection.image, ""), ("", detection.face), ("", "")):
            found = self.rows.get((text, *where))
            if found is not None:
                return found
        return None


def read_manual_matches(url: str) -> ManualMatches:
    """Read the file at any fsspec URL; ConfigError names file, row and fix."""
    try:
        with fsspec.open(url, "r", encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            columns = reader.fieldnames or ()
            unknown = [column for column in columns if column not in _COLUMNS]
            if unknown or not {"text", "asset"} <= set(columns):
                problem = f'column "{unknown[0]}" is not known' if unknown else "the columns text and asset are needed"
                raise ConfigError(f"{url}: {problem}. The columns are {', '.join(_COLUMNS)}, the last two optional.")
            rows: dict[_Where, str] = {}
            for row in reader:
                where, asset = _checked(url, reader.line_num, row)
                if rows.setdefault(where, asset) != asset:
                    raise ConfigError(
                        f'{url} line {reader.line_num}: "{row["text"]}" is given to {asset or "nothing"} here and to '
                        f"{rows[where] or 'nothing'} above. Keep one of the rows."
                    )
    except FileNotFoundError:
        raise ConfigError(f"{url} is not there. Correct the path of the manual matches or leave it out.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{url} is not UTF-8. Save it as CSV UTF-8.") from None
    except csv.Error as error:
        raise ConfigError(f"{url} is no CSV table ({error}). Look for an unclosed quote.") from None
    except (OSError, ValueError, ImportError) as error:
        raise ConfigError(f"{url} cannot be read ({error}). Correct the path of the manual matches.") from None
    return ManualMatches(rows)


def _checked(url: str, line: int, row: Mapping[str | None, str | None]) -> tuple[_Where, str]:
    text = key(row.get("text") or "")
    face = (row.get("face") or "").strip()
    if not text:
        raise ConfigError(f"{url} line {line}: text holds no letter or digit. Write what stands on the plate.")
    if face and face not in FACES:
        raise ConfigError(f'{url} line {line}: "{face}" is no face. Use one of {", ".join(FACES)} or leave it empty.')
    if None in row or row.get("asset") is None:
        raise ConfigError(f"{url} line {line}: the number of cells is not that of the header. Quote texts with commas.")
    return (text, (row.get("image") or "").strip(), face), (row["asset"] or "").strip()
