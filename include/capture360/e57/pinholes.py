"""Six pinhole images of one place as a cube.

The axes of a pinhole camera are right +X, up +Y, and it looks along -Z (ASTM E2807 section 8.4.13.6). Names and numbers
of the six are never trusted: exporters use different orders, so each picture goes where its pose says.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from capture360.e57.images import Image2D, Representation, ScannerPose
from capture360.e57.photospheres import Photosphere, PinholeFace, Remark, fault, remark_length
from capture360.geometry import rotation as rot
from capture360.geometry.projection import face_axes
from capture360.model import FACES, FARTHEST_M, Pose

_SAME_PLACE = 0.01
"""Metres within which six pinhole images belong together."""
_ALIGNED = math.radians(0.5)
_RIGHT_ANGLE = math.radians(0.1)
_MOST_AT_ONE_PLACE = 600
"""Images at one place above which the file is taken to lack positions."""
_FEWEST_OF_A_SPHERE = 5
"""Least number of images at one place that count as a cube with a missing face."""
_SAME_DIRECTION = 0.7
"""Cosine of the least angle between views of different faces."""
_MOST_DIRECTIONS = 32
"""Above the number of views that fit on a sphere at that angle."""
_BETWEEN = " _.-"
_Place = tuple[str, int, int, int]


def pinhole_sets(images: Sequence[Image2D], remarks: list[Remark]) -> tuple[list[list[Image2D]], int]:
    """Group images at one place that may be the faces of a cube, and count those that belong to none."""
    places: dict[_Place, list[Image2D]] = {}
    others = 0
    for image in images:
        picture = image.representation("pinhole")
        if picture is None or image.pose is None or not _may_be_face(picture):
            others += 1
            continue
        places.setdefault(_place(places, image.scan, image.pose), []).append(image)
    sets: list[list[Image2D]] = []
    for together in places.values():
        if len(together) > _MOST_AT_ONE_PLACE:
            message = f"and {len(together) - 1} more images stand at one place. Export them with their positions"
            remarks.append(Remark(together[0].label, str(len(together)), message, fatal=True))
            others += len(together)
            continue
        for group in _by_direction(together):
            if len(group) >= _FEWEST_OF_A_SPHERE:
                sets.append(group)
            else:
                others += len(group)
    return sets, others


def _may_be_face(picture: Representation) -> bool:
    view = picture.field_of_view()
    return view is None or min(view) > math.radians(89)


def _place(places: Mapping[_Place, Sequence[Image2D]], scan: str, pose: ScannerPose) -> _Place:
    """Return the cell of a known place within a centimetre, else of a new one."""
    i, j, k = (math.floor(max(-FARTHEST_M, min(value, FARTHEST_M)) / _SAME_PLACE) for value in pose.translation)
    for cell in ((scan, i + a, j + b, k + c) for a in (0, -1, 1) for b in (0, -1, 1) for c in (0, -1, 1)):
        for known in places.get(cell, ())[:1]:
            assert known.pose is not None
            if math.dist(known.pose.translation, pose.translation) <= _SAME_PLACE:
                return cell
    return scan, i, j, k


def _by_direction(images: Sequence[Image2D]) -> list[list[Image2D]]:
    """Split images at one place into cubes, none of which has two views in one direction."""
    cubes: list[list[Image2D]] = []
    looking = np.zeros((len(images), _MOST_DIRECTIONS, 3))
    for image in images:
        forward = _forward(image)
        free = (looking[: len(cubes) + 1] @ forward < _SAME_DIRECTION).all(axis=1)
        number = int(free.argmax())
        if number == len(cubes):
            cubes.append([])
        looking[number, len(cubes[number])] = forward
        cubes[number].append(image)
    return cubes


def _matrix(image: Image2D) -> rot.Matrix:
    assert image.pose is not None
    try:
        return rot.matrix_from_quaternion(image.pose.rotation)
    except rot.RotationError:
        return np.eye(3)


def _forward(image: Image2D) -> rot.Matrix:
    return -_matrix(image)[:, 2]


def cube_of(group: list[Image2D], remarks: list[Remark]) -> Iterable[Photosphere]:
    """Yield the cube of six pinhole images; nothing, and a remark, if they are not the faces of one cube."""
    label = common_name(group) or group[0].label
    for image in group:
        picture = image.representation("pinhole")
        assert picture is not None
        wrong = fault(image, picture)
        if wrong:
            remarks.append(wrong)
            return
        remark_length(image, remarks)
    if len(group) != len(FACES):
        message = f"is a cube of which {len(group)} of 6 pictures are there. Export all six"
        remarks.append(Remark(label, str(len(group)), message, fatal=True))
        return
    cube = _cube_axes(group)
    if cube is None:
        message = "has six pictures that do not look along six axes at right angles. Export cube faces or a panorama"
        remarks.append(Remark(label, "", message, fatal=True))
        return
    cube, faces = _least_turned(group, cube)
    short = [face.image.label for face in faces if not face.fits and not _covers(face)]
    if short:
        message = f"has a picture ({short[0]}) that does not cover its face of the cube. Export 90 degrees or more"
        remarks.append(Remark(label, short[0], message, fatal=True))
        return
    if any(face.picture.field_of_view() is None for face in faces):
        message = "does not say the field of view of its pictures; taken as 90 degrees"
        remarks.append(Remark(label, "", message, image=group[0].index))
    front = faces[0].image
    assert front.pose is not None
    times = [image.acquired_at for image in group if image.acquired_at]
    yield Photosphere(
        "",
        common_name(group),
        Pose(front.pose.translation, rot.quaternion_from_matrix(cube)),
        min(times, default=None),
        tuple(sorted(group, key=lambda image: image.index)),
        faces=faces,
    )


def _cube_axes(group: Sequence[Image2D]) -> rot.Matrix | None:
    """Return the rotation of the cube from its six viewing directions; None if these are not six axes.

    Front is the side nearest to +X of the file, regardless of order and names.
    """
    forwards = sorted((_forward(image) for image in group), key=lambda ray: round(float(ray[2]), 6))
    bottom, sides, top = forwards[0], forwards[1:5], forwards[5]
    front = max(sides, key=lambda ray: (round(float(ray[0]), 6), round(float(ray[1]), 6)))
    up = top - bottom
    back = min(sides, key=lambda ray: float(ray @ front))
    left = max(sides, key=lambda ray: float(np.cross(up, front) @ ray))
    right = min(sides, key=lambda ray: float(np.cross(up, front) @ ray))
    try:
        cube = rot.checked_matrix(np.stack([left - right, back - front, up], axis=1) / 2, tolerance=0.02)
    except rot.RotationError:
        return None
    seen = [max(FACES, key=lambda face: float(cube @ face_axes(face)[0] @ ray)) for ray in forwards]
    aligned = all(
        math.acos(min(1.0, float(cube @ face_axes(face)[0] @ ray))) < 2 * _ALIGNED
        for face, ray in zip(seen, forwards, strict=True)
    )
    return cube if aligned and len(set(seen)) == len(FACES) else None


def _least_turned(group: Sequence[Image2D], cube: rot.Matrix) -> tuple[rot.Matrix, tuple[PinholeFace, ...]]:
    """Choose which of the four sides is the front so that most pictures need no resampling."""
    ways = []
    for quarter in range(4):
        turned = cube @ rot.axis_rotation("Z", quarter * math.pi / 2)
        faces = tuple(_assigned(group, turned))
        ways.append((sum(face.turn != 0 for face in faces), quarter, turned, faces))
    _, _, best, faces = min(ways, key=lambda way: way[:2])
    return best, faces


def _assigned(group: Sequence[Image2D], cube: rot.Matrix) -> Iterable[PinholeFace]:
    """The pictures in the order of `FACES`."""
    for face in FACES:
        centre, right, down = face_axes(face)
        image = max(group, key=lambda one: float(cube @ centre @ _forward(one)))
        picture = image.representation("pinhole")
        assert picture is not None
        camera = cube.T @ _matrix(image)
        # Counter-clockwise angle at which the picture's right side lies on the face.
        angle = math.atan2(float(camera[:, 0] @ -down), float(camera[:, 0] @ right))
        turn = round(angle / (math.pi / 2)) % 4
        rest = math.remainder(angle, math.pi / 2)
        off = math.acos(min(1.0, float(-camera[:, 2] @ centre)))
        fits = abs(rest) < _ALIGNED and off < _ALIGNED and _is_square_view(picture)
        rows = tuple((float(row[0]), float(row[1]), float(row[2])) for row in camera)
        yield PinholeFace(face, image, picture, turn, fits, rows)


def _is_square_view(picture: Representation) -> bool:
    """Whether the picture shows exactly 90 x 90 degrees about its middle."""
    if picture.width != picture.height:
        return False
    view = picture.field_of_view()
    if view is None:
        return True
    slack = 1 + 0.001 * picture.width
    centred = all(abs(value - picture.width / 2) <= slack for value in picture.principal)
    return centred and all(abs(angle - math.pi / 2) <= _RIGHT_ANGLE for angle in view)


def _covers(face: PinholeFace) -> bool:
    """Whether the four corners of the face lie in the picture, within a pixel."""
    if face.picture.field_of_view() is None:
        return False
    centre, right, down = face_axes(face.face)
    corners = np.array([centre + a * right + b * down for a in (-1, 1) for b in (-1, 1)])
    points = picture_points(face, corners)
    inside = (points >= -1).all(axis=1) & (points <= (face.picture.width + 1, face.picture.height + 1)).all(axis=1)
    return bool(inside.all())


def picture_points(face: PinholeFace, directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Picture coordinates (..., 2) of rays (..., 3) of the cube frame (ASTM E2807 equations 20 and 21); nan behind."""
    rays = directions @ np.array(face.camera_to_cube)
    picture = face.picture
    depth = np.where(rays[..., 2] < -1e-9, -rays[..., 2], np.nan)
    x = picture.principal[0] + rays[..., 0] / depth * (picture.focal_length / picture.pixel_width)
    y = picture.principal[1] - rays[..., 1] / depth * (picture.focal_length / picture.pixel_height)
    return np.stack([x, y], axis=-1)


def common_name(group: Sequence[Image2D]) -> str:
    """Return the common prefix of the images' names, without the start of their distinguishing part."""
    first, last = min(image.name for image in group), max(image.name for image in group)
    shared = first[: next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]
    name = shared.rstrip(_BETWEEN + "([")
    for word in ("image", "img", "face"):
        if name.lower().endswith(word):
            name = name[: -len(word)].rstrip(_BETWEEN)
            break
    return name[: -len("cube")].rstrip(_BETWEEN) if name.lower().endswith("cube") else name
