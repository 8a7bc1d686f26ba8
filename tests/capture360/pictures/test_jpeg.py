"""Picture files: what the header says, what is refused and in which words."""

import io
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from capture360.e57.pages import E57Error, PagedFile
from capture360.pictures import decoding, gpano, jpeg
from delivery import png_chunk
from pictures import encode_png

RNG = np.random.default_rng(5)
PIXELS = np.kron(RNG.integers(0, 255, (5, 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)


def saved(kind: str, mode: str = "RGB", **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(stream, kind, **options)
    return stream.getvalue()


def png_that_declares(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = png_chunk(b"IDAT", zlib.compress(bytes(4000)))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + pixels + png_chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "mime", "channels", "progressive"),
    [
        (saved("JPEG"), "image/jpeg", 3, False),
        (saved("JPEG", progressive=True), "image/jpeg", 3, True),
        (saved("JPEG", "L"), "image/jpeg", 1, False),
        (saved("JPEG", "CMYK"), "image/jpeg", 4, False),
        (saved("PNG"), "image/png", 3, False),
        (saved("PNG", "RGBA"), "image/png", 4, False),
    ],
)
def test_headers_are_read_without_decoding(content, mime, channels, progressive):
    header = jpeg.read_header(io.BytesIO(content))
    assert (header.mime_type, header.width, header.height, header.channels) == (mime, 64, 40, channels)
    assert (header.bit_depth, header.progressive, header.orientation) == (8, progressive, 1)
    assert jpeg.read_header(content) == header


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_exif_orientation_is_applied_as_pillow_does(kind, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    content = saved(kind, exif=exif)
    assert jpeg.read_header(content).orientation == orientation
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB"))
    ours = decoding.decode(content)
    assert ours.shape == upright.shape
    assert jpeg.read_header(content).upright_size == ours.shape[1::-1]
    assert np.abs(ours.astype(int) - upright).max() <= 8


def test_a_small_file_that_declares_a_huge_picture_is_refused_by_its_header():
    content = png_that_declares(50_000, 50_000)
    assert len(content) < 2000
    with pytest.raises(
        jpeg.ImageError, match=r"^s1/top\.png says it has 50000 x 50000 pixels, 2,500 megapixels; the limit"
    ):
        jpeg.read_header(content, "s1/top.png")
    with pytest.raises(jpeg.ImageError, match="limit is 200"):
        decoding.decode(content)
    assert jpeg.read_header(png_that_declares(20_000, 10_000)).megapixels == 200


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"GIF89a" + bytes(50), "neither JPEG nor PNG"),
        (b"\r\n\xff\xd8\xff\xe0" + bytes(50), "begins 2 bytes too late: others stand before it. Copy it again."),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n" + bytes(50), "it is a JPEG XL picture"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(50), "it is a JPEG 2000 picture"),
        (b"PK\x03\x04" + bytes(50), "it is a zip archive"),
        (b"\xff\xd8\xff\xe0\x00", "cut off header"),
        (b"\xff\xd8\xff\xe0\x00\x01aa", "cut off header"),
        (saved("JPEG")[:50] + bytes(500), "cut off header"),
        (b"\x89PNG\r\n\x1a\n", "cut off header"),
        (png_that_declares(0, 5), "0 x 5 pixels"),
        (png_that_declares(100_000_000, 1), "is cut off: rows of its pixels are missing"),
        (saved("JPEG", "CMYK"), "CMYK"),
        (saved("PNG", "I;16"), "16 bits"),
        (saved("PNG", save_all=True, append_images=[Image.new("RGB", (64, 40))]), "animation"),
    ],
)
def test_bad_pictures_are_refused_in_words(content, words):
    with pytest.raises(jpeg.ImageError, match=words):
        decoding.decode(content)


def test_damage_inside_the_pixels_is_noticed():
    content = bytearray(png_that_declares(100, 100))
    with pytest.raises(jpeg.ImageError, match="cannot be decoded"):
        decoding.decode(bytes(content[:45] + b"\xff" * 10 + content[55:]))


@given(st.data())
@settings(max_examples=150)
def test_no_damage_makes_anything_but_a_sentence(data):
    content = bytearray(data.draw(st.sampled_from([saved("JPEG"), saved("PNG"), saved("JPEG", progressive=True)])))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        assert decoding.decode(damaged, max_megapixels=1).ndim == 3
    except jpeg.ImageError as error:
        assert str(error).startswith("The picture ")


def test_a_progressive_encoding_shows_the_same_and_a_first_view_early():
    pixels = np.random.default_rng(3).integers(0, 256, (64, 64, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    baseline, progressive = jpeg.encode_jpeg(pixels), jpeg.encode_jpeg(pixels, progressive=True)
    assert jpeg.encode_jpeg(pixels, progressive=True) == progressive
    assert jpeg.read_header(progressive).progressive
    assert not jpeg.read_header(baseline).progressive
    off = [float(np.abs(decoding.decode(each).astype(int) - pixels).mean()) for each in (baseline, progressive)]
    assert off[1] == pytest.approx(off[0], rel=0.05)
    scan = b"\xff\xda"
    assert progressive.count(scan) > baseline.count(scan) == 1
    assert progressive.index(scan, progressive.index(scan) + 2) < len(progressive) / 3


def test_encoding_is_deterministic_and_close():
    once, twice = jpeg.encode_jpeg(PIXELS), jpeg.encode_jpeg(PIXELS.copy())
    assert once == twice
    smooth = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], 40, 0).repeat(3, 2)
    assert np.abs(decoding.decode(jpeg.encode_jpeg(smooth)).astype(int) - smooth).max() < 6
    assert (decoding.decode(encode_png(PIXELS)) == PIXELS).all()


XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" {attributes}>{elements}</rdf:Description>
</rdf:RDF></x:xmpmeta>"""


@pytest.mark.parametrize(
    ("attributes", "elements"),
    [
        (
            'GPano:FullPanoWidthPixels="8000" GPano:CroppedAreaImageWidthPixels="6000" GPano:PoseHeadingDegrees="12.5"',
            "",
        ),
        (
            "",
            "<GPano:FullPanoWidthPixels>8000</GPano:FullPanoWidthPixels><GPano:PoseHeadingDegrees> 12.5 "
            "</GPano:PoseHeadingDegrees><GPano:CroppedAreaImageWidthPixels>6000</GPano:CroppedAreaImageWidthPixels>",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_gpano_is_read_from_attributes_and_elements(kind, attributes, elements):
    text = XMP.format(attributes=attributes, elements=elements)
    if kind == "JPEG":
        content = saved(kind, xmp=text.encode())
    else:
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", text)
        content = saved(kind, pnginfo=info)
    block = gpano.read_gpano(jpeg.read_header(content))
    assert block == gpano.GPano(full_width=8000, cropped_width=6000, heading=12.5)
    assert not block.cropped


def test_gpano_tells_a_cropped_picture():
    assert gpano.GPano(full_width=8, full_height=4, cropped_width=8, cropped_height=3).cropped
    assert not gpano.GPano(full_width=8, full_height=4, cropped_width=8, cropped_height=4).cropped


@pytest.mark.parametrize(
    ("xmp", "words"),
    [
        ("<a", "no valid XML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "no valid XML"),
    ],
)
def test_a_bad_gpano_block_is_refused_in_words(xmp, words):
    with pytest.raises(jpeg.ImageError, match=words):
        gpano.read_gpano(jpeg.read_header(saved("JPEG", xmp=xmp.encode())), "a.jpg")


@pytest.mark.parametrize("heading", ["north", "nan", "1e400", ""])
def test_a_number_that_is_none_voids_no_other_field(heading):
    text = XMP.format(
        attributes=f'GPano:PoseHeadingDegrees="{heading}" GPano:FullPanoWidthPixels="{heading}" '
        'GPano:PosePitchDegrees="1.5" GPano:ProjectionType="equirectangular"',
        elements="",
    )
    block = gpano.read_gpano(jpeg.read_header(saved("JPEG", xmp=text.encode())))
    assert np.isnan(block.heading)
    assert (block.projection, block.full_width, block.pitch) == ("equirectangular", None, 1.5)


def test_a_byte_of_another_encoding_voids_no_field():
    text = XMP.format(attributes='Description="B\u00fcro" GPano:PoseHeadingDegrees="12.5"', elements="")
    block = gpano.read_gpano(jpeg.read_header(saved("JPEG", xmp=text.encode("latin-1"))))
    assert block.heading == 12.5


@pytest.mark.parametrize("values", ["attributes", "elements"])
@pytest.mark.parametrize(
    "damage", ['a="\x01"', 'a="A & B"', 'a="A &nbsp;B"', 'a="b\x00\x00"', 'dc:title="b"', 'a="b" a="b"', 'a="&#0;"']
)
def test_one_damaged_value_voids_no_other(damage, values):
    written = {
        "attributes": "GPano:PoseHeadingDegrees=\"12.5\" GPano:PosePitchDegrees='1.5'",
        "elements": "<GPano:PoseHeadingDegrees>12.5</GPano:PoseHeadingDegrees>"
        "<GPano:PosePitchDegrees> 1.5 </GPano:PosePitchDegrees>",
    }
    text = XMP.format(**{"attributes": "", "elements": ""} | {values: written[values]})
    text = text.replace("<rdf:Description ", f"<rdf:Description {damage} ")
    block = gpano.read_gpano(jpeg.read_header(saved("JPEG", xmp=text.encode())))
    assert block == gpano.GPano(heading=12.5, pitch=1.5)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["", "\n", " \x00"])
def test_a_block_in_utf_16_is_read(encoding, end):
    text = "\ufeff" + XMP.format(attributes='GPano:PoseHeadingDegrees="12.5"', elements="") + end
    assert gpano.read_gpano(jpeg.read_header(saved("JPEG", xmp=text.encode(encoding)))).heading == 12.5


@pytest.mark.parametrize(
    "pitch",
    [
        'GPano:PosePit\x01hDegrees="1.5"',
        'GPa\x01no:PosePitchDegrees="1.5"',
        'GPano:PosePitchDegrees"1.5"',
        "\x00" * 30,
    ],
)
def test_an_angle_that_damage_reaches_is_not_taken_for_absent(pitch):
    text = XMP.format(attributes=f'GPano:PoseHeadingDegrees="12.5" {pitch} a="b" ', elements="")
    with pytest.raises(jpeg.ImageError, match="no valid XML"):
        gpano.read_gpano(jpeg.read_header(saved("JPEG", xmp=text.encode())))
    for cut in ("</rdf:RDF>", "<rdf:Description"):
        whole = XMP.format(attributes='GPano:PoseHeadingDegrees="12.5"', elements="")
        with pytest.raises(jpeg.ImageError, match="no valid XML"):
            gpano.read_gpano(jpeg.read_header(saved("JPEG", xmp=whole[: whole.index(cut)].encode())))


def test_an_angle_under_zeros_is_not_taken_for_absent():
    """They begin in one text and end in another, so that the block is sound XML without it."""
    written = 'GPano:PoseHeadingDegrees="12.5" a="Halle 3" GPano:PosePitchDegrees="1.5"'
    lost = ' 3" GPano:PosePitchDegrees="1.5'
    text = XMP.format(attributes=written.replace(lost, "\x00" * len(lost)), elements="")
    with pytest.raises(jpeg.ImageError, match="no valid XML"):
        gpano.read_gpano(jpeg.read_header(saved("JPEG", xmp=text.encode())))


@pytest.mark.parametrize("camera_first", [True, False])
def test_a_second_xmp_block_does_not_hide_that_of_the_camera(camera_first):
    def segment(text: str) -> bytes:
        body = b"http://ns.adobe.com/xap/1.0/\x00" + text.encode()
        return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body

    camera = segment(XMP.format(attributes='GPano:PoseHeadingDegrees="12.5"', elements=""))
    editor = segment("<a/>")
    content = saved("JPEG")
    both = camera + editor if camera_first else editor + camera
    assert gpano.read_gpano(jpeg.read_header(content[:2] + both + content[2:])).heading == 12.5


def test_a_cropped_picture_is_completed_with_black_and_a_damaged_block_ignored():
    pixels = np.full((40, 96, 3), 200, dtype=np.uint8)

    def header(*, width: int, left: int, more: str = ""):
        sizes = 'GPano:FullPanoWidthPixels="128" GPano:FullPanoHeightPixels="64" GPano:CroppedAreaTopPixels="12" '
        sizes += f'GPano:CroppedAreaImageWidthPixels="{width}" GPano:CroppedAreaImageHeightPixels="40" '
        sizes += f'GPano:CroppedAreaLeftPixels="{left}"'
        content = saved("JPEG", xmp=XMP.format(attributes=f"{sizes} {more}", elements="").encode())
        return replace(jpeg.read_header(content), width=96)

    sphere = gpano.on_full_sphere(pixels, gpano.placement(header(width=96, left=16), "p.jpg"))
    assert sphere.shape == (64, 128, 3)
    assert (sphere[12:52, 16:112] == 200).all()
    assert sphere.sum() == pixels.sum()
    for wrong in (header(width=90, left=16), header(width=96, left=40)):
        with pytest.raises(jpeg.ImageError, match=r"^p\.jpg has 96 x 40 pixels, which its GPano block does not place"):
            gpano.placement(wrong, "p.jpg")
    assert gpano.placement(jpeg.read_header(saved("JPEG", xmp=b"<a"))) is None
    turned = replace(header(width=96, left=16), width=40, height=96, orientation=6)
    assert gpano.placement(turned) == gpano.Placement(128, 64, 16, 12)
    with pytest.raises(jpeg.ImageError, match=r'has the projection "cylindrical" by its GPano block\. Export it as'):
        gpano.placement(header(width=96, left=16, more='GPano:ProjectionType="cylindrical"'))


def test_a_picture_without_gpano_has_none():
    assert gpano.read_gpano(jpeg.read_header(saved("JPEG"))) is None
    assert gpano.read_gpano(jpeg.read_header(saved("JPEG", xmp=b"<a/>"))) is None


def test_a_real_camera_block_whose_size_is_not_the_pictures(shared):
    header = jpeg.read_header((shared / "data/real/gpano_samsung_gear.jpg").read_bytes())
    block = gpano.read_gpano(header)
    assert (header.width, header.height) == (32, 28)
    assert (block.full_width, block.full_height, block.heading) == (7776, 3888, 176.3)
    assert not block.cropped


@pytest.mark.parametrize(
    ("start", "form"),
    [
        (b"GIF89a", "a GIF"),
        (b"RIFF\x00\x10\x00\x00WEBPVP8 ", "a WebP picture"),
        (b"II*\x00\x08\x00\x00\x00", "a TIFF"),
        (b"\x00\x00\x00\x18ftypheic", "a HEIC picture"),
        (b"\x00\x00\x00\x18ftypmp42", "a film"),
    ],
)
def test_a_file_of_another_form_is_named(start: bytes, form: str) -> None:
    with pytest.raises(jpeg.ImageError, match=f"The picture is neither JPEG nor PNG: it is {form}.*Export it as JPEG"):
        jpeg.read_header(start + bytes(50))


def test_a_pointer_of_git_lfs_is_to_be_fetched() -> None:
    content = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    with pytest.raises(jpeg.ImageError, match=r"it is a pointer of Git LFS.* Fetch it with git lfs pull\."):
        jpeg.read_header(content)
    with pytest.raises(E57Error, match=r"it is a pointer of Git LFS.* Fetch it with git lfs pull\."):
        PagedFile(io.BytesIO(content), "scan.e57")
