"""Capture rules (C): the capture as a whole, and compared with what was ingested under its key."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from capture360.checks.parsed_capture import CheckInput, ParsedStations
from capture360.checks.stations import display_name
from capture360.checks.unread import unknown_parts
from capture360.checks.violations import FindingGroup, Group
from capture360.geometry.rotation import angle_between, matrix_from_quaternion
from capture360.model import Capture, CaptureKey, CaptureKind, Pose
from capture360.readers.manifest import MANIFEST
from capture360.rules.finding import Disposition, Finding
from capture360.rules.rule import Family, says
from capture360.text import listed

_ROUNDING_M, _ROUNDING_DEG = 1e-6, 1e-4

CAPTURES = Family("C", "Captures: privacy, size and history")

C01 = CAPTURES.rule(
    "C01",
    "A collection is not larger than viewers list at once",
    why="The listing of a core collection's annotations ends at 10,000.",
    disposition=Disposition.WARN,
    scope="capture",
    stage="gate",
    judges="images of each collection as it would be published",
    parameters=("max_listed_images",),
    messages=says(
        "{where}: {value} images in one collection; viewers list the annotations of {limit} at most (core data "
        "model). Name levels or areas in the column collection_id, or deliver them apart.",
        bad="a capture of 12,000 stations",
        where="stations.csv",
        value="8",
        limit="5",
    ),
)

C02 = CAPTURES.rule(
    "C02",
    "A capture brings something new",
    why="Delivering the same again is harmless, and good to know.",
    disposition=Disposition.NOTE,
    scope="capture",
    stage="gate",
    judges="stations and files, against what was published",
    messages=says(
        "{where}: all {value} stations were ingested before with the same poses. Pictures that changed need a "
        "higher revision.",
        bad="the same folder delivered twice",
        where="stations.csv",
        value="8",
    ),
)

C03 = CAPTURES.rule(
    "C03",
    "What was ingested changes only on purpose",
    why="Users have seen the images; silently moved ones cannot be trusted.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    judges="positions and rotations, against what was published",
    frame="site",
    messages=says(
        "{where}: the stations changed after they were ingested: {value}. Is it meant? Then confirm with "
        "revision: {revision} in capture.yaml: CDF will show what is delivered, and no station that is left out.",
        bad="a pose corrected in an ingested capture",
        where="stations.csv",
        value="1 moved or turned (s-02)",
        revision="2",
    )
    | says(
        "{where}: the stations changed after they were ingested: {value}. Is it meant? Then confirm with "
        "revision: {revision} in capture.yaml. Where CDF extracts the panoramas itself, the images that it made "
        "of missing scans are removed if the records name them; captures_reconcile lists those that stay.",
        name="scans",
        bad="an ingested E57 capture from which a scan is missing",
        where="scan.e57",
        value="1 missing (Stop-3)",
        revision="2",
    )
    | says(
        "{where}: revision {published} is published, and this is revision {stated}, which has other stations: {value}. "
        "Stations that were removed do not come back with an older delivery. Is it meant? Then confirm with "
        "revision: {revision} in capture.yaml: CDF will show what is delivered, and no station that is left out.",
        name="older",
        bad="the first delivery again, after revision 2 has left a station out",
        where="stations.csv",
        value="1 new (s-02)",
        published="2",
        stated="1",
        revision="3",
    )
    | says(
        "{where}: {value}, and {nameless} of its rows have no station_id: nobody can tell whether they are those "
        "stations. Give every row its id; a station that is to be removed has no row at all.",
        name="nameless",
        bad="a new revision in which one ingested station is missing and one row has lost its id",
        where="stations.csv",
        value="1 missing (s-02)",
        nameless="1",
    )
    | says(
        "{where}: {value}, and {unread} cannot be read: nobody can tell whether it holds those stations. Fix it, or "
        "take it out of the delivery.",
        name="unread",
        bad="a new revision without an ingested scan, and with another one that is damaged",
        where="east.e57",
        value="1 missing (west-Stop-1)",
        unread="north.e57",
    ),
)

C04 = CAPTURES.rule(
    "C04",
    "Images of people are blurred where the site demands it",
    why="Images of people need care, and in many places the law says so. Nothing is blurred here.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    judges="privacy of the manifest, against the site's setting",
    parameters=("privacy",),
    messages=says(
        "{where}: the site takes only blurred captures, this one is {value}. Blur faces and number plates, then "
        "set privacy: blurred; or privacy: no_people if nobody is in the pictures.",
        bad="privacy: unreviewed on a site that demands blurred",
        where="capture.yaml",
        value="unreviewed",
    ),
)

C06 = CAPTURES.rule(
    "C06",
    "What is published stays while its new delivery is held back",
    why="A station with a fault is to be fixed; only one that is left out on purpose is removed.",
    disposition=Disposition.WARN,
    scope="station",
    stage="files",
    judges="stations that are held back, against what is published",
    messages=says(
        "{where}: {value} held back, but published before: CDF keeps showing what was published. Fix and deliver "
        "again; to remove such a station instead, leave it out and confirm with revision: {revision}.",
        bad="a damaged picture in a new delivery of an ingested capture",
        where="stations.csv",
        value="1 (s-02)",
        revision="2",
    )
    | says(
        "{where} was published before, and is perhaps in {unread}, which cannot be read: CDF keeps showing it. Fix "
        "that and deliver again.",
        name="unread",
        disposition=Disposition.QUARANTINE,
        bad="an ingested scan that is damaged in the new delivery",
        where="west-Stop-1",
        unread="west.e57",
    ),
)


def gate(given: CheckInput) -> Iterator[Group]:
    """Check C01 and C04: size of the largest collection, and privacy."""
    table, settings = given.table, given.settings
    frame = table.stations.frame
    largest = int(frame["collection_id"].value_counts().max()) if "collection_id" in frame.columns else len(table)
    if largest > settings.max_listed_images:
        limit = f"{settings.max_listed_images:,}"
        yield FindingGroup([C01.finding(table.stations.file, f"{largest:,}", limit=limit)])
    if settings.privacy == "blurred" and table.manifest.privacy == "unreviewed":
        yield FindingGroup([C04.finding(MANIFEST, table.manifest.privacy, column="privacy")])


def still_shown(given: CheckInput, held_back: Collection[str]) -> Iterator[Finding]:
    """Check C06 for stations that are held back and were ingested before."""
    same = ingested(given.key, given.earlier)
    shown = [station.id for station in same.stations if station.id in held_back] if same else []
    if same and shown:
        revision = max(same.revision, given.table.manifest.revision) + 1
        yield C06.finding(given.table.stations.file, f"{len(shown)} ({listed(shown)})", revision=revision)


def ingested(key: CaptureKey, earlier: Sequence[Capture]) -> Capture | None:
    """Return the newest ingested revision of a capture."""
    same = (capture for capture in earlier if capture.key == key)
    return max(same, key=lambda capture: capture.revision, default=None)


def kept(given: CheckInput, stations: Mapping[str, str]) -> Iterator[FindingGroup]:
    """Check C06 for the stations that `perhaps_unread` found."""
    file = given.table.stations.file
    found = [
        C06.finding(file, where=each, message="unread", station=each, unread=part) for each, part in stations.items()
    ]
    if found:
        yield FindingGroup(found)


def placed_rows(table: ParsedStations) -> dict[str, int]:
    """Return the row of each station whose position and rotation are known."""
    known = table.placed & ~np.isnan(table.rotation).any(axis=1)
    ids = table.stations.frame["station_id"].tolist()
    return {ids[at]: at for at in np.flatnonzero(known).tolist()}


def difference(table: ParsedStations, at: int, pose: Pose) -> tuple[float, float]:
    """Return metres and degrees between a row and an earlier pose."""
    metres = float(np.linalg.norm(table.position[at] - np.array(pose.position)))
    turn = angle_between(matrix_from_quaternion(table.rotation[at]), matrix_from_quaternion(pose.rotation))
    return metres, float(np.degrees(turn))


def against_itself(given: CheckInput) -> Iterator[FindingGroup]:
    """Check C02 and C03 against what was ingested under the same key.

    Changes of stations that the ingested revision held back were confirmed with it. New stations of
    a lower revision may be those that the ingested one has removed.
    """
    table, ids, before = given.table, given.ids, ingested(given.key, given.earlier)
    if before is None:
        return
    rows, parts = placed_rows(table), _collections(table)
    open_changes, stations = set(before.held_back), before.stations
    moved = []
    for station in stations:
        if station.id in rows and station.id not in open_changes:
            metres, turn = difference(table, rows[station.id], station.pose)
            if metres > _ROUNDING_M or turn > _ROUNDING_DEG:
                moved.append(station.id)
    regrouped = [
        station.id
        for station in before.stations
        if parts.get(station.id, station.collection) != station.collection and station.id not in open_changes
    ]
    delivered, known = set(ids), {station.id for station in stations}
    left_out = [station.id for station in stations if station.id not in delivered]
    file, revision = table.stations.file, table.manifest.revision
    new = sorted(delivered - known - {""}) if revision < before.revision else []
    changes = (moved, "moved or turned"), (regrouped, "in another collection"), (left_out, "missing"), (new, "new")
    changed = ", ".join(f"{len(some)} {word} ({listed(some)})" for some, word in changes if some)
    nameless = int((ids == "").sum())
    unread = unknown_parts(table, before)
    kind = "scans" if table.manifest.kind is CaptureKind.E57 else ""
    if changed and revision <= before.revision:
        message, published = "older" if new else kind, before.revision
        found = C03.finding(
            file, changed, message=message, published=published, stated=revision, revision=published + 1
        )
        yield FindingGroup([found])
    elif left_out and nameless:
        lost = f"{len(left_out)} missing ({listed(left_out)})"
        yield FindingGroup([C03.finding(file, lost, message="nameless", nameless=nameless)])
    elif left_out and unread:
        lost = f"{len(left_out)} missing ({listed(left_out)})"
        yield FindingGroup([C03.finding(file, lost, message="unread", unread=listed(unread))])
    elif not changed and not open_changes and len(rows) == len(before.stations) and revision == before.revision:
        yield FindingGroup([C02.finding(file, len(rows))])


def _collections(table: ParsedStations) -> dict[str, str]:
    """Return the collection of each delivered station, as it would be published."""
    frame = table.stations.frame
    ids = frame["station_id"].tolist()
    parts = frame["collection_id"].tolist() if "collection_id" in frame.columns else [""] * len(ids)
    return {station: display_name(part) for station, part in zip(ids, parts, strict=True)}
