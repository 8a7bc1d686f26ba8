"""What a camera did not write stays missing, and the finding names it."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, TiffImagePlugin

from capture360.checks.check import check_capture
from capture360.landing.folder import CaptureFolder
from capture360.model import Verdict
from capture360.pictures.exif import camera_notes
from capture360.pictures.gpano import Placement, placement, read_gpano
from capture360.pictures.jpeg import ImageError, ImageHeader, read_header
from capture360.readers import gpano, read_tables
from capture360.rules.finding import Disposition
from capture360.settings.checks import CheckSettings
from capture360.text import printable
from delivery import Delivery, manifest, table

WHOLE: dict[int, Any] = {1: "N", 2: (59.0, 54.0, 45.72), 3: "E", 4: (10.0, 44.0, 45.96), 5: b"\x00", 6: 14.0}
NO_NUMBER = TiffImagePlugin.IFDRational(0, 0)


def picture(place: dict[int, Any], taken: str = "2026:04:17 09:30:00") -> bytes:
    exif = Image.Exif()
    exif[0x8769] = {0x9003: taken}
    exif[0x8825] = {tag: value for tag, value in place.items() if value is not None}
    stream = io.BytesIO()
    Image.new("RGB", (16, 8)).save(stream, "JPEG", exif=exif, xmp=xmp('GPano:PoseHeadingDegrees="90"'))
    return stream.getvalue()


def xmp(attributes: str) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" {attributes}/>'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()


def place_of(**changes: Any) -> tuple[Any, str]:
    notes = camera_notes(io.BytesIO(picture(WHOLE | {int(tag[1:]): value for tag, value in changes.items()})))
    return notes.place, notes.lacking


@pytest.mark.parametrize(
    ("latitude", "longitude", "signs"),
    [("N", "E", (1, 1)), ("S", "W", (-1, -1)), ("s", "w", (-1, -1)), ("South", "West ", (-1, -1)), ("n", "e", (1, 1))],
)
def test_a_hemisphere_in_any_writing(latitude: str, longitude: str, signs: tuple[int, int]) -> None:
    place, lacking = place_of(t1=latitude, t3=longitude)
    assert place == pytest.approx((59.9127 * signs[0], 10.7461 * signs[1], 14.0))
    assert lacking == ""


@pytest.mark.parametrize(
    ("changes", "lacking"),
    [
        ({"t1": None}, "north or south"),
        ({"t3": None}, "east or west"),
        ({"t3": "O"}, "east or west"),
        ({"t3": "N"}, "east or west"),
        ({"t1": "\x00"}, "north or south"),
        ({"t2": (0.0, 0.0, 0.0), "t4": (0.0, 0.0, 0.0)}, "without a fix"),
        ({"t9": "V"}, "without a fix"),
        ({"t10": "0"}, "without a fix"),
        ({"t2": None}, "gives a GPS longitude and no latitude"),
        ({"t4": None}, "gives a GPS latitude and no longitude"),
        ({"t2": (59.0, 75.0, 0.0)}, "no pair of angles"),
        ({"t4": (10.0, 44.0, 61.5)}, "no pair of angles"),
        ({"t2": (NO_NUMBER, 0.0, 0.0)}, "no pair of angles"),
        ({"t2": (91.0, 0.0, 0.0)}, "not on Earth"),
    ],
)
def test_a_position_that_is_not_whole_is_none(changes: dict[str, Any], lacking: str) -> None:
    place, problem = place_of(**changes)
    assert place is None
    assert lacking in problem


@pytest.mark.parametrize("altitude", [None, NO_NUMBER])
def test_no_altitude_is_not_zero(altitude: Any) -> None:
    place, lacking = place_of(t6=altitude)
    assert place == (pytest.approx(59.9127), pytest.approx(10.7461), None)
    assert lacking == "gives no GPS altitude"


@pytest.mark.parametrize(("reference", "height"), [(None, 14.0), (b"\x00", 14.0), (b"\x01", -14.0), (b"\x03", -14.0)])
def test_an_altitude_below_the_sea_or_the_ellipsoid(reference: bytes | None, height: float) -> None:
    assert place_of(t5=reference)[0][2] == height


def gps_capture(folder: Path, *places: dict[int, Any]) -> Delivery:
    delivery = Delivery(folder / "hall-7" / "gps", stations=[])
    delivery.manifest = manifest(
        capture_id="gps", kind="panorama", source_format="gpano", frame__origin=[59.9127, 10.7461, 12.0], rotation=None
    )
    delivery.files = {f"p{number}.jpg": picture(place) for number, place in enumerate(places, 1)}
    return delivery


def test_a_picture_without_altitude_has_no_z_and_says_so(tmp_path: Path) -> None:
    tables = read_tables(gps_capture(tmp_path, WHOLE, {**WHOLE, 6: None}).write())
    assert tables.stations["z"].tolist()[1] == ""
    assert float(tables.stations["z"][0]) == pytest.approx(2.0, abs=1e-6)
    (finding,) = tables.findings
    assert (finding.rule, finding.station, finding.path) == ("S12", "p2", "p2.jpg")


def test_a_time_that_cannot_be_read_stands_in_the_table(tmp_path: Path) -> None:
    delivery = gps_capture(tmp_path, WHOLE)
    delivery.files["p2.jpg"] = picture(WHOLE, "2026:13:17 09:30:00")
    assert read_tables(delivery.write()).stations["time_taken"].tolist()[1] == "2026:13:17 09:30:00"


def test_a_link_out_of_the_folder_stops_a_capture_whose_stations_are_its_pictures(tmp_path: Path) -> None:
    """Else the station that it stands for would count as left out, and be removed."""
    delivery = gps_capture(tmp_path, *[{**WHOLE, 2: (59.0, 54.0, 45.72 + number / 10)} for number in range(3)])
    delivery.write()
    (tmp_path / "p4.jpg").write_bytes(picture(WHOLE))
    (delivery.path / "p4.jpg").symlink_to(tmp_path / "p4.jpg")
    validation = check_capture(CaptureFolder(str(delivery.path)))
    assert validation.verdict is Verdict.REJECTED
    assert '"p4.jpg" is a link that leaves the capture folder' in validation.headline


@pytest.mark.parametrize("kind", ["broken", "broken folder", "folder", "name", "copy"])
@pytest.mark.parametrize("has_table", [False, True])
def test_a_picture_that_cannot_be_read_stops_a_capture_whose_stations_are_its_pictures(
    tmp_path: Path, kind: str, has_table: bool
) -> None:
    """A table says itself which stations there are."""
    delivery = gps_capture(tmp_path, *[{**WHOLE, 2: (59.0, 54.0, 45.72 + number / 10)} for number in range(3)])
    if has_table:
        rows = [{"station_id": f"s-{number}", "pano_file": f"p{number}.jpg"} for number in (1, 2, 3)]
        delivery.files["stations.csv"] = table(rows).encode()
    delivery.write()
    entries = {"broken": "p4.jpg", "name": "p\n4.jpg", "copy": "p4.jpg.part"}
    entry = delivery.path / entries.get(kind, "day2")
    (tmp_path / "day2").mkdir()
    if kind == "copy":
        entry.write_bytes(b"begun")
    else:
        entry.symlink_to(tmp_path / "day2" / ("p4.jpg" if kind.startswith("broken") else ""))
    found = check_capture(CaptureFolder(str(delivery.path)))
    (finding,) = [each for each in found.findings if each.rule == "S07"]
    assert (finding.disposition is Disposition.STOP) is not has_table
    assert finding.message.startswith(printable(entry.name))


def test_a_table_gives_what_the_camera_did_not(tmp_path: Path) -> None:
    delivery = gps_capture(tmp_path, WHOLE, {**WHOLE, 6: None})
    delivery.files["stations.csv"] = b"station_id,pano_file,z\na,p1.jpg,1.5\nb,p2.jpg,1.5\n"
    tables = read_tables(delivery.write())
    assert tables.findings == ()
    assert tables.stations["z"].tolist() == ["1.5", "1.5"]
    assert "" not in tables.stations["x"].tolist()


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (None, "has no XMP metadata"),
        (xmp('GPano:PoseHeadingDegrees="90"').replace(b"photos/1.0/panorama", b"other"), "no GPano block"),
        (
            xmp('GPano:PoseHeadingDegrees="90"').replace(b"http:", b"https:", 2),
            "has another namespace than http://ns.goog",
        ),
        (xmp('GPano:poseHeadingDegrees="90"'), "without PoseHeadingDegrees (it is written otherwise)"),
        (xmp('GPano:ProjectionType="equirectangular"'), "without PoseHeadingDegrees,"),
        (xmp('GPano:PoseHeadingDegrees=" "'), "gives an empty PoseHeadingDegrees"),
        (xmp('GPano:PoseHeadingDegrees="12,5"'), "gives no number as PoseHeadingDegrees"),
        (xmp('GPano:PoseHeadingDegrees="90" GPano:PosePitchDegrees="nan"'), "gives no number as PosePitchDegrees"),
        (xmp('GPano:PoseHeadingDegrees="1_0"'), "gives no number as PoseHeadingDegrees"),
        (
            xmp('GPano:PoseHeadingDegrees="10"').replace(
                b"</rdf:RDF>",
                b"<rdf:Description xmlns:g='http://ns.google.com/photos/1.0/panorama/' "
                b"g:PoseHeadingDegrees='20'/></rdf:RDF>",
            ),
            "gives two different values of PoseHeadingDegrees",
        ),
        (xmp('GPano:PoseHeadingDegrees="90"')[:-20], "has damaged XMP metadata"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + xmp('GPano:PoseHeadingDegrees="90"'), "has damaged XMP metadata"),
    ],
)
def test_a_heading_is_absent_empty_or_damaged(tmp_path: Path, block: bytes | None, said: str) -> None:
    delivery = gps_capture(tmp_path, WHOLE)
    stream = io.BytesIO()
    options: dict[str, Any] = {"xmp": block} if block else {}
    exif = Image.open(io.BytesIO(delivery.files["p1.jpg"])).getexif()
    Image.new("RGB", (16, 8)).save(stream, "JPEG", exif=exif, **options)
    delivery.files["p1.jpg"] = stream.getvalue()
    (finding,) = read_tables(delivery.write()).findings
    assert (finding.rule, finding.path) == ("S14", "p1.jpg")
    assert said in finding.message
    delivery.files["stations.csv"] = b"station_id,pano_file,heading,pitch,roll\na,p1.jpg,90,0,0\n"
    assert read_tables(delivery.write()).findings == ()


SIZES = {
    "FullPanoWidthPixels": "128",
    "FullPanoHeightPixels": "64",
    "CroppedAreaImageWidthPixels": "96",
    "CroppedAreaImageHeightPixels": "40",
    "CroppedAreaLeftPixels": "16",
    "CroppedAreaTopPixels": "12",
}


def header_of(*blocks: dict[str, str]) -> ImageHeader:
    """A header of 96 x 40 pixels with a description for each block."""
    first, *others = (" ".join(f'GPano:{key}="{value}"' for key, value in block.items()) for block in blocks)
    more = "".join(
        f"<rdf:Description xmlns:GPano='http://ns.google.com/photos/1.0/panorama/' {each}/>" for each in others
    )
    stream = io.BytesIO()
    block = xmp(first).replace(b"</rdf:RDF>", more.encode() + b"</rdf:RDF>")
    Image.new("RGB", (96, 40)).save(stream, "JPEG", xmp=block)
    return read_header(stream.getvalue(), "p.jpg")


@pytest.mark.parametrize("key", SIZES)
def test_a_size_of_two_writings_is_one_and_of_two_values_refused(key: str) -> None:
    assert placement(header_of(SIZES, {key: f"{SIZES[key]}.0"})) == Placement(128, 64, 16, 12)
    for value, fault in [("7", "two different values of"), ("x", "two different values of")]:
        with pytest.raises(ImageError, match=rf"^p\.jpg gives {fault} {key} in its GPano block\."):
            placement(header_of(SIZES, {key: value}), "p.jpg")
    for value, fault in [("", "an empty"), ("12 px", "no number as"), ("nan", "no number as")]:
        with pytest.raises(ImageError, match=rf"^p\.jpg gives {fault} {key} in its GPano block\."):
            placement(header_of(SIZES | {key: value}), "p.jpg")


@pytest.mark.parametrize("key", ["CroppedAreaLeftPixels", "CroppedAreaTopPixels"])
def test_a_part_that_does_not_say_where_it_lies_is_refused(key: str) -> None:
    block = {name: value for name, value in SIZES.items() if name != key}
    with pytest.raises(ImageError, match=rf"^p\.jpg is a part of a sphere and gives no {key} in its GPano block"):
        placement(header_of(block), "p.jpg")


def test_a_part_as_wide_as_the_sphere_lies_at_its_left() -> None:
    block = SIZES | {"FullPanoWidthPixels": "96", "CroppedAreaLeftPixels": "0"}
    del block["CroppedAreaLeftPixels"]
    assert placement(header_of(block)) == Placement(96, 64, 0, 12)


def test_two_projections_are_refused() -> None:
    projection = {"ProjectionType": "equirectangular"}
    assert placement(header_of(SIZES | projection, {"ProjectionType": "Equirectangular"})) is not None
    with pytest.raises(ImageError, match=r"^p\.jpg gives two different values of ProjectionType"):
        placement(header_of(SIZES | projection, {"ProjectionType": "cylindrical"}), "p.jpg")


def test_a_heading_of_two_writings_is_one() -> None:
    block = read_gpano(header_of({"PoseHeadingDegrees": "90"}, {"PoseHeadingDegrees": "90.0"}))
    assert block is not None
    assert block.heading == 90.0
    assert not block.faults


LACKING = {
    "g06-null-island": "without a fix",
    "g08-no-altitude": "no GPS altitude",
    "g27-one-no-altitude": "no GPS altitude",
}


@pytest.mark.parametrize("case", LACKING)
def test_delivered_pictures_without_a_whole_position(shared: Path, case: str) -> None:
    validation = check_capture(CaptureFolder(str(shared / "data" / "field-cases" / case)))
    found = [finding.message for finding in validation.findings if finding.rule == "S12"]
    assert found
    assert all(LACKING[case] in sentence for sentence in found)


@pytest.mark.parametrize("case", ["g13-lower-ref", "g09-decimal-degrees-only"])
def test_delivered_pictures_whose_position_is_written_otherwise(shared: Path, case: str) -> None:
    tables = read_tables(CaptureFolder(str(shared / "data" / "field-cases" / case)))
    assert tables.findings == ()
    assert max(abs(float(each)) for axis in "xyz" for each in tables.stations[axis]) < 100


@pytest.mark.parametrize(("others", "taken"), [((1.0, 2.0, 3.0), True), ((215.0,), False), ((), True)])
def test_an_altitude_of_0_is_none_far_from_the_others(others: tuple[float, ...], taken: bool) -> None:
    cells = ("a", "a.jpg", "0", "0", "0", "", "", "", "")
    rows = [gpano.Row(f"{number}.jpg", cells, altitude=value) for number, value in enumerate((0.0, 0.0, *others))]
    assert (gpano.without_zeros(rows)[0].cells == cells) == taken


@pytest.mark.parametrize("allowed", [150, 400])
def test_a_heading_is_read_whatever_the_size_of_the_picture(tmp_path: Path, allowed: int) -> None:
    delivery = gps_capture(tmp_path, WHOLE)
    stream = io.BytesIO()
    Image.new("RGB", (16, 8)).save(stream, "JPEG", xmp=xmp('GPano:PoseHeadingDegrees="90"'))
    content = stream.getvalue()
    at = content.index(b"\xff\xc0") + 5
    delivery.files["p1.jpg"] = content[:at] + struct.pack(">HH", 12_000, 24_000) + content[at + 4 :]
    tables = read_tables(delivery.write(), settings=CheckSettings(max_megapixels=allowed))
    assert tables.stations["heading"].tolist() == ["90.0"]
