"""Structure rules (S) of what 360° cameras write into their pictures, and robots beside them."""

from __future__ import annotations

from capture360.rules.finding import Disposition
from capture360.rules.rule import says
from capture360.rules.structure import STRUCTURE

S12 = STRUCTURE.rule(
    "S12",
    "A position from GPS is whole",
    why="A guessed hemisphere is a wrong place, a guessed altitude a wrong floor, and 0, 0 lies in the Atlantic.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="gate",
    judges="latitude, longitude, altitude and their references as the camera wrote them",
    frame="delivered",
    explains=("P01",),
    messages=says(
        "{where} {problem}. Add a stations table that gives x, y and z for this picture, or take it again with a fix.",
        bad="a picture whose GPS block has no altitude",
        where="panos/s-02.jpg",
        problem="gives no GPS altitude",
    ),
)

S14 = STRUCTURE.rule(
    "S14",
    "A picture of a 360° camera says where its centre looks",
    why="A heading that is absent, empty or damaged is fixed in three places: the camera, the export, the transfer.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="gate",
    judges="PoseHeadingDegrees, PosePitchDegrees and PoseRollDegrees of the picture's GPano block",
    frame="delivered",
    explains=("P01",),
    messages=says(
        "{where} {problem}. Export it again, or add a stations table that gives heading, pitch and roll for this "
        "picture.",
        bad="a picture whose XMP was cut",
        where="panos/s-02.jpg",
        problem="has damaged XMP metadata, which is no valid XML, so that its heading cannot be read",
    ),
)

S15 = STRUCTURE.rule(
    "S15",
    "Every Spot mission and every action of it can be read",
    why="An action of another form may hold a panorama that nobody would miss.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="gate",
    judges="each metadata.json, and its actions that are none, or whose panoramas have no place for a file name",
    frame="delivered",
    messages=says(
        "{where}: {value} has another form than in a mission of Spot, so that no panorama of it is read. Download the "
        "mission again.",
        bad="an action that is null",
        where="m1/metadata.json",
        value="actions.4.data",
    )
    | says(
        "{where}: {value} {problem}, so that the place of its panorama is not known. {fix}",
        name="pose",
        bad="a frame tree without the frame that the manifest names",
        where="m1/metadata.json",
        value='the action "a1"',
        problem='has no frame "seed" in its frame tree',
        fix="Was the robot localised on its map there? Else download the mission again.",
    )
    | says(
        "{sentence} Nothing of this mission is read.",
        name="mission",
        bad="a metadata.json that was cut off, beside another mission",
        sentence="m2/metadata.json cannot be read as JSON: it breaks off or is damaged in line 1, column 14. Download "
        "the mission again.",
    ),
)

S16 = STRUCTURE.rule(
    "S16",
    "Pictures of one name in two folders are two stations",
    why="A copy in a folder of originals would be published as a station of its own, perhaps unblurred.",
    disposition=Disposition.WARN,
    scope="station",
    stage="gate",
    judges="names of the pictures of a 360\u00b0 camera, without folder, suffix and case",
    messages=says(
        "{where} has the name of {other}, and is taken for another station, {value}. If it is a copy, remove it.",
        bad="a folder backup with the pictures as they were before they were blurred",
        where="panos/backup/s-02.jpg",
        value="panos-backup-s-02",
        other="panos/s-02.jpg",
    ),
)
