"""Structure rules (S) that readers apply to capture.yaml."""

from __future__ import annotations

from capture360.rules.finding import Disposition
from capture360.rules.rule import says
from capture360.rules.structure import STRUCTURE

S01 = STRUCTURE.rule(
    "S01",
    "The manifest is there, readable, and of a known schema",
    why="Without it nobody knows what the numbers mean.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    judges="the manifest as delivered",
    messages={
        **says(
            "{where}: {problem}. {fix}",
            bad="schema: capture/9",
            where="capture.yaml",
            problem='schema "capture/9" is not known',
            fix="Use capture/1.",
        ),
        **says(
            "{where} is missing and the files are of no kind that explains itself. "
            "Add a {where} that says what was delivered.",
            name="missing",
            bad="no capture.yaml",
            where="capture.yaml",
        ),
        **says(
            "{where} is not read. {fix}",
            name="near",
            bad="capture.yml",
            where="capture.yml",
            fix="Rename it to capture.yaml.",
        ),
        **says(
            "{where} is not read, since capture.yaml is there. Remove the one that is out of date.",
            name="beside",
            disposition=Disposition.WARN,
            bad="capture (1).yaml beside capture.yaml",
            where="capture (1).yaml",
        ),
    },
)

S09 = STRUCTURE.rule(
    "S09",
    "Unit, frame, rotation and time base are stated",
    why="A wrong guess mirrors or moves a whole plant without any error.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    judges="keys of the manifest",
    messages=says(
        "{where}: {problem}. {fix}",
        bad="a quaternion without a direction",
        where="capture.yaml",
        problem="rotation.direction is missing",
        fix="Say whether the rotation is camera_to_world or world_to_camera.",
    ),
)

S13 = STRUCTURE.rule(
    "S13",
    "Every entry that the manifest maps does something",
    why="A misspelt entry is passed over, and the column or the picture that it was written for is missing.",
    disposition=Disposition.WARN,
    scope="capture",
    stage="gate",
    judges="entries of columns and faces against what was delivered",
    messages={
        **says(
            '{where}: columns.{column} "{value}" is no column of {file}. {fix}',
            bad="columns: {station_name: Nmae}",
            where="capture.yaml",
            column="station_name",
            value="Nmae",
            file="stations.csv",
            fix='Did you mean "Name"?',
        ),
        **says(
            "{where}: columns.{value} is no column that is read. {fix}",
            name="unknown",
            bad="columns: {station_nam: Code}",
            where="capture.yaml",
            value="station_nam",
            fix="Did you mean station_name?",
        ),
        **says(
            "{where}: faces.aliases.{value} is the name of no face that was delivered. {fix}",
            name="alias",
            bad="faces: {aliases: {Vorn: front}} and files called vorne.jpg",
            where="capture.yaml",
            value="Vorn",
            fix="Correct it, or remove it.",
        ),
        **says(
            '{where}: faces.pattern "{value}" fits none of the pictures; the first is {first}. '
            "Write the pattern so that it gives this path.",
            name="pattern",
            bad="pattern: pictures/{station}/{face}.{ext} and files below images/",
            where="capture.yaml",
            value="pictures/{station}/{face}.{ext}",
            first="images/img-001/back.jpg",
        ),
    },
)
