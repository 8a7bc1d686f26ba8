"""Scan rules (E): E57 files as delivered."""

from __future__ import annotations

from capture360.rules.finding import Disposition
from capture360.rules.rule import Family, says

SCANS = Family("E", "E57 scans")

E01 = SCANS.rule(
    "E01",
    "An E57 file is whole and readable",
    why="A damaged scan fails after hours of processing.",
    disposition=Disposition.QUARANTINE,
    scope="file",
    stage="files",
    judges="the whole file: header, checksums of its pages, XML",
    messages=says(
        "{sentence}",
        bad="a file cut off in the transfer",
        sentence="scan.e57 is cut off: its header says 66,560 bytes, the file has 40,000. Copy it again.",
    ),
)

E02 = SCANS.rule(
    "E02",
    "An E57 file holds a full sphere",
    why="Points alone give no 360 image.",
    disposition=Disposition.QUARANTINE,
    scope="file",
    stage="files",
    judges="the images of the file",
    messages=says(
        "{sentence}",
        bad="a scan with one reference photo",
        sentence="scan.e57 holds 1 image but no 360 panorama (only reference photos). "
        "Export it with spherical images or six cube faces a station.",
    ),
)

E03 = SCANS.rule(
    "E03",
    "The pictures and poses in an E57 file are sound",
    why="A sphere without a sound pose cannot be placed.",
    disposition=Disposition.WARN,
    scope="station",
    stage="files",
    judges="poses and pictures in the file",
    frame="delivered",
    messages=says(
        "{sentence}",
        bad="a rotation of length 1.118",
        sentence="scan.e57: pano 3 has a rotation (0.5, 1, 0, 0) that is no unit quaternion: "
        "its length is 1.118, not 1. Export the poses again.",
    ),
)

E04 = SCANS.rule(
    "E04",
    "The pictures lie inside the E57 file, and CDF takes its size",
    why="A picture beyond the end of the file cannot be read.",
    disposition=Disposition.QUARANTINE,
    scope="file",
    stage="files",
    judges="offsets and sizes in the file",
    messages=says(
        "{sentence}",
        bad="a file of 2 TB",
        sentence="scan.e57 has 2,000,000,000,000 bytes; CDF takes 1,073,741,824,000 at most. "
        "Export it in several files.",
    ),
)

E05 = SCANS.rule(
    "E05",
    "An E57 file is delivered once",
    why="A copy would show every station twice, and rename those of the first.",
    disposition=Disposition.WARN,
    scope="file",
    stage="files",
    judges="sha256 of the files",
    messages=says(
        "{where} is the same file as {value}, and is left out. Remove it.",
        bad="a copy in a folder backup",
        where="backup/scan.e57",
        value="scan.e57",
    ),
)
