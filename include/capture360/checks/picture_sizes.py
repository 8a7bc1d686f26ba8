"""File rules F09 to F11: sizes of faces and panoramas."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from capture360.checks.files import FILES
from capture360.checks.parsed_capture import CheckInput, ImageRef
from capture360.checks.pictures import F12, ImageInspection
from capture360.checks.time_order import ahead_of_pictures
from capture360.checks.violations import FindingGroup
from capture360.errors import BadInputError
from capture360.geometry.projection import check_full_panorama
from capture360.model import CaptureKind
from capture360.pictures.gpano import placement
from capture360.pictures.jpeg import ImageHeader
from capture360.rules.finding import Disposition, Finding
from capture360.rules.rule import says
from capture360.settings.checks import CheckSettings

F09 = FILES.rule(
    "F09",
    "Faces are square, equal in a station, and as large as stated",
    why="Six faces that do not fit together leave seams.",
    disposition=Disposition.QUARANTINE,
    scope="file",
    stage="files",
    judges="pixels of each face by its header",
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
    judges="pixels of all faces by their headers",
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
    judges="pixels of each panorama by its header, upright, and GPano block",
    parameters=("min_panorama_width", "max_megapixels"),
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
        **says(
            "{sentence}",
            name="misplaced",
            bad="a part that does not fit on the sphere of its GPano block, or another projection",
            sentence="panos/s-02.jpg has 2048 x 1024 pixels, which its GPano block does not place on a sphere of "
            "2000 x 1000. Export it again.",
        ),
    },
)


def evaluate(given: CheckInput, inspections: Iterable[ImageInspection]) -> list[FindingGroup]:
    """Check F07 to F12, F15, F16 and T08 over all pictures; those of a station must be consecutive.

    Cropped panoramas of `source_format: gpano` are accepted, since they are padded when faces are made.
    """
    kind, settings, table = given.table.manifest.kind, given.settings, given.table.stations.file
    gpano = given.table.manifest.source_format == "gpano"
    found: dict[tuple[str, Disposition], list[Finding]] = defaultdict(list)
    sizes: dict[str, tuple[int, int]] = {}
    widths: Counter[int] = Counter()
    ahead: list[float] = []
    for one in inspections:
        broken = list(one.found)
        if one.header is not None:
            if kind is CaptureKind.PANORAMA:
                broken += _panorama(one.picture, one.header, settings, gpano)
            else:
                broken += _face(one.picture, one.header, sizes)
                widths[one.header.width] += 1
        for finding in broken:
            found[finding.rule, finding.disposition].append(finding)
        if one.ahead is not None:
            ahead.append(one.ahead)
    result = [FindingGroup(findings) for findings in found.values()]
    result += [FindingGroup([finding]) for finding in (*_sizes(widths, settings), *ahead_of_pictures(ahead, table))]
    return result


def _face(picture: ImageRef, header: ImageHeader, sizes: dict[str, tuple[int, int]]) -> Iterator[Finding]:
    size = f"{header.width} x {header.height}"
    expected = sizes.setdefault(picture.station, (header.width, header.height))
    if header.width != header.height:
        yield picture.finding(F09, size)
    elif picture.resolution and header.width != picture.resolution:
        yield picture.finding(
            F09, header.width, message="stated", source=picture.resolution_from, expected=picture.resolution
        )
    elif (header.width, header.height) != expected:
        yield picture.finding(F09, size, message="unequal", expected=f"{expected[0]} x {expected[1]}")
    if header.orientation != 1:
        yield picture.finding(F12, header.orientation, message="turned")


def _panorama(picture: ImageRef, header: ImageHeader, settings: CheckSettings, gpano: bool) -> Iterator[Finding]:
    if header.orientation != 1:
        yield picture.finding(F12, header.orientation, message="upright")
    width, height = header.upright_size
    size = f"{width} x {height}"
    try:
        place = placement(header, picture.where, settings.max_megapixels)
        if place is not None and gpano:
            check_full_panorama(place.width, place.height, f"{picture.where}: its GPano block")
    except BadInputError as error:
        yield picture.finding(F11, size, message="misplaced", sentence=str(error))
        return
    if place is not None:
        if not gpano:
            yield picture.finding(F11, size, message="cropped", full=f"{place.width} x {place.height}")
    elif abs(width - 2 * height) > 1:
        yield picture.finding(F11, size)
    elif width < settings.min_panorama_width:
        yield picture.finding(F11, width, message="narrow", limit=settings.min_panorama_width)


def _sizes(widths: Counter[int], settings: CheckSettings) -> Iterator[Finding]:
    for width, count in widths.most_common(3):
        power = width & (width - 1) == 0
        if not (power and settings.min_face_resolution <= width <= settings.max_face_resolution):
            wanted = settings.recommended_face_resolution
            yield F10.finding("", width, count=count, wanted=wanted)
