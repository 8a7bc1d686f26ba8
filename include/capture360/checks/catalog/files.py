"""F01 to F06: do the pictures belong to the stations?"""

from __future__ import annotations

from capture360.model import FACES
from capture360.rules.finding import Disposition
from capture360.rules.rule import Expect, Family, says

FACE_NAMES = list(FACES)
SAFE_PATH = r"(?i)^[^\x00-\x1f\x7f]+\.(?:jpe?g|png)$"

FILES = Family("F", "Files: are the pictures there, whole, and of the station?")

F01 = FILES.rule(
    "F01",
    "Every station has its six faces, each once",
    why="A cube with a side missing makes the viewer refuse the whole collection.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="suite",
    expectations=(
        Expect(
            "faces",
            "expect_stations_to_have_all_faces",
            {"station_column": "station_id", "face_column": "face", "faces": FACE_NAMES},
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
            "{where}: no panorama found. Deliver it as {wanted}, or name it in the column pano_file.",
            name="panorama",
            bad="a station whose panorama is neither named nor in panos/",
            where="stations.csv row 3 (s-02)",
            wanted="panos/s-02.jpg",
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
    explains=(),
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
    expectations=(
        Expect(
            "faces",
            "expect_files_to_lie_with_their_station",
            {"column_list": ["station_id", "file"], "ignore_row_if": "never"},
        ),
    ),
    messages=says(
        '{where}: "{value}" lies in the folder of another station. Correct station_id or file.',
        bad="images/s-03/top.jpg in a row of s-02",
        where="faces.csv row 12 (s-02)",
        value="images/s-03/top.jpg",
    ),
)

F06 = FILES.rule(
    "F06",
    "Every picture belongs to a station of the table",
    why="A picture without a station may be a station that was forgotten.",
    disposition=Disposition.WARN,
    scope="file",
    stage="gate",
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
            "{where} is marked valid = {value} and is left out, as the table asks.",
            name="skipped",
            disposition=Disposition.NOTE,
            bad="valid = false",
            where="stations.csv row 3 (s-02)",
            value="false",
        ),
    },
)
