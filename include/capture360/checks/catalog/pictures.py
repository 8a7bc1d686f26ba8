"""F07 to F16: can the pictures be shown, and are they what they say?"""

from __future__ import annotations

from capture360.checks.catalog.files import FILES
from capture360.rules.finding import Disposition
from capture360.rules.rule import says

F07 = FILES.rule(
    "F07",
    "Every picture has a sensible size in bytes",
    why="Empty and tiny files are broken transfers, huge ones were not meant.",
    disposition=Disposition.QUARANTINE,
    scope="file",
    stage="files",
    parameters=("min_file_bytes", "max_file_bytes"),
    messages={
        **says(
            "{where} is empty. Was the transfer broken? Copy it again.",
            bad="a file of 0 bytes",
            where="images/s-02/top.jpg",
        ),
        **says(
            "{where} has {value} bytes, expected {low} to {high}. {mend}",
            name="size",
            bad="a picture of 300 bytes",
            where="images/s-02/top.png",
            value="300",
            low="1,000",
            high="50,000,000",
            mend="Copy it again.",
        ),
    },
)

F08 = FILES.rule(
    "F08",
    "Every picture is what its name says, and whole",
    why="A cut or mislabelled picture is found by the first person who looks at it.",
    disposition=Disposition.QUARANTINE,
    scope="file",
    stage="files",
    parameters=("max_megapixels",),
    messages={
        **says(
            "{sentence}",
            bad="a PNG that declares 50,000 x 50,000 pixels",
            sentence="images/s-02/top.png says it has 50000 x 50000 pixels, 2,500 megapixels; the limit is 200. "
            "Export it smaller or raise max_megapixels of the site.",
        ),
        **says(
            "{where} is a {value} file. Rename it to {wanted}.",
            name="extension",
            bad="a PNG named top.jpg",
            where="images/s-02/top.jpg",
            value="PNG",
            wanted="top.png",
        ),
        **says(
            "{where} has {value} spare bytes before its end marker; its pixels are whole and it is published as it is.",
            name="spare",
            bad="a JPEG with spare bytes before its end marker",
            disposition=Disposition.NOTE,
            where="images/s-02/top.jpg",
            value="5",
        ),
    },
)

F09 = FILES.rule(
    "F09",
    "Faces are square, equal in a station, and as large as stated",
    why="Six faces that do not fit together leave seams.",
    disposition=Disposition.QUARANTINE,
    scope="file",
    stage="files",
    messages={
        **says(
            "{where} is {value} pixels, a cube face must be square. Export it again.",
            bad="2048 x 2047",
            where="images/s-02/top.jpg",
            value="2048 x 2047",
        ),
        **says(
            "{where} is {value} pixels, other faces of {station} are {expected}. Export them alike.",
            name="unequal",
            bad="one face of 1024 among faces of 2048",
            where="images/s-02/top.jpg",
            value="1024 x 1024",
            station="s-02",
            expected="2048 x 2048",
        ),
        **says(
            "{where} is {value} pixels, {source} says {expected}. Correct the one that is wrong.",
            name="stated",
            bad="image.resolution: 2048, the files have 1024",
            where="images/s-02/top.jpg",
            value="1024",
            source="capture.yaml image.resolution",
            expected="2048",
        ),
    },
)

F10 = FILES.rule(
    "F10",
    "Faces have a size that viewers like",
    why="CDF recommends faces of 2048 pixels; other sizes load slower or look worse.",
    disposition=Disposition.WARN,
    scope="capture",
    stage="files",
    parameters=("min_face_resolution", "max_face_resolution", "recommended_face_resolution"),
    messages=says(
        "{where}: {count} faces are {value} pixels wide; CDF recommends {wanted}. Export them so.",
        bad="faces of 600 pixels",
        where="the capture folder",
        count="48",
        value="600",
        wanted="2048",
    ),
)

F11 = FILES.rule(
    "F11",
    "Panoramas are whole: twice as wide as high, and wide enough",
    why="A part of the sphere would be stretched over all of it.",
    disposition=Disposition.QUARANTINE,
    scope="file",
    stage="files",
    parameters=("min_panorama_width",),
    messages={
        **says(
            "{where}: {value} is not a full panorama (must be 2:1). Export the whole sphere.",
            bad="4096 x 3072",
            where="panos/s-02.jpg",
            value="4096 x 3072",
        ),
        **says(
            "{where}: {value} pixels wide, {limit} are needed. Export it larger.",
            name="narrow",
            bad="1024 x 512",
            where="panos/s-02.jpg",
            value="1024",
            limit="2048",
        ),
        **says(
            "{where} is a part of {value} pixels of a panorama of {full}. Export the whole sphere, or deliver it "
            "with source_format: gpano, which completes it with black.",
            name="cropped",
            bad="a cropped panorama, by its own GPano block",
            where="panos/s-02.jpg",
            value="2048 x 1024",
            full="2400 x 1200",
        ),
    },
)

F12 = FILES.rule(
    "F12",
    "Pictures are upright, RGB, 8 bit and still",
    why="Viewers disagree about everything else.",
    disposition=Disposition.QUARANTINE,
    scope="file",
    stage="files",
    messages={
        **says(
            "{sentence}",
            bad="a CMYK picture",
            sentence="images/s-02/top.jpg is CMYK, a print format. Export it as RGB.",
        ),
        **says(
            "{where} is to be turned by its EXIF orientation ({value}), which faces must not be. Export it upright.",
            name="turned",
            bad="a face with EXIF orientation 6",
            where="images/s-02/top.jpg",
            value="6",
        ),
        **says(
            "{where} was turned upright by its EXIF orientation ({value}).",
            name="upright",
            disposition=Disposition.NOTE,
            bad="a panorama with EXIF orientation 3",
            where="panos/s-02.jpg",
            value="3",
        ),
    },
)

F13 = FILES.rule(
    "F13",
    "Files have the checksums they were sent with",
    why="A wrong checksum is a file that changed on its way.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="files",
    messages={
        **says(
            "{where}: the checksums of {count} files differ, the first is {value}. Copy them again.",
            bad="one picture changed after checksums.sha256 was written",
            where="checksums.sha256",
            count="1",
            value="images/s-02/top.jpg",
        ),
        **says(
            "{where} names {count} files that are not there, the first is {value}. Copy them.",
            name="missing",
            bad="a file of checksums.sha256 that was not copied",
            where="checksums.sha256",
            count="1",
            value="images/s-77/top.jpg",
        ),
        **says(
            '{where} line {line} is no checksum ("{value}"). Write it with sha256sum.',
            name="line",
            disposition=Disposition.WARN,
            bad="a line that sha256sum would not write",
            where="checksums.sha256",
            line="1",
            value="hello",
        ),
    },
)

F14 = FILES.rule(
    "F14",
    "No two pictures are the same",
    why="A copied picture shows a place that it does not show.",
    disposition=Disposition.QUARANTINE,
    scope="file",
    stage="files",
    messages={
        **says(
            "{where} is the same picture as {value}. Deliver each station's own.",
            bad="the pictures of s-01 copied to s-02",
            where="images/s-02/front.jpg",
            value="images/s-01/front.jpg",
        ),
        **says(
            "{where} is the same picture as {value}. Was a face copied?",
            name="faces",
            disposition=Disposition.WARN,
            bad="front copied over back",
            where="images/s-02/front.jpg",
            value="images/s-02/back.jpg",
        ),
    },
)

F15 = FILES.rule(
    "F15",
    "The pictures' own place and time agree with the table",
    why="They come from the camera, the table from hands.",
    disposition=Disposition.WARN,
    scope="file",
    stage="files",
    messages=says(
        "{where} was taken at {value} by its EXIF data, {difference} from the table's time. Which one is right?",
        bad="a picture taken a day before the table's time",
        where="images/s-02/front.jpg",
        value="2026-04-16T09:02:00Z",
        difference="24.0 h",
    ),
)

F16 = FILES.rule(
    "F16",
    "No picture is blank",
    why="A lens cap is noticed on site, or never.",
    disposition=Disposition.WARN,
    scope="file",
    stage="files",
    messages=says(
        "{where} is blank (brightness {value} all over). Was the lens covered?",
        bad="a black picture",
        where="images/s-02/top.jpg",
        value="0",
    ),
)
