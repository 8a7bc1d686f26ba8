"""What cameras wrote, with one field of it wrong."""

import io
from datetime import UTC, datetime, timedelta, timezone

import pytest
from PIL import Image

from capture360.pictures.exif import camera_notes

TIME = "2026:04:17 09:30:00"
PLACE = {1: "N", 2: (59.0, 54.0, 45.72), 3: "E", 4: (10.0, 44.0, 45.96), 5: b"\x00", 6: 14.0}
TAKEN = datetime(2026, 4, 17, 9, 30)


def notes(time: str = TIME, offset: str = "", **place: object):
    exif = Image.Exif()
    exif[0x8769] = {0x9003: time} | ({0x9011: offset} if offset else {})
    exif[0x8825] = PLACE | {int(tag[1:]): value for tag, value in place.items()}
    stream = io.BytesIO()
    Image.new("RGB", (16, 8)).save(stream, "JPEG", exif=exif)
    return camera_notes(stream)


@pytest.mark.parametrize(
    ("time", "taken"),
    [
        (TIME, TAKEN),
        ("2026:04:17 09:30:00.847", TAKEN.replace(microsecond=847_000)),
        ("2026-04-17 09:30:00", TAKEN),
        ("2026-04-17T09:30:00.5", TAKEN.replace(microsecond=500_000)),
        ("2026/04/17 09:30:00", TAKEN),
        ("2026:4:17 9:30:00", TAKEN),
        ("2026:04:17 09:30:00+02:00", TAKEN.replace(tzinfo=timezone(timedelta(hours=2)))),
        ("2026-04-17T09:30:00Z", TAKEN.replace(tzinfo=UTC)),
        ("2026:13:17 09:30:00", None),
        ("    :  :     :  :  ", None),
    ],
)
def test_a_time_is_read_as_cameras_write_it_and_never_voids_the_place(time, taken):
    found = notes(time)
    assert found.taken == taken
    assert found.place == pytest.approx((59.9127, 10.7461, 14.0))


@pytest.mark.parametrize(
    ("time", "unread"),
    [
        ("17.04.2026 09:30", "17.04.2026 09:30"),
        ("2026:13:17 09:30:00", "2026:13:17 09:30:00"),
        ("0001:01:01 00:00:00+14:00", "0001:01:01 00:00:00+14:00"),
        ("2026:04:17 09:30:00+99:00", "2026:04:17 09:30:00+99:00"),
        (TIME, ""),
        ("    :  :     :  :  ", ""),
        ("0000:00:00 00:00:00", ""),
        ("0000-00-00T00:00:00Z", ""),
    ],
)
def test_a_time_that_cannot_be_read_is_kept_as_it_stands(time, unread):
    assert notes(time).unread == unread


@pytest.mark.parametrize(
    ("offset", "hours"),
    [("+02:00", 2), ("+0200", 2), ("+2", 2), ("-5", -5), ("UTC+2", 2), ("GMT -3", -3), ("Z", 0), ("UTC", 0)],
)
def test_an_offset_is_read_as_cameras_write_it(offset, hours):
    assert notes(offset=offset).taken == TAKEN.replace(tzinfo=timezone(timedelta(hours=hours)))


@pytest.mark.parametrize("offset", ["   :  ", "--:--", "\x00"])
def test_a_blank_offset_is_none(offset):
    assert notes(offset=offset).taken == TAKEN


@pytest.mark.parametrize("offset", ["Oslo", "+99:00", "+02:0x"])
def test_a_time_whose_offset_cannot_be_read_is_not_taken_without_it(offset):
    found = notes(offset=offset)
    assert (found.taken, found.unread) == (None, f"{TIME} {offset}")


@pytest.mark.parametrize("latitude", [(59.0, 54.762), (59.0, 54.0, 45.72), (59.9127,)])
def test_an_angle_may_lack_its_seconds_or_minutes(latitude):
    assert notes(t2=latitude).place == pytest.approx((59.9127, 10.7461, 14.0))


def test_a_place_that_is_none_never_voids_the_time():
    found = notes(t2=(59.0, 54.0, 45.72, 1.0))
    assert (found.taken, found.place) == (TAKEN, None)


@pytest.mark.parametrize("before", [b"\xff\xe2\xff\xff" + bytes(65_533), b"\xff\xe5\x00\x08Exif\x00\x00", b"\xff" * 9])
def test_the_block_lies_anywhere_before_the_pixels(before):
    exif = Image.Exif()
    exif[0x8769] = {0x9003: TIME}
    stream = io.BytesIO()
    Image.new("RGB", (16, 8)).save(stream, "JPEG", exif=exif)
    content = stream.getvalue()
    assert camera_notes(io.BytesIO(content[:2] + 5 * before + content[2:])).taken == TAKEN


def test_a_png_has_a_block_too():
    exif = Image.Exif()
    exif[0x8769] = {0x9003: TIME}
    stream = io.BytesIO()
    Image.new("RGB", (16, 8)).save(stream, "PNG", exif=exif)
    assert camera_notes(stream).taken == TAKEN


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe1\xff\xffExif\x00\x00II", b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffeXIf"]
)
def test_a_block_that_is_cut_off_says_nothing(content):
    assert camera_notes(io.BytesIO(content)).taken is None


@pytest.mark.parametrize(("time", "offset"), [("0001:01:01 00:00:00", "+14:00"), ("9999:12:31 23:59:59", "-14:00")])
def test_a_time_beyond_the_calendar_is_none(time, offset):
    assert notes(time, offset).taken is None


@pytest.mark.parametrize("place", [{"t10": "2"}, {"t5": b"\x05"}, {"t5": b"\xff"}])
def test_an_altitude_that_was_not_measured_is_none(place):
    found = notes(**place)
    assert found.place is not None
    assert found.place[2] is None
    assert found.lacking == "gives no GPS altitude"


@pytest.mark.parametrize(
    "datum",
    [
        "WGS-84",
        "WGS 84",
        "wgs84",
        "JGD2011",
        "ETRS89",
        "EPSG:4326",
        "D_WGS_1984",
        "(WGS84)",
        "OGC:CRS84",
        "W84",
        "WGS84 (G2139)",
        "WGS 84 / EGM96",
        "World Geodetic System 1984",
        "RDN2008",
        "RDN",
        "84",
        "RGF93",
        "RGF 93 v2b",
        "ETRF2000",
        "EPSG:4258",
        "SWEREF 99",
        "NZGD2000",
        "NAD 83",
        "PZ-90.11",
        "1984",
        "000",
        " ",
        "",
    ],
)
def test_a_datum_near_wgs_84_is_taken(datum):
    assert notes(t18=datum).place == pytest.approx((59.9127, 10.7461, 14.0))


@pytest.mark.parametrize(
    ("place", "said"),
    [
        *(
            ({"t18": datum}, f'in the datum "{datum.upper()}"')
            for datum in ("TOKYO", "WGS-72", "WGS 1972", "wgs66", "World Geodetic System 1972", "EPSG:4322", "4322")
        ),
        *(({"t18": datum}, f'in the datum "{datum}"') for datum in ("NAD27", "NZGD49", "GRS67", "GCJ-02", "1972")),
        *(
            ({"t18": datum}, f'in the datum "{datum.upper()}"')
            for datum in (
                "Amersfoort / RD New",
                "Ordnance Survey Great Britain 1936",
                "Aus Geod '84",
                "AGD84",
                "Indian 1984",
                "Gardner",
            )
        ),
        *(({"t9": status}, "taken without a fix") for status in ("V", "v", "Void", "no fix", "0")),
        ({"t11": 99.0}, "precision 99, which receivers write without a fix"),
    ],
)
def test_a_place_that_is_not_to_be_trusted_is_none(place, said):
    found = notes(**place)
    assert found.place is None
    assert said in found.lacking


@pytest.mark.parametrize(("reference", "sign"), [(b"0", 1), (b"1", -1), (b"\x01", -1), (b"\x02", 1), (b"3", -1)])
def test_a_reference_of_altitudes_may_be_a_digit(reference, sign):
    assert notes(t5=reference).place == pytest.approx((59.9127, 10.7461, sign * 14.0))


def test_a_place_beside_0_0_is_none():
    found = notes(t2=(0.0, 0.0, 0.001), t4=(0.0, 0.0, 3.0))
    assert (found.place, found.lacking) == (None, "gives the GPS position 0, 0, which cameras write without a fix")
    assert notes(t4=(0.0, 0.0, 0.0)).place == pytest.approx((59.9127, 0.0, 14.0))
