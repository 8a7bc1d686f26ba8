"""File rule F06: rows and pictures that are used for nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from capture360.checks.files import FILES
from capture360.checks.parsed_capture import CheckInput
from capture360.checks.violations import FindingGroup, Frame, Group, RowViolations, where
from capture360.landing.scans import archives_in
from capture360.model import CaptureKind
from capture360.readers.gpano import THE_PICTURES
from capture360.readers.layouts import stations_named
from capture360.readers.near_misses import id_key, id_keys, packed, packed_twice
from capture360.readers.pictures import OTHER_PICTURE, PICTURE
from capture360.rules.cameras import S16
from capture360.rules.finding import Disposition
from capture360.rules.rule import says
from capture360.text import listed

_YES = ("true", "1", "yes", "y", "t", "ok", "valid", "wahr", "ja", "vrai", "oui", "verdadero", "verdadeiro", "si",
        "s\u00ed", "sim", "vero", "s\u00ec", "waar", "sann", "sant", "tosi", "prawda", "tak")  # fmt: skip
_NO = ("false", "0", "no", "n", "f", "invalid", "falsch", "nein", "faux", "non", "falso", "n\u00e3o", "onwaar", "nee",
       "usann", "nei", "falskt", "falsk", "nej", "ep\u00e4tosi", "fa\u0142sz", "nie")  # fmt: skip
"""Also as Excel exports TRUE and FALSE in other languages."""

F06 = FILES.rule(
    "F06",
    "Every picture belongs to a station of the table",
    why="A picture without a station may be a station that was forgotten.",
    disposition=Disposition.WARN,
    scope="file",
    stage="gate",
    judges="pictures of the folder and of the tables, and station_id",
    messages={
        **says(
            '{where}: the station "{value}" is not in the stations table. Add it there, or remove the row.',
            bad="a row for s-99, which has no pose",
            where="faces.csv row 14 (s-99)",
            value="s-99",
        ),
        **says(
            "{where} holds pictures of no station ({value}): {names}. Add their rows, or remove them.",
            name="orphans",
            bad="a folder of pictures that no row names",
            where="the capture folder",
            value="2",
            names="images/s-99/front.jpg, images/s-99/top.jpg",
        ),
        **says(
            "{where} holds pictures that are neither JPEG nor PNG and are not read ({value}): {names}. Export them so.",
            name="other_form",
            bad="images/s-02/top.webp",
            where="the capture folder",
            value="1",
            names="images/s-02/top.webp",
        ),
        **says(
            "{where} holds archives that are not read ({value}): {names}. Unpack them, and deliver what is in them.",
            name="archives",
            bad="the pictures of a level as images.zip",
            where="the capture folder",
            value="1",
            names="level-2.zip",
        ),
        **says(
            "{where} is marked valid = {value} and is left out, as the table asks.",
            name="skipped",
            disposition=Disposition.NOTE,
            bad="valid = false",
            where="stations.csv row 3 (s-02)",
            value="false",
        ),
        **says(
            '{where}: valid "{value}" is neither yes nor no. Write true or false, or leave the cell empty.',
            name="neither",
            disposition=Disposition.QUARANTINE,
            bad="valid = perhaps",
            where="stations.csv row 3 (s-02)",
            value="perhaps",
        ),
    },
)


def rows_left_out(given: CheckInput) -> Iterator[Group]:
    """Check F06 for faces of unknown stations, and for stations that the table marks as not valid."""
    faces, delivered = given.table.faces, given.delivered
    unknown = ~faces.frame["station_id"].isin(delivered.frame["station_id"]) & (faces.frame["row"] > 0)
    if unknown.any():
        yield RowViolations(F06, faces, where(unknown), column="station_id")
    skipped = not_valid(delivered)
    if len(skipped):
        yield RowViolations(F06, delivered, skipped, "skipped", "valid")
    stations = given.table.stations
    if "valid" in stations.frame.columns:
        neither = where(~stations.frame["valid"].str.casefold().isin([*_YES, ""]))
        if len(neither):
            yield RowViolations(F06, stations, neither, "neither", "valid")


def not_valid(stations: Frame) -> NDArray[np.int64]:
    """Return the rows that the table marks as not valid."""
    if "valid" not in stations.frame.columns:
        return np.empty(0, dtype=np.int64)
    return where(stations.frame["valid"].str.casefold().isin(_NO))


def of_one_name(given: CheckInput) -> Iterator[RowViolations]:
    """Check S16: one file name in two folders; a copy, or a camera that restarted its numbering."""
    stations = given.table.stations
    if stations.file != THE_PICTURES:
        return
    first: dict[str, str] = {}
    others: dict[int, str] = {}
    paths = stations.frame["pano_file"].tolist()
    for at, path in sorted(enumerate(paths), key=lambda each: (each[1].count("/"), each[1])):
        directory, _, name = path.rpartition("/")
        other = first.setdefault(name.rpartition(".")[0].casefold(), path)
        if other.rpartition("/")[0] != directory:
            others[at] = other
    if others:
        rows = np.array(list(others), dtype=np.int64)
        yield RowViolations(S16, stations, rows, column="station_id", words=lambda at: {"other": others[at]})


def orphans(given: CheckInput) -> Iterator[Group]:
    """Check F06: pictures that no station uses, and archives that nothing is read from.

    Pictures that name a station without any are left to rule F01, which says how that station finds them.
    """
    table = given.table
    archives = packed(given.folder)
    is_e57 = table.manifest.kind is CaptureKind.E57
    archives += packed_twice(given.folder) if is_e57 else archives_in(given.folder)
    if archives:
        yield FindingGroup([F06.finding("", len(archives), message="archives", names=listed(sorted(archives)))])
    if is_e57:
        return
    named = table.faces.frame
    known = (named["row"] > 0) | named["station_id"].isin(given.delivered.frame["station_id"])
    used = {*given.faces.frame["file"], *named.loc[known, "file"]}
    ids = given.table.stations.frame["station_id"]
    lacking = {id_key(each) for each in ids[~ids.isin(given.faces.frame["station_id"].unique())]} - {""}
    left = [
        entry.path
        for entry in given.folder.files
        if PICTURE.search(entry.path) and entry.path not in used and lacking.isdisjoint(id_keys(entry.path))
    ]
    if lacking:
        of_lacking = stations_named(left, ids)
        left = [path for path in left if id_key(of_lacking.get(path, "")) not in lacking]
    if left:
        yield FindingGroup([F06.finding("", len(left), message="orphans", names=listed(left))])
    others = [entry.path for entry in given.folder.files if OTHER_PICTURE.search(entry.path)]
    if others:
        yield FindingGroup([F06.finding("", len(others), message="other_form", names=listed(others))])
