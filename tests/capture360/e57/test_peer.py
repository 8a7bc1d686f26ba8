"""libE57 (through pye57) as an independent peer: each reads what the other writes, pictures byte for byte."""

import numpy as np
import pytest
from pye57 import libe57
from scipy.spatial.transform import Rotation

from capture360.e57 import PagedFile, preflight, read_contents, read_picture, verify
from capture360.pictures import jpeg

TAGS = {
    "spherical": "sphericalRepresentation",
    "pinhole": "pinholeRepresentation",
    "cylindrical": "cylindricalRepresentation",
    "visual": "visualReferenceRepresentation",
}


def peer_picture(image, representation) -> bytes:
    tag = "jpegImage" if representation.blob.mime_type == "image/jpeg" else "pngImage"
    node = image[TAGS[representation.kind]][tag]
    buffer = np.zeros(node.byteCount(), np.uint8)
    node.read(buffer, 0, node.byteCount())
    return buffer.tobytes()


def assert_same_pictures(path) -> int:
    peer = libe57.ImageFile(str(path), "r")
    images = peer.root()["images2D"]
    compared = 0
    with open(path, "rb") as stream:
        file = PagedFile(stream, path.name)
        contents = read_contents(file)
        assert len(contents.images) == images.childCount()
        for ours in contents.images:
            theirs = images[ours.index]
            assert ours.guid == theirs["guid"].value()
            for representation in ours.representations:
                assert read_picture(file, representation.blob) == peer_picture(theirs, representation)
                compared += 1
            if ours.pose:
                quaternion = [theirs["pose"]["rotation"][name].value() for name in "wxyz"]
                assert ours.pose.rotation == tuple(quaternion)
    peer.close()
    return compared


def test_the_peer_reads_what_we_write(tmp_path, spherical_e57, add_cube, make_e57, tilted):
    for name, content, count in [
        ("spherical", spherical_e57, 2),
        ("cube", make_e57(add_cube(tilted, encode=jpeg.encode_jpeg), add_cube(tilted, (9, 9, 9))), 12),
    ]:
        path = tmp_path / f"{name}.e57"
        path.write_bytes(content)
        assert assert_same_pictures(path) == count


@pytest.mark.parametrize("name", ["tiny_pc_and_images.e57", "pumpAVisualReferenceImage.e57"])
def test_pictures_of_real_files_are_the_peers(shared, name):
    assert assert_same_pictures(shared / "data/e57" / name) == (4 if name.startswith("tiny") else 1)


def test_we_read_what_the_peer_writes(tmp_path, world, tilted):
    path = tmp_path / "peer.e57"
    file = libe57.ImageFile(str(path), "w")
    file.extensionsAdd("", libe57.E57_V1_0_URI)
    root = file.root()
    root.set("formatName", libe57.StringNode(file, "ASTM E57 3D Imaging Data File"))
    root.set("guid", libe57.StringNode(file, "{peer}"))
    root.set("versionMajor", libe57.IntegerNode(file, 1))
    root.set("versionMinor", libe57.IntegerNode(file, 0))
    root.set("data3D", libe57.VectorNode(file, True))
    images = libe57.VectorNode(file, True)
    root.set("images2D", images)
    picture = world.spherical(tilted, 256)
    x, y, z, w = tilted.as_quat()
    for number in range(2):
        image = libe57.StructureNode(file)
        images.append(image)
        image.set("guid", libe57.StringNode(file, f"{{image {number}}}"))
        image.set("name", libe57.StringNode(file, f"Raum {number} äöü"))
        pose, rotation, translation = (libe57.StructureNode(file) for _ in range(3))
        image.set("pose", pose)
        pose.set("rotation", rotation)
        pose.set("translation", translation)
        for name, value in {"w": w, "x": x, "y": y, "z": z}.items():
            rotation.set(name, libe57.FloatNode(file, float(value)))
        for name, value in {"x": number, "y": 0, "z": 3.5}.items():
            translation.set(name, libe57.FloatNode(file, float(value)))
        representation = libe57.StructureNode(file)
        image.set("sphericalRepresentation", representation)
        representation.set("imageWidth", libe57.IntegerNode(file, 256))
        representation.set("imageHeight", libe57.IntegerNode(file, 128))
        representation.set("pixelWidth", libe57.FloatNode(file, 2 * np.pi / 256))
        representation.set("pixelHeight", libe57.FloatNode(file, np.pi / 128))
        blob = libe57.BlobNode(file, len(picture))
        representation.set("pngImage", blob)
        blob.write(np.frombuffer(picture, np.uint8).copy(), 0, len(picture))
    file.close()

    assert verify(path).finding is None
    found = preflight(path)
    assert found.headline == "peer.e57: 2 usable of 2 photospheres."
    assert [sphere.name for sphere in found.photospheres] == ["Raum 0 äöü", "Raum 1 äöü"]
    # The peer writes zero as an empty element.
    assert found.photospheres[0].pose.position == (0.0, 0.0, 3.5)
    assert assert_same_pictures(path) == 2
    sensor = Rotation.from_quat(np.roll(found.photospheres[0].pose.rotation, -1)) * Rotation.from_euler(
        "Z", -90, degrees=True
    )
    assert (sensor * tilted.inv()).magnitude() < 1e-9
