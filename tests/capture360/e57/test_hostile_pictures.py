"""E57 files whose pictures are damaged, shared, piled up or named to cost time."""

import importlib
import io
import re
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import simplejpeg

from capture360.e57 import E57Error, PagedFile, pinholes, preflight, read_contents
from capture360.e57.images import Image2D, Representation, ScannerPose
from capture360.e57.pinholes import pinhole_sets
from capture360.geometry import rotation
from capture360.pictures import jpeg
from capture360.pictures.decoding import decode


def panorama(world, tilted) -> bytes:
    return bytes(simplejpeg.encode_jpeg(decode(world.spherical(tilted, 512)), 90))


def lacking_its_middle(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + content[middle + 400 :]


def test_a_picture_that_does_not_decode_holds_back_its_sphere_only(world, tilted, make_e57, pose_of, taken):
    sound = panorama(world, tilted)
    contents = {"whole": sound, "spare": sound[:-2] + bytes(6) + sound[-2:], "hurt": lacking_its_middle(sound)}

    def add(writer):
        for name, content in contents.items():
            writer.add_spherical(content, name=name, pose=pose_of(tilted), acquired_at=taken)

    content = make_e57(add)
    assert len(preflight(io.BytesIO(content), "scan.e57").photospheres) == 3
    found = preflight(io.BytesIO(content), "scan.e57", decode=True)
    assert [sphere.station for sphere in found.photospheres] == ["whole", "spare"]
    (finding,) = found.findings
    assert (finding.rule, finding.station) == ("E03", "hurt")
    assert "pixels of it are missing" in finding.message


def with_gpano(content: bytes, **values: object) -> bytes:
    names = " ".join(f'GPano:{name}="{value}"' for name, value in values.items())
    block = (
        b"http://ns.adobe.com/xap/1.0/\0"
        + (
            '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            f'<rdf:Description xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" {names}/></rdf:RDF></x:xmpmeta>'
        ).encode()
    )
    return content[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + content[2:]


def area(full: int, width: int, height: int, left: int = 0, top: int = 0) -> dict[str, int]:
    return {
        "FullPanoWidthPixels": full, "FullPanoHeightPixels": full // 2, "CroppedAreaImageWidthPixels": width,
        "CroppedAreaImageHeightPixels": height, "CroppedAreaLeftPixels": left, "CroppedAreaTopPixels": top,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (area(1024, 512, 256), r"is a part of a sphere of 1024 x 512 by its GPano block\. Export the whole sphere"),
        (area(8192, 8192, 3000, 0, 500), "does not place on a sphere of 8192 x 4096"),
        ({"ProjectionType": "cylindrical"}, 'has the projection "cylindrical"'),
        (area(8192, 8192, 4096), ""),
        ({}, ""),
    ],
)
def test_a_picture_that_says_it_is_no_full_sphere_is_refused_as_outside_of_scans(
    world, tilted, make_e57, pose_of, taken, block, said
):
    content = with_gpano(panorama(world, tilted), **block)
    scan = make_e57(lambda writer: writer.add_spherical(content, name="s", pose=pose_of(tilted), acquired_at=taken))
    found = preflight(io.BytesIO(scan), "scan.e57", decode=True)
    assert len(found.photospheres) == (not said)
    if said:
        assert re.search(said, next(each for each in found.findings if each.rule == "E03").message)


def test_a_picture_that_many_images_share_is_looked_at_once(spherical_e57, monkeypatch):
    looked = []
    module = importlib.import_module("capture360.e57.preflight")
    monkeypatch.setattr(
        module, "read_header", lambda *given, **how: looked.append(1) or jpeg.read_header(*given, **how)
    )
    file = PagedFile(io.BytesIO(spherical_e57), "scan.e57")
    blob = read_contents(file).images[0].representations[0].blob
    pictures = module.PictureHeaders(file, 200.0, decode=False)
    assert len({pictures.header(blob).width for _ in range(40)}) == 1
    assert len(looked) == 1


def test_a_picture_far_longer_than_its_pixels_is_not_read(world, tilted, make_e57, pose_of, taken):
    long = panorama(world, tilted) + bytes(65 << 20)
    content = make_e57(lambda writer: writer.add_spherical(long, name="s", pose=pose_of(tilted), acquired_at=taken))
    (finding,) = preflight(io.BytesIO(content), "scan.e57", decode=True).findings[-1:]
    assert (finding.rule, finding.station) == ("E03", "s")
    assert "more than its 512 x 256 pixels can take. Export it again." in finding.message


def test_pictures_that_lie_one_over_the_other_are_refused(spherical_e57):
    """Else a small file holds any number of large pictures."""
    file = PagedFile(io.BytesIO(spherical_e57), "scan.e57")
    blob = read_contents(file).images[0].representations[0].blob
    pictures = importlib.import_module("capture360.e57.preflight").PictureHeaders(file, 200.0, decode=True)
    with pytest.raises(E57Error, match=r"scan\.e57: its pictures lie one over the other"):
        for shorter in range(blob.length):
            with suppress(jpeg.ImageError):
                pictures.header(replace(blob, length=blob.length - shorter))


def camera(index: int, rotation_: tuple[float, float, float, float]) -> Image2D:
    picture = Representation("pinhole", None, None, 64, 64, 1e-5, 1e-5, 32e-5, (32, 32))
    pose = ScannerPose(rotation_, (0.0, 0.0, 0.0))
    return Image2D(index, f"{index}", f"{index}", None, pose, "", (picture,))


@pytest.mark.parametrize("count", [60, 120])
def test_pictures_at_one_place_are_sorted_with_one_rotation_each(count, monkeypatch):
    asked = []
    real = rotation.matrix_from_quaternion
    monkeypatch.setattr(pinholes.rot, "matrix_from_quaternion", lambda given: asked.append(1) or real(given))
    sets, others = pinhole_sets([camera(number, (1.0, 0.0, 0.0, 0.0)) for number in range(count)], [])
    assert (sets, others) == ([], count)
    assert len(asked) == count


def test_two_exposures_from_one_place_are_two_cubes():
    half = float(np.sqrt(0.5))
    turns = [
        (1, 0, 0, 0),
        (0, 1, 0, 0),
        (half, half, 0, 0),
        (half, -half, 0, 0),
        (half, 0, half, 0),
        (half, 0, -half, 0),
    ]
    images = [camera(number, turns[number // 2]) for number in range(12)]
    sets, _ = pinhole_sets(images, [])
    assert [[image.index for image in group] for group in sets] == [[0, 2, 4, 6, 8, 10], [1, 3, 5, 7, 9, 11]]


@pytest.mark.parametrize(
    ("names", "common"),
    [
        (("Scan 1 - cube face (a)", "Scan 1 - cube face (b)"), "Scan 1"),
        (("Hall_IMG_0", "Hall_IMG_5"), "Hall"),
        (("Cube_1", "Cube_2"), ""),
        (("surface1", "surface2"), "sur"),
        (("_" * 999 + "a", "_" * 999 + "b"), ""),
        (("x" + "_" * 998 + "a", "x" + "_" * 998 + "b"), "x"),
    ],
)
def test_the_common_name_leaves_out_what_tells_the_six_apart(names, common):
    group = [Image2D(0, "", name, None, None, "", ()) for name in names]
    assert pinholes.common_name(group) == common
