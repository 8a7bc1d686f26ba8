"""File rules F01 to F05: the assignment of pictures to stations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from capture360.checks.parsed_capture import CheckInput
from capture360.checks.spreadsheet_slips import slip_of
from capture360.checks.violations import Frame, Group, Results, RowViolations, repeated, where
from capture360.model import FACES, CaptureKind
from capture360.readers.layouts import fix_of_layout, stations_named
from capture360.readers.manifest import Manifest
from capture360.readers.near_misses import id_key, in_place_of_pictures, pictures_by_id
from capture360.readers.pictures import PICTURE
from capture360.rules.finding import Disposition
from capture360.rules.rule import Expect, Family, says
from capture360.text import listed

if TYPE_CHECKING:
    import pandas as pd

FACE_NAMES = list(FACES)
_PERHAPS = re.compile(r"(?i)(?:/[^./]+|\.(?:jpe?g|png)[^/]*)\Z")
"""Pictures, also with more behind their suffix, or without one."""
SAFE_PATH = r"(?i)^[^\x00-\x1f\x7f]+\.(?:jpe?g|png)$"


def stations_without_six_faces(
    frame: pd.DataFrame, station_column: str, face_column: str, faces: Sequence[str]
) -> dict[str, Any]:
    """Find stations that lack one of `faces` or have it twice: first rows, ids and counts by face."""
    import pandas as pd

    codes, stations = pd.factorize(frame[station_column])
    face = pd.Index(list(faces)).get_indexer(pd.Index(frame[face_column]))
    known = (face >= 0) & (codes >= 0)
    slots = codes[known] * len(faces) + face[known]
    counts = np.bincount(slots, minlength=len(stations) * len(faces)).reshape(len(stations), len(faces))
    bad = np.flatnonzero((counts != 1).any(axis=1))
    _, first = np.unique(codes, return_index=True)
    return {"positions": first[bad], "stations": stations[bad], "counts": counts[bad]}


def files_with_another_station(frame: pd.DataFrame, column_list: Sequence[str]) -> dict[str, Any]:
    """Find rows whose file lies in a folder named after another station; the columns are station and file."""
    station, file = (frame[name] for name in column_list)
    folder = file.str.rpartition("/")[0].str.rpartition("/")[2]
    return {"positions": where(folder.isin(station.unique()) & (folder != station))}


FILES = Family("F", "Files: are the pictures there, whole, and of the station?")

F01 = FILES.rule(
    "F01",
    "Every station has its six faces, each once",
    why="A cube with a side missing makes the viewer refuse the whole collection.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="suite",
    judges="faces by station, names mapped by faces.aliases",
    expectations=(
        Expect(
            "faces",
            "expect_stations_to_have_all_faces",
            {"station_column": "station_id", "face_column": "face", "faces": FACE_NAMES},
            stations_without_six_faces,
        ),
    ),
    messages={
        **says(
            "{where}: {problem}. Deliver front, right, back, left, top and bottom, one file each.",
            bad="left.jpg is missing",
            where="stations.csv row 3 (s-02)",
            problem='face "left" is missing',
        ),
        **says(
            "{where}: no pictures found. Deliver them as {wanted}, or name them in faces.csv.",
            name="none",
            bad="a station without a folder of images",
            where="stations.csv row 3 (s-02)",
            wanted="images/s-02/front.jpg and so on",
        ),
        **says(
            "{where}: no pictures found as {wanted}. Is this the station's id? {fix}",
            name="spreadsheet",
            bad="1-Feb for 1-2",
            where="stations.csv row 3 (1-Feb)",
            wanted="images/1-Feb/front.jpg and so on",
            fix="A spreadsheet made a date of it: format the column as text before the values are entered, and export "
            "it again.",
        ),
        **says(
            "{where}: no pictures found as {wanted}. {near}",
            name="packed",
            bad="images.7z in place of the folder of images",
            where="stations.csv row 3 (s-02)",
            wanted="images/s-02/front.jpg and so on",
            near="images.7z is not read. It is an archive: unpack it, and deliver what is in it.",
        ),
        **says(
            "{where}: no panorama found. Deliver it as {wanted}, or name it in the column pano_file.",
            name="panorama",
            bad="a station whose panorama is neither named nor in panos/",
            where="stations.csv row 3 (s-02)",
            wanted="panos/s-02.jpg",
        ),
        **says(
            "{where}: no pictures found as {wanted}, but {near} is there. {fix}",
            name="near",
            bad="station s-02, and pictures in images/S_2",
            where="stations.csv row 3 (s-02)",
            wanted="images/s-02/front.jpg and so on",
            near="images/S_2/back.jpg",
            fix="Make station_id and the name alike.",
        ),
        **says(
            "{where}: {names} are all named as its panorama. Keep one, or name it in the column pano_file.",
            name="several",
            bad="panos/s-02.jpg and, blurred, panos/s-02.png",
            where="stations.csv row 3 (s-02)",
            names="panos/s-02.jpg, panos/s-02.png",
        ),
    },
)

F02 = FILES.rule(
    "F02",
    "Every face name is known",
    why="An unknown side cannot be placed.",
    disposition=Disposition.QUARANTINE,
    scope="face",
    stage="suite",
    judges="names of faces, mapped by faces.aliases",
    explains=("F01",),
    expectations=(Expect("faces", "expect_column_values_to_be_in_set", {"column": "face", "value_set": FACE_NAMES}),),
    messages=says(
        '{where}: face "{value}" is not known. Use front, right, back, left, top, bottom, '
        "or map the name in capture.yaml under faces.aliases.",
        bad="up2",
        where="faces.csv row 12 (s-02)",
        value="up2",
    ),
)

F03 = FILES.rule(
    "F03",
    "Every picture is named as JPEG or PNG",
    why="Nothing else can be shown by the viewer.",
    disposition=Disposition.QUARANTINE,
    scope="file",
    stage="suite",
    judges="paths of pictures",
    expectations=(Expect("faces", "expect_column_values_to_match_regex", {"column": "file", "regex": SAFE_PATH}),),
    messages={
        **says(
            '{where}: "{value}" is no picture file. Deliver .jpg, .jpeg or .png.',
            bad="evil.exe",
            where="faces.csv row 12 (s-02)",
            value="images/s-02/evil.exe",
        ),
        **says(
            "{where}: file is empty. Name the picture.",
            name="empty",
            bad="an empty cell",
            where="faces.csv row 12 (s-02)",
        ),
    },
)

F04 = FILES.rule(
    "F04",
    "No file is used twice",
    why="A picture copied to a second place shows that place wrongly.",
    disposition=Disposition.QUARANTINE,
    scope="file",
    stage="suite",
    judges="paths of pictures",
    expectations=(Expect("faces", "expect_column_values_to_be_unique", {"column": "file"}),),
    messages=says(
        '{where}: "{value}" is used {times} times. Name another file, or remove the row.',
        bad="images/s-02/top.jpg in two rows",
        where="faces.csv row 12 (s-02)",
        value="images/s-02/top.jpg",
        times="2",
    ),
)

F05 = FILES.rule(
    "F05",
    "A picture lies in the folder of its station",
    why="A path with another station's id is mostly a row copied and not finished.",
    disposition=Disposition.WARN,
    scope="file",
    stage="suite",
    judges="paths of pictures and station_id",
    expectations=(
        Expect(
            "faces",
            "expect_files_to_lie_with_their_station",
            {"column_list": ["station_id", "file"]},
            files_with_another_station,
        ),
    ),
    messages=says(
        '{where}: "{value}" lies in the folder of another station. Correct station_id or file.',
        bad="images/s-03/top.jpg in a row of s-02",
        where="faces.csv row 12 (s-02)",
        value="images/s-03/top.jpg",
    ),
)


def suite(given: CheckInput, results: Results) -> Iterator[Group]:
    """Check F01 to F05, and F01 for stations without any picture."""
    table, faces = given.table, given.faces
    cubes = table.manifest.kind is CaptureKind.CUBEMAP
    for result in results["F01"] if cubes else ():
        yield _sides(table.stations, result.details, _unused(given), _shut(given))
    for result in results["F02"] if cubes else ():
        yield RowViolations(F02, faces, result.rows, column="face")
    for result in results["F03"]:
        empty = (faces.frame["file"].iloc[result.rows] == "").to_numpy()
        if empty.any():
            yield RowViolations(F03, faces, result.rows[empty], "empty", "file")
        if (~empty).any():
            yield RowViolations(F03, faces, result.rows[~empty], column="file")
    for result in results["F04"]:
        yield from repeated(F04, faces, result.rows, "file")
    for result in results["F05"]:
        yield RowViolations(F05, faces, result.rows, column="file")
    yield from _without_pictures(given, faces)
    if not cubes and "pano_file" not in table.stations.frame.columns:
        yield from _several_panoramas(table.stations, faces.frame)


def _sides(
    stations: Frame, details: Mapping[str, Any], unused: Mapping[str, Sequence[str]], shut: Mapping[str, str]
) -> RowViolations:
    counts: dict[str, NDArray[np.int64]] = dict(zip(details["stations"], details["counts"], strict=True))
    ids = stations.frame["station_id"]

    def problem(at: int) -> str:
        station = str(ids.iat[at])
        near = unused.get(station, ())
        others = f", but {listed(near, 3)} {'is' if len(near) == 1 else 'are'} there" if near else shut.get(station, "")
        return _missing(counts[station]) + (others if (counts[station] == 0).any() else "")

    return RowViolations(
        F01,
        stations,
        where(ids.isin(list(counts))),
        value=lambda at: _missing(counts[str(ids.iat[at])]),
        words=lambda at: {"problem": problem(at)},
    )


def _several_panoramas(stations: Frame, derived: pd.DataFrame) -> Iterator[RowViolations]:
    """Check F01: of two panoramas that are found by a station's name, nobody knows which is meant."""
    several = derived.drop_duplicates(["station_id", "file"])
    several = several[several["station_id"].duplicated(keep=False)]
    twice = {str(station): files.tolist() for station, files in several.groupby("station_id")["file"]}
    ids = stations.frame["station_id"]
    rows = where(ids.isin(list(twice)))
    if len(rows):
        yield RowViolations(F01, stations, rows, "several", words=lambda at: {"names": listed(twice[str(ids.iat[at])])})


def _missing(counts: NDArray[np.int64]) -> str:
    """Word the faults, such as `face "left" is missing; face "top" appears 2 times`."""
    parts = [f'face "{face}" is missing' for face, count in zip(FACES, counts, strict=True) if count == 0]
    parts += [f'face "{face}" appears {n} times' for face, n in zip(FACES, counts, strict=True) if n > 1]
    return "; ".join(parts)


def _without_pictures(given: CheckInput, faces: Frame) -> Iterator[RowViolations]:
    table = given.table
    ids: pd.Series[str] = table.stations.frame["station_id"]
    has_pictures = ids.isin(faces.frame["station_id"].unique())
    rows = where(~has_pictures & (ids != ""))
    if not len(rows):
        return
    cubes = table.manifest.kind is CaptureKind.CUBEMAP
    pattern = table.manifest.faces.pattern if cubes else "panos/{station}.jpg"
    there = _near_pictures(given, ids.iloc[rows].tolist())
    lacking = ids.iloc[rows].tolist() if has_pictures.any() else []
    pack = "" if there else in_place_of_pictures(given.folder, pattern, lacking)
    near = np.array([str(name) in there for name in ids.iloc[rows]], dtype=bool)

    def words(at: int) -> dict[str, object]:
        station = str(ids.iat[at])
        wanted = _wanted(pattern, station) if cubes else pattern.replace("{station}", station)
        found = there.get(station, pack)
        fix = fix_of_near(found, station, table.manifest, cubes=cubes) if station in there else slip_of(station)
        return {"wanted": wanted, "near": found, "fix": fix}

    slipped = np.array([slip_of(str(ids.iat[at])) != "" for at in rows.tolist()], dtype=bool) & ~near
    none = "packed" if pack else "none" if cubes else "panorama"
    for message, chosen in (("near", rows[near]), ("spreadsheet", rows[slipped]), (none, rows[~near & ~slipped])):
        if len(chosen):
            yield RowViolations(F01, table.stations, chosen, message, words=words)


def _near_pictures(given: CheckInput, lacking: Iterable[str]) -> Mapping[str, str]:
    """Return a picture by station whose path names it: as a whole part, but for case and the like, or anywhere."""
    whole = pictures_by_id(given.folder)
    near = {station: whole[id_key(station)] for station in lacking if id_key(station) in whole}
    unused = _unused(given) if any(station not in near for station in lacking) else {}
    return {station: paths[0] for station, paths in unused.items()} | near


def _unused(given: CheckInput) -> Mapping[str, Sequence[str]]:
    """Return the pictures that belong to no station, by the station that they name."""
    used = set(given.faces.frame["file"])
    paths = (entry.path for entry in given.folder.files if entry.path not in used and _PERHAPS.search(entry.path))
    found: dict[str, list[str]] = {}
    for path, station in stations_named(paths, given.table.stations.frame["station_id"]).items():
        found.setdefault(station, []).append(path)
    return found


def _shut(given: CheckInput) -> Mapping[str, str]:
    """Return why a picture of the folder is not read, by the station that it names."""
    problems = {each.path: each.problem.partition(". ")[0] for each in given.folder.left_out}
    named = stations_named(filter(PICTURE.search, problems), given.table.stations.frame["station_id"])
    return {station: f": {path} {problems[path]}" for path, station in named.items()}


def fix_of_near(found: str, station: str, manifest: Manifest, *, cubes: bool) -> str:
    """Return what to do about a picture that names the station, but is not found by the pattern."""
    if not stations_named([found], [station]):
        return "Make station_id and the name alike."
    if not PICTURE.search(found) and _PERHAPS.search(found):
        return "If they are JPEG, let their names end in .jpg."
    if not PICTURE.search(found):
        return "Export the pictures as JPEG."
    if not cubes:
        return "Move it there, or name it in the column pano_file."
    return fix_of_layout(found, station, manifest.faces.aliases)


def _wanted(pattern: str, station: str) -> str:
    name = pattern.replace("{station}", station).replace("{face}", "front").replace("{ext}", "jpg")
    return f"{name} and so on"
