"""What the public viewer does with an Image360's numbers, written apart from the product.

Axes of the viewer: Y up, right-handed; CDF (x, y, z) lies at (x, z, -y). Rotation: three.js
`Euler(ex, ez, -ey, 'XYZ')`, that is `Rx(ex) Ry(ez) Rz(-ey)` (cognitedata/reveal, `Cdf360DataModelsDescriptorProvider`).
The cube's faces lie at front +Z, back -Z, left +X, right -X, top +Y, bottom -Y and are upright photos seen from inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import cos, sin

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Forward and up of each face in the viewer's axes.
FACES: dict[str, tuple[tuple[int, int, int], tuple[int, int, int]]] = {
    "front": ((0, 0, 1), (0, 1, 0)),
    "back": ((0, 0, -1), (0, 1, 0)),
    "left": ((1, 0, 0), (0, 1, 0)),
    "right": ((-1, 0, 0), (0, 1, 0)),
    "top": ((0, 1, 0), (0, 0, -1)),
    "bottom": ((0, -1, 0), (0, 0, 1)),
}


def to_viewer(cdf: Array) -> Array:
    """Points or directions (..., 3) of CDF in the viewer's axes."""
    return np.stack([cdf[..., 0], cdf[..., 2], -cdf[..., 1]], axis=-1)


def rotation(image: Mapping[str, float]) -> Array:
    """The matrix the viewer gives the cube of an Image360 with these properties."""
    x, y, z = image["eulerRotationX"], image["eulerRotationZ"], -image["eulerRotationY"]
    rx = np.array([[1, 0, 0], [0, cos(x), -sin(x)], [0, sin(x), cos(x)]])
    ry = np.array([[cos(y), 0, sin(y)], [0, 1, 0], [-sin(y), 0, cos(y)]])
    rz = np.array([[cos(z), -sin(z), 0], [sin(z), cos(z), 0], [0, 0, 1]])
    return rx @ ry @ rz


def look(image: Mapping[str, float], direction: Array) -> tuple[str, float, float]:
    """Face and point (u right, v down, 0..1) where a user who looks along a CDF direction sees the image."""
    ray = rotation(image).T @ to_viewer(direction)
    face = max(FACES, key=lambda name: float(np.dot(FACES[name][0], ray)))
    forward, up = (np.array(axis, dtype=np.float64) for axis in FACES[face])
    right = np.cross(forward, up)
    depth = ray @ forward
    return face, 0.5 + 0.5 * (ray @ right) / depth, 0.5 - 0.5 * (ray @ up) / depth


def sample(face: Array, u: float, v: float) -> Array:
    """Bilinear value of a face (size, size, channels) at (u, v), pixel centres at half pixels.

    In the outer half of the outermost pixels the slope goes on, where a viewer repeats the pixel: what is measured is
    where things lie on the face, not how its edge is drawn.
    """
    size = face.shape[0]
    x, y = u * size - 0.5, v * size - 0.5
    left, top = (min(max(int(place), 0), size - 2) for place in (x, y))
    fx, fy = x - left, y - top
    rows = face[top : top + 2, left : left + 2]
    return (rows[0, 0] * (1 - fx) + rows[0, 1] * fx) * (1 - fy) + (rows[1, 0] * (1 - fx) + rows[1, 1] * fx) * fy


def scene_transform(edge: Mapping[str, float]) -> Array:
    """The matrix (4, 4) by which a scene's loader moves a collection that already lies in the viewer's axes.

    `C T R S`: axis change C, the edge's translation T in metres, R = Euler XYZ in degrees, scales S (0 is 1); from
    cognitedata/reveal, `react-components/src/hooks/scenes/use3dScenes.ts`.
    """
    x, y, z = (np.radians(edge[f"eulerRotation{axis}"]) for axis in "XYZ")
    rx = np.array([[1, 0, 0], [0, cos(x), -sin(x)], [0, sin(x), cos(x)]])
    ry = np.array([[cos(y), 0, sin(y)], [0, 1, 0], [-sin(y), 0, cos(y)]])
    rz = np.array([[cos(z), -sin(z), 0], [sin(z), cos(z), 0], [0, 0, 1]])
    axes, matrix = np.eye(4), np.eye(4)
    axes[:3, :3] = to_viewer(np.eye(3)).T
    matrix[:3, :3] = rx @ ry @ rz @ np.diag([edge[f"scale{axis}"] or 1 for axis in "XYZ"])
    matrix[:3, 3] = [edge[f"translation{axis}"] for axis in "XYZ"]
    return axes @ matrix


def look_at_link(image: Mapping[str, float], phi: float, theta: float) -> Array:
    """The CDF direction in which the viewer draws a vertex of a link of format 2.0.0.

    three.js: `setFromSpherical(1, phi, theta)`, then `applyEuler(ex, ey, ez, 'XZY')`, then into the viewer's axes
    (cognitedata/reveal, `transformSphericalCoordinatesToVectors.ts`); here without the last step.
    """
    x, y, z = (image[f"eulerRotation{axis}"] for axis in "XYZ")
    rx = np.array([[1, 0, 0], [0, cos(x), -sin(x)], [0, sin(x), cos(x)]])
    ry = np.array([[cos(y), 0, sin(y)], [0, 1, 0], [-sin(y), 0, cos(y)]])
    rz = np.array([[cos(z), -sin(z), 0], [sin(z), cos(z), 0], [0, 0, 1]])
    return rx @ rz @ ry @ np.array([sin(phi) * sin(theta), cos(phi), sin(phi) * cos(theta)])
