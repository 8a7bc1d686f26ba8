"""C: the capture as a whole."""

from __future__ import annotations

from capture360.rules.finding import Disposition
from capture360.rules.rule import Family, says

CAPTURES = Family("C", "Captures: privacy, size and history")

C01 = CAPTURES.rule(
    "C01",
    "A collection is not larger than viewers list at once",
    why="The listing of a core collection's annotations ends at 10,000.",
    disposition=Disposition.WARN,
    scope="capture",
    stage="gate",
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
    messages=says(
        "{where}: all {value} stations were ingested before with the same poses. Only pictures that changed would "
        "be written.",
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
        "before stay until somebody deletes them in CDF; captures_reconcile lists them.",
        name="scans",
        bad="an ingested E57 capture from which a scan is missing",
        where="scan.e57",
        value="1 gone (Stop-3)",
        revision="2",
    )
    | says(
        "{where}: {value}, and {nameless} of its rows have no station_id: nobody can tell whether they are those "
        "stations. Give every row its id; a station that is to be removed has no row at all.",
        name="nameless",
        bad="a new revision in which one ingested station is missing and one row has lost its id",
        where="stations.csv",
        value="1 gone (s-02)",
        nameless="1",
    ),
)

C04 = CAPTURES.rule(
    "C04",
    "Images of people are blurred where the site demands it",
    why="Images of people need care, and in many places the law says so. Nothing is blurred here.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    parameters=("privacy",),
    messages=says(
        "{where}: the site takes only blurred captures, this one is {value}. Blur faces and number plates, then "
        "set privacy: blurred; or privacy: no_people if nobody is in the pictures.",
        bad="privacy: unreviewed on a site that demands blurred",
        where="capture.yaml",
        value="unreviewed",
    ),
)

C05 = CAPTURES.rule(
    "C05",
    "A station with history stays where it was",
    why="Viewers show all images of a station with the pose of the first.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="gate",
    messages=says(
        "{where} is {value} m and {turn} degrees from its pose in capture {capture}; with history: true it must "
        "agree within 0.01 m and 0.1 degrees. Give it a new id, or set history: false.",
        bad="history: true and a station moved by 5 cm",
        where="stations.csv row 3 (s-02)",
        value="0.050",
        turn="0.00",
        capture="2026-03-01",
    ),
)

C06 = CAPTURES.rule(
    "C06",
    "What is published stays while its new delivery is held back",
    why="A station with a fault is to be fixed; only one that is left out on purpose is removed.",
    disposition=Disposition.WARN,
    scope="station",
    stage="files",
    messages=says(
        "{where}: {value} held back, but published before: CDF keeps showing what was published. Fix and deliver "
        "again; to remove such a station instead, leave it out and confirm with revision: {revision}.",
        bad="a damaged picture in a new delivery of an ingested capture",
        where="stations.csv",
        value="1 (s-02)",
        revision="2",
    ),
)
