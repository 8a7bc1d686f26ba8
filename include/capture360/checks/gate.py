"""The first stage, in plain pandas: is there a capture that the map rules can be asked about?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from capture360.checks.parsed_capture import ParsedStations
from capture360.checks.rules import RULES
from capture360.checks.times import FORMS
from capture360.checks.violations import FindingGroup, Frame, RowViolations, where
from capture360.landing.folder import CaptureFolder, OutsideError
from capture360.landing.ready import delivered_files, ready_files
from capture360.model import CaptureKey, twin_key
from capture360.readers.manifest import MANIFEST, Manifest
from capture360.rules.rule import CAPTURE_FOLDER

if TYPE_CHECKING:
    import pandas as pd

_SUSPECT_PATH = r"(?:^|/)\.\.?(?:/|$)|//|^/|:|\x00"


def identity(manifest: Manifest, folder: CaptureFolder, key: CaptureKey | None) -> Iterator[FindingGroup]:
    """S02: the manifest, the folder and the site's landing zone mean the same capture."""
    name = key.capture if key else folder.name
    if manifest.capture_id != name:
        yield FindingGroup([RULES["S02"].finding(MANIFEST, manifest.capture_id, column="capture_id", folder=name)])
    if key and manifest.site_id != key.site:
        yield FindingGroup(
            [RULES["S02"].finding(MANIFEST, manifest.site_id, message="site", column="site_id", site=key.site)]
        )


def promised(
    manifest: Manifest, folder: CaptureFolder, stations: Frame, unusable: int, markers: tuple[str, ...]
) -> Iterator[FindingGroup]:
    """S08: as many stations as the manifest and as many files as the marker promise; `unusable` ones are there too."""
    expected, delivered = manifest.expected_stations, len(stations.frame) + unusable
    if expected is not None and expected != delivered:
        yield FindingGroup([RULES["S08"].finding(MANIFEST, delivered, expected=expected, file=stations.file)])
    there = delivered_files(folder, markers)
    for ready in ready_files(folder, markers):
        if ready.files is not None and there < ready.files:
            yield FindingGroup([RULES["S08"].finding(ready.name, there, message="files", expected=ready.files)])


def numbers(table: ParsedStations) -> Iterator[RowViolations]:
    """S06: every cell of a numeric column is a number."""
    for column, found in table.numbers.items():
        if found.wrong.any():
            text = table.stations.frame[column]
            commas = bool(text[found.wrong].str.contains(",", regex=False).any())
            yield RowViolations(
                "S06",
                table.stations,
                where(found.wrong),
                column=column,
                words=partial(_number_words, text),
                cause=" Was the table saved with decimal commas?" if commas else "",
            )


def _number_words(column: pd.Series[str], at: int) -> dict[str, object]:
    text = str(column.iat[at])
    if re.fullmatch(r"[+-]?\d+,\d+", text):
        point = text.replace(",", ".")
        return {"mend": f"Decimal comma? Write {point}, or separate the columns with semicolons."}
    return {"mend": "Write digits with a decimal point."}


def files(folder: CaptureFolder, pictures: Frame) -> Iterator[RowViolations]:
    """S07: every named file is there, and no path leaves the folder."""
    frame = pictures.frame
    if frame.empty:
        return
    named = frame["file"]
    problems: dict[int, str] = {}
    for position in where(named.str.contains(_SUSPECT_PATH, regex=True)).tolist():
        try:
            folder.resolve(str(named.iat[position]))
        except OutsideError as error:
            problems[position] = error.problem
    outside = np.array(sorted(problems), dtype=np.int64)
    if len(outside):
        yield RowViolations("S07", pictures, outside, "outside", "file", words=lambda at: {"problem": problems[at]})
    missing = ~named.isin(list(folder.sizes)).to_numpy() & (named != "").to_numpy()
    missing[outside] = False
    if missing.any():
        yield RowViolations("S07", pictures, where(missing), column="file")


def left_out(folder: CaptureFolder) -> Iterator[FindingGroup]:
    """S07: what lies in the folder and is not read."""
    rule = RULES["S07"]
    outside = [each for each in folder.left_out if each.outside]
    if outside:
        yield FindingGroup(
            [
                rule.finding(each.path, each.path, where=CAPTURE_FOLDER, message="outside", problem=each.problem)
                for each in outside
            ]
        )
    rest = [each for each in folder.left_out if not each.outside]
    if rest:
        yield FindingGroup(
            [rule.finding(each.path, each.path, message="left_out", problem=each.problem) for each in rest]
        )


def twins(stations: Frame) -> Iterator[RowViolations]:
    """I03: ids that people would take for the same."""
    import pandas as pd

    ids = stations.frame["station_id"]
    distinct = pd.Series(ids.unique(), dtype="str")
    keys = pd.Series([twin_key(text) for text in distinct.tolist()], dtype="str")
    twinned = keys.duplicated(keep=False)
    if not twinned.any():
        return
    groups = distinct[twinned].groupby(keys[twinned]).agg(list)
    others = {name: next(o for o in names if o != name) for names in groups for name in names}
    yield RowViolations(
        "I03",
        stations,
        where(ids.isin(list(others))),
        column="station_id",
        words=lambda at: {"twin": others[str(ids.iat[at])]},
    )


def times(table: ParsedStations) -> Iterator[RowViolations]:
    """T01 and T02: times can be read, and their zone is known."""
    text: pd.Series[Any] = table.stations.frame["time_taken"]
    found, base = table.times, table.manifest.time.base
    form, mend = FORMS[base]
    if found.wrong.any():
        yield RowViolations(
            "T01",
            table.stations,
            where(found.wrong),
            column="time_taken",
            words=lambda at: {"form": form, "mend": mend},
            cause=f" time.base in {MANIFEST} is {base}; is that so?",
        )
    empty = (text == "").to_numpy()
    if empty.any():
        yield RowViolations("T01", table.stations, where(empty), "empty", "time_taken")
    if found.unzoned.any() and found.zoned.any():
        first = str(text.iat[int(where(found.unzoned)[0])])
        positions = where(found.zoned & ~found.wrong)[:1]
        yield RowViolations("T02", table.stations, positions, "mixed", "time_taken", words=lambda at: {"other": first})
    elif found.unzoned.any():
        yield RowViolations("T02", table.stations, where(found.unzoned)[:1], column="time_taken")
