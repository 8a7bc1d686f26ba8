"""File rule F17: pictures are the files that the faces table describes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from capture360.checks.files import FILES
from capture360.checks.parsed_capture import CheckInput, ImageRef
from capture360.checks.text_columns import FORMS, declared_count, declared_digest, to_utc
from capture360.checks.violations import Group, RowViolations, where
from capture360.rules.finding import Disposition, Finding
from capture360.rules.rule import says

if TYPE_CHECKING:
    import pandas as pd

_COUNTS = {"width": "pixels wide", "height": "pixels high", "size_bytes": "bytes large"}
_DIGITS_SHOWN = 16
_LONGEST_DIFFERENCE_S = 3600
_REMOVE = "or remove the column"

F17 = FILES.rule(
    "F17",
    "Every picture is the file that the faces table describes",
    why="A file of another size or checksum is half a copy, or another picture.",
    disposition=Disposition.QUARANTINE,
    scope="file",
    stage="files",
    judges="width, height, size_bytes, sha256 and taken_at of the faces table, against each file",
    messages={
        **says(
            "{where} is {value} {what}, the faces table says {expected}. Copy the file again, or correct {named}.",
            bad="width: 2048 for a picture of 512",
            where="images/s-02/top.jpg (faces.csv row 12)",
            value="512",
            what="pixels wide",
            expected="2048",
            named="width",
        ),
        **says(
            "{where} has the sha256 {value}, the faces table says {expected}. Copy the file again, or correct sha256.",
            name="sha256",
            bad="a picture that was replaced after the table was written",
            where="images/s-02/top.jpg (faces.csv row 12)",
            value="24d63e281b1b0e28...",
            expected="0000000000000000...",
        ),
        **says(
            '{where}: {column} "{value}" is no {form}. {fix}',
            name="cell",
            bad="width: 2k",
            where="faces.csv row 12 (s-02)",
            column="width",
            value="2k",
            form="whole number",
            fix="Write digits alone, or remove the column.",
        ),
        **says(
            "{where}: taken_at {value} is {difference} from the station's time_taken. Which one is right?",
            name="time",
            disposition=Disposition.WARN,
            bad="a face taken a day before its station",
            where="faces.csv row 12 (s-02)",
            value="2026-04-16T09:02:00Z",
            difference="24.0 h",
        ),
    },
)


def cells(given: CheckInput) -> Iterator[Group]:
    """Check F17: cells of the faces table that say nothing, and times that are not those of the station."""
    frame = given.faces.frame
    for column in _COUNTS:
        if column in frame.columns:
            fix = f"Write digits alone, {_REMOVE}."
            yield from _unreadable(given, column, _none_of(frame[column], declared_count), "whole number", fix)
    if "sha256" in frame.columns:
        fix = f"Write its 64 hexadecimal digits, {_REMOVE}."
        yield from _unreadable(given, "sha256", _none_of(frame["sha256"], declared_digest), "sha256", fix)
    if "taken_at" in frame.columns:
        yield from _times(given, frame["taken_at"])


def differences(picture: ImageRef, *, size: int, pixels: tuple[int, int] | None, digest: str) -> Iterator[Finding]:
    """Check F17 for one picture: bytes, width and height if they are known, and sha256 if it was asked for."""
    said = picture.declared
    found = {"size_bytes": (said.size_bytes, size)}
    if pixels:
        found |= {"width": (said.width, pixels[0]), "height": (said.height, pixels[1])}
    for column, (expected, value) in found.items():
        if expected is not None and expected != value:
            yield picture.finding(F17, value, expected=expected, what=_COUNTS[column], named=column)
    if said.sha256 and digest and said.sha256 != digest:
        shown, expected_digits = (f"{text[:_DIGITS_SHOWN]}..." for text in (digest, said.sha256))
        yield picture.finding(F17, shown, message="sha256", expected=expected_digits)


def _none_of(column: pd.Series[str], read: Any) -> Any:
    """Mask of the cells that are neither empty nor what `read` reads."""
    return (column != "") & ~column.map(lambda text: bool(text == "" or read(text) not in (None, ""))).astype(bool)


def _unreadable(given: CheckInput, column: str, wrong: Any, form: str, fix: str) -> Iterator[Group]:
    if wrong.any():
        words = {"form": form, "fix": fix}
        yield RowViolations(F17, given.faces, where(wrong), "cell", column, words=lambda _: words)


def _times(given: CheckInput, column: pd.Series[str]) -> Iterator[Group]:
    stated = given.table.manifest.time
    times = to_utc(column, stated)
    form, fix = FORMS[stated.base]
    form = form.removeprefix("a ")
    yield from _unreadable(given, "taken_at", times.wrong | times.unzoned, f"{form} in {stated.base}", fix)
    stations = given.table.stations.frame["station_id"].tolist()
    known = dict(zip(stations, given.table.unix_times().tolist(), strict=True))
    own = times.utc.astype("int64") / 1e6
    apart = (own - given.faces.frame["station_id"].map(known)).abs().where(times.utc.notna() & ~times.unzoned)
    late = where(apart > _LONGEST_DIFFERENCE_S)
    if len(late):
        yield RowViolations(
            F17,
            given.faces,
            late,
            "time",
            "taken_at",
            words=partial(lambda hours, at: {"difference": f"{hours.iat[at]:,.1f} h"}, apart / 3600),
        )
