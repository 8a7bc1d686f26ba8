"""Texts that the edge between two faces cuts: seen again in a picture that is made of both.

A plate that lies on an edge of the cube shows a part of its text on either face. A view along that edge, as large as
such a plate may be, has the whole text, and what is read there takes the place of the parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capture360.detection.line_view import Pixels
from capture360.geometry.boxes import BORDER, Polygon, bounds, contains, touches_border
from capture360.geometry.polygons import along_and_across, beyond, centre, clipped, is_upright, reading_direction
from capture360.geometry.projection import face_axes, face_directions, project_to_face
from capture360.model import FACES, FaceName

if TYPE_CHECKING:
    from capture360.detection.protocol import Line

Floats = NDArray[np.float64]
LinesByFace = Mapping[FaceName, Sequence["Line"]]

_REACH_ALONG = 5.5
"""Seen to either side of the edge, in heights of the line's box: a tag of fourteen characters and a margin."""
_REACH_ACROSS = 2.5
_LEAST_LENGTH = 3
"""Characters of the longer part of a tag."""
_LEAST_GAP = 0.5
"""In heights of the line's box, which is the width of a letter: a text that ends nearer to the edge may go on."""
_LEAST_CAP_PX = 8.0
"""Height of capitals below which a text is not looked at again: one view of it would approve nothing."""
_MOST_HEIGHT = 0.15
"""Height of a line's box, as a share of the face, above which a text is left: such letters are those of signs."""
_LEAST_SCORE = 0.8
"""Engine score from which a text that was read across an edge takes the place of its parts."""


@dataclass(frozen=True)
class SeamView:
    """A picture around a point of an edge, in a plane like a face's. `axes` are its centre, right and down."""

    pixels: Pixels
    axes: Floats
    focal: float
    """Pixels."""
    scale: float
    """Pixels for each of the edge of a face."""

    def directions(self, points: Floats) -> Floats:
        """Unit vectors (n, 3) in the cube frame through points (n, 2) in 0..1 of the picture."""
        return _rays(self.axes, (points - 0.5) * self._size / self.focal)

    def points(self, directions: Floats) -> Floats:
        """Points (n, 2) in 0..1 of the picture where rays (n, 3) meet it; nan for those behind it."""
        along, right, down = (directions @ axis for axis in self.axes)
        depth = np.where(along > 1e-6, along, np.nan)
        return np.asarray(np.stack([right / depth, down / depth], axis=-1) * self.focal / self._size + 0.5)

    @property
    def _size(self) -> Floats:
        height, width = self.pixels.shape[:2]
        return np.array([width, height], dtype=np.float64)


def reread_seams(
    lines: LinesByFace, pixels_of: Callable[[FaceName], Pixels | None], read: Callable[[Pixels], Sequence[Line]]
) -> dict[FaceName, list[Line]]:
    """Return the lines of one image by face, those that an edge cuts as they are read across it.

    `pixels_of` gives the picture of a face (height x width x 3), None if there is none; `read` is the engine's.
    """
    found = {face: list(some) for face, some in lines.items()}
    seen: list[SeamView] = []
    for face, some in lines.items():
        for line in some:
            if not _is_cut(line) or any(_shows(view, face, line) for view in seen):
                continue
            view = _view(face, line, pixels_of)
            if view is not None:
                seen.append(view)
                _replace(found, view, read(view.pixels))
    return found


def _is_cut(line: Line) -> bool:
    if line.whole or len(line.text) < _LEAST_LENGTH or not any(character.isdigit() for character in line.text):
        return False
    if line.cap_px is not None and line.cap_px < _LEAST_CAP_PX:
        return False
    x_min, y_min, x_max, y_max = bounds(line.polygon)
    _, _, top, bottom = along_and_across(line.polygon, reading_direction(line.polygon))
    gap = min(x_min, y_min, 1 - x_max, 1 - y_max)
    return gap < _LEAST_GAP * (bottom - top) or (line.outline is not None and touches_border(line.outline))


def _shows(view: SeamView, face: FaceName, line: Line) -> bool:
    """Return whether a line lies in the inner half of a view, so that its plate is seen there whole."""
    (point,) = view.points(face_directions(face, [centre(line.polygon)]))
    return bool((np.abs(point - 0.5) < 0.25).all())


def _view(face: FaceName, line: Line, pixels_of: Callable[[FaceName], Pixels | None]) -> SeamView | None:
    own = pixels_of(face)
    if own is None:
        return None
    size = own.shape[1]
    _, _, top, bottom = along_and_across(line.polygon, reading_direction(line.polygon))
    tall = (bottom - top) * size
    if not 0 < tall <= _MOST_HEIGHT * size:
        return None
    scale = min(1.0, size / (2 * _REACH_ALONG * tall))  # no more pixels across than a face has
    reach = (_REACH_ALONG * tall * scale, _REACH_ACROSS * tall * scale)
    half_width, half_height = reach[::-1] if is_upright(line.polygon) else reach
    width, height = round(2 * half_width), round(2 * half_height)
    axes = _axes(face, _nearest_edge(line))
    focal = scale * size / sqrt(2)  # at scale 1 letters are as large as on the edge of a face
    columns, rows = np.meshgrid(np.arange(width) + 0.5 - width / 2, np.arange(height) + 0.5 - height / 2)
    rays = _rays(axes, np.stack([columns, rows], axis=-1).reshape(-1, 2) / focal).reshape(height, width, 3)
    pixels = _sampled(rays, pixels_of)
    return None if pixels is None else SeamView(pixels, axes, focal, scale)


def _nearest_edge(line: Line) -> tuple[float, float]:
    """Return the point of the face's edge that is nearest to a line."""
    x_min, y_min, x_max, y_max = bounds(line.outline or line.polygon)
    x, y = centre(line.polygon)
    gaps = {(0.0, y): x_min, (1.0, y): 1 - x_max, (x, 0.0): y_min, (x, 1.0): 1 - y_max}
    return min(gaps, key=lambda point: gaps[point])


def _axes(face: FaceName, point: tuple[float, float]) -> Floats:
    """Rows: centre, right and down of a view towards a point of a face, as upright as that face."""
    (ahead,) = face_directions(face, [point])
    _, right, _ = face_axes(face)
    across = right - (right @ ahead) * ahead
    across /= np.linalg.norm(across)
    down = np.cross(ahead, across)
    if down @ face_axes(face)[2] < 0:
        down = -down
    return np.stack([ahead, across, down])


def _rays(axes: Floats, offsets: Floats) -> Floats:
    """Unit vectors (n, 3) through points of a plane at distance 1, `offsets` (n, 2) right and down of its centre."""
    rays = axes[0] + offsets[:, :1] * axes[1] + offsets[:, 1:] * axes[2]
    return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))


def _sampled(rays: Floats, pixels_of: Callable[[FaceName], Pixels | None]) -> Pixels | None:
    """Return the colours (height, width, 3) where rays meet the cube; None if some meet a face without a picture."""
    import cv2

    nearest = np.argmax(np.stack([rays @ face_axes(face)[0] for face in FACES]), axis=0)
    shown = np.zeros(rays.shape, np.uint8)
    for number in np.unique(nearest):
        face = FACES[int(number)]
        picture = pixels_of(face)
        if picture is None:
            return None
        mine = nearest == number
        places = np.nan_to_num(project_to_face(face, rays), nan=-1.0)
        x, y = (places * [picture.shape[1], picture.shape[0]] - 0.5).astype(np.float32).transpose(2, 0, 1)
        seen = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        shown[mine] = seen[mine]
    return shown


def _replace(found: dict[FaceName, list[Line]], view: SeamView, read: Sequence[Line]) -> None:
    """Put what was read across an edge in the place of its parts, all lines of a plate on the face that has more of it.

    A text that is no longer than its parts, on a plate that is not seen to end, may still be cut: it changes nothing,
    as one that was read badly. A text at the border of the view may go on beyond it, wherever its plate seems to end.
    """
    sure = [line for line in read if line.score >= _LEAST_SCORE]
    sure = [replace(line, whole=False) if touches_border(line.polygon) else line for line in sure]
    crossing = [(line, view.directions(np.asarray(line.polygon))) for line in sure]
    crossing = [(line, rays) for line, rays in crossing if len(_faces_of(view, line)) > 1]
    if not crossing:
        return
    middle = np.sum([rays.sum(axis=0) for _, rays in crossing], axis=0)
    face = max(found, key=lambda name: float(middle @ face_axes(name)[0]))
    for line, rays in crossing:
        parts = list(_parts(found, view, line))
        polygon = _on_face(face, rays)
        longest = max((len(part.text) for _, part in parts), default=len(line.text) + 1)
        if polygon is None or len(line.text) < longest + (not line.whole):
            continue
        outline = _on_face(face, view.directions(np.asarray(line.outline))) if line.outline else None
        for name, part in parts:
            found[name].remove(part)
        cap_px = round(line.cap_px / view.scale, 1) if line.cap_px is not None else None
        uncut = beyond(project_to_face(face, rays).tolist())
        found[face].append(replace(line, polygon=polygon, outline=outline, cap_px=cap_px, uncut=uncut))


def _faces_of(view: SeamView, line: Line) -> set[int]:
    """Return the faces that a line and its plate lie on."""
    corners = np.asarray((*line.polygon, *(line.outline or ())))
    rays = view.directions(corners)
    return set(np.argmax(np.stack([rays @ face_axes(face)[0] for face in FACES]), axis=0).tolist())


def _parts(found: Mapping[FaceName, Sequence[Line]], view: SeamView, line: Line) -> Iterator[tuple[FaceName, Line]]:
    """Yield the lines on the faces of which a line in the view shows more, or the same."""
    box = bounds(line.polygon)
    for face, some in found.items():
        for part in some:
            (point,) = view.points(face_directions(face, [centre(part.polygon)]))
            if np.isfinite(point).all() and contains(box, (float(point[0]), float(point[1]))):
                yield face, part


def _on_face(face: FaceName, rays: Floats) -> Polygon | None:
    """Return an outline on a face; it ends short of the edge, which does not cut this text."""
    points = project_to_face(face, rays)
    if not np.isfinite(points).all():
        return None
    return clipped(np.clip(points, 2 * BORDER, 1 - 2 * BORDER).tolist())
