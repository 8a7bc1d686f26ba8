"""The page layer: every byte guarded, nothing read that is not asked for, damage told in words."""

import io
import re
import struct

import fsspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture360.e57 import E57Error, PagedFile, preflight, verify
from capture360.e57.checksums import PAGE, PAYLOAD
from capture360.e57.pages import PageChecker
from e57_writer import with_checksums


def test_the_checksum_is_crc32c_as_in_rfc_3720():
    # iSCSI test vector: 32 bytes of zeroes give 8A9136AA; here over a page that holds them and only zeroes after.
    from google_crc32c import value

    assert value(bytes(32)) == 0x8A9136AA
    page = with_checksums(bytes(PAYLOAD))
    assert struct.unpack(">I", page[PAYLOAD:])[0] == value(bytes(PAYLOAD))


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=20), st.integers(0, 5 * PAGE - 1), st.booleans())
@settings(max_examples=60)
def test_a_checker_finds_a_flipped_bit_however_the_bytes_come(pieces, position, damage):
    content = bytearray(with_checksums(bytes(range(255)) * 20))
    if damage:
        content[position] ^= 4
    checker, start = PageChecker(), 0
    for piece in [*pieces, len(content)]:
        checker.update(bytes(content[start : start + piece]))
        start += piece
    assert checker.complete
    assert checker.pages == 5
    assert (checker.bad, checker.first_bad) == ((1, position // PAGE) if damage else (0, None))


def test_logical_bytes_are_read_across_pages(spherical_e57):
    file = PagedFile(io.BytesIO(spherical_e57), "scan.e57")
    pages = np.frombuffer(spherical_e57, np.uint8).reshape(-1, PAGE)[:, :PAYLOAD].tobytes()
    for start, length in [(0, 1), (1019, 3), (5000, 20_000), (len(pages) - 10, 10)]:
        page, inside = divmod(start, PAYLOAD)
        assert b"".join(file.blocks(page * PAGE + inside, length)) == pages[start : start + length]
    with file.open(48, 9000) as stream:
        stream.seek(-100, io.SEEK_END)
        assert stream.read() == pages[48 + 8900 : 48 + 9000]
        assert stream.read() == b""
        stream.seek(1000)
        assert stream.read(100) == pages[1048:1148]
    assert not file.fits(len(spherical_e57) - 4, 1)
    with pytest.raises(E57Error, match="outside the file"):
        list(file.blocks(0, len(spherical_e57)))


def header_with(content: bytes, **values) -> bytes:
    fields = list(struct.unpack_from("<8sIIQQQQ", content))
    names = ["signature", "major", "minor", "length", "xml_offset", "xml_length", "page"]
    for name, value in values.items():
        fields[names.index(name)] = value
    first = struct.pack("<8sIIQQQQ", *fields) + content[48:PAYLOAD]
    return with_checksums(first) + content[PAGE:]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: b"", "^scan.e57 is empty"),
        (lambda c: b"PK\x03\x04" + c[4:], "is no E57 file: it starts with 50 4b 03 04"),
        (lambda c: c[:300], "is cut off: it has 300 bytes"),
        (lambda c: c[: 20 * PAGE], r"is cut off: header says [\d,]+ bytes, file has 20,480"),
        (lambda c: c + bytes(10), "is longer than it should be"),
        (lambda c: c[:100] + b"\xff" + c[101:], r"is damaged: the checksum of page 0 \(byte 0\)"),
        (lambda c: header_with(c, major=2), "version 2.0"),
        (lambda c: header_with(c, page=4096), "pages of 4,096 bytes"),
        (lambda c: header_with(c, xml_offset=len(c)), "XML section lies outside"),
        (lambda c: header_with(c, xml_offset=1021), "XML section lies outside"),
        (lambda c: header_with(c, xml_length=0), "XML section lies outside"),
        (lambda c: header_with(c, xml_length=1 << 60), "XML section lies outside"),
        (
            lambda c: header_with(c, xml_offset=48),
            r"XML section cannot be read: it is no valid XML at line \d+, column",
        ),
        (lambda c: c[:-600] + b"\xff" + c[-599:], "is damaged: the checksum of page"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(spherical_e57, change, words):
    found = preflight(io.BytesIO(change(spherical_e57)), "scan.e57")
    assert not found.usable
    assert [finding.rule for finding in found.findings] == ["E01"]
    assert not found.photospheres
    assert re.search(words, found.headline)


def test_verify_reads_everything_once_and_names_the_damage(spherical_e57):
    import hashlib

    seen = []
    sound = verify(io.BytesIO(spherical_e57), lambda done, total: seen.append((done, total)), "scan.e57")
    assert sound.finding is None
    assert sound.sha256 == hashlib.sha256(spherical_e57).hexdigest()
    assert sound.pages == len(spherical_e57) // PAGE
    assert seen[-1] == (len(spherical_e57), len(spherical_e57))
    for byte in (10 * PAGE + 1023, 10 * PAGE + 5):
        damaged = bytearray(spherical_e57)
        damaged[byte] ^= 1
        finding = verify(io.BytesIO(bytes(damaged)), where="scan.e57").finding
        assert finding.rule == "E01"
        assert "1 of" in finding.message
        assert "first at byte 10,240" in finding.message
    assert "cut off" in verify(io.BytesIO(spherical_e57[:-7]), where="scan.e57").finding.message
    assert verify(io.BytesIO(spherical_e57), sha256=False).sha256 is None


def test_any_fsspec_store_will_do(spherical_e57, tmp_path):
    with fsspec.open("memory://zone/scan ä.e57", "wb") as stream:
        stream.write(spherical_e57)
    found = preflight("memory://zone/scan ä.e57")
    assert found.headline == "scan ä.e57: 2 usable of 2 photospheres."
    local = tmp_path / "测试.e57"
    local.write_bytes(spherical_e57)
    assert preflight(local).headline == "测试.e57: 2 usable of 2 photospheres."
    assert verify(local).finding is None
