"""Full spheres among the images of an E57 file, with their poses, from the XML alone.

A sphere is one `sphericalRepresentation`, or six square pinhole images at one place that look along six axes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from capture360.e57.contents import Contents
from capture360.e57.images import Image2D, Representation
from capture360.e57.photospheres import Candidates, Photosphere, Remark, fault, remark_length
from capture360.e57.pinholes import cube_of, pinhole_sets
from capture360.geometry import rotation as rot
from capture360.model import STATION_LENGTH, Pose, confusable_key, is_id, slug

_LEAST_PART = 20
"""Degrees; pixel sizes that give less are no angles in radians."""


def find_photospheres(contents: Contents) -> Candidates:
    """Return all spheres of a file, in file order, with ids that are unique in it."""
    remarks: list[Remark] = []
    drafts: list[Photosphere] = []
    spherical = [image for image in contents.images if image.representation("spherical")]
    for image in spherical:
        drafts.extend(_from_spherical(image, remarks))
    sets, others = pinhole_sets([image for image in contents.images if not image.representation("spherical")], remarks)
    for group in sets:
        drafts.extend(cube_of(group, remarks))
    drafts = sorted((_timed(draft, contents, remarks) for draft in drafts), key=lambda sphere: sphere.index)
    _remark_twins(spherical, remarks)
    return Candidates(tuple(_named(drafts)), tuple(remarks), len(spherical) + len(sets), others)


def _from_spherical(image: Image2D, remarks: list[Remark]) -> Iterable[Photosphere]:
    picture = image.representation("spherical")
    assert picture is not None
    wrong = fault(image, picture)
    if wrong is None and picture.width and picture.height and abs(picture.width - 2 * picture.height) > 1:
        wrong = Remark(
            image.label,
            f"{picture.width} x {picture.height}",
            f"is {picture.width} x {picture.height} pixels; a full panorama is twice as wide as high. "
            "Export it uncropped, 360 x 180 degrees",
            fatal=True,
        )
    if wrong is None and (part := _stated_part(picture)):
        text = f"is {part} degrees by its pixel sizes, a part of the sphere. Export it uncropped, 360 x 180 degrees"
        wrong = Remark(image.label, part, text, fatal=True)
    if wrong:
        remarks.append(wrong)
        return
    assert image.pose is not None
    if differing := [
        (f"{angle:.4g}", word, str(whole))
        for pixels, size, whole, word in (
            (picture.width, picture.pixel_width, 360, "wide"),
            (picture.height, picture.pixel_height, 180, "high"),
        )
        if pixels and abs((angle := math.degrees(pixels * size)) - whole) > 0.01 * whole
    ]:
        stated = " and ".join(f"{angle} degrees {word}" for angle, word, _ in differing)
        says = f"says it is {stated}" if picture.pixel_width and picture.pixel_height else "gives no size of its pixels"
        text = f"{says}; taken as a full {' x '.join(whole for *_, whole in differing)}"
        remarks.append(Remark(image.label, " x ".join(angle for angle, *_ in differing), text, image=image.index))
    remark_length(image, remarks)
    rotation = rot.quaternion_from_matrix(rot.cube_from_panorama(rot.matrix_from_quaternion(image.pose.rotation)))
    pose = Pose(image.pose.translation, rotation)
    yield Photosphere("", image.name, pose, image.acquired_at, (image,), panorama=picture)


def _stated_part(picture: Representation) -> str:
    """Return the degrees of a picture whose pixel sizes agree that it is no full sphere; empty if they do not.

    Pixels that are not square, or of which none would fit, are a slip of the exporter: a full sphere is remarked.
    """
    across = math.degrees(picture.width * picture.pixel_width)
    down = math.degrees(picture.height * picture.pixel_height)
    are_square = abs(picture.pixel_width - picture.pixel_height) <= 0.01 * picture.pixel_height
    is_part = _LEAST_PART <= across <= 356 and down <= 178
    return f"{across:.4g} x {down:.4g}" if are_square and is_part else ""


def _timed(sphere: Photosphere, contents: Contents, remarks: list[Remark]) -> Photosphere:
    """The sphere with a time: its own, else when its scan began, else when the file was made."""
    if sphere.taken_at:
        return sphere
    first = sphere.images[0]
    lacks = "has no acquisition time"
    if first.untimed:
        lacks = f"has an acquisition time that cannot be read ({first.untimed})"
    scanned = contents.scan_times.get(first.scan)
    time = scanned or contents.created_at
    if scanned is None or first.untimed:
        used = f"that of {'its scan' if scanned else 'the file'} is used"
        text = f"{lacks}; {used}" if time else f"{lacks}, nor has the file. Export it with times"
        remarks.append(Remark(sphere.name or first.label, first.untimed, text, image=sphere.index))
    return replace(sphere, taken_at=time)


def _remark_twins(images: Sequence[Image2D], remarks: list[Remark]) -> None:
    seen: dict[str, Image2D] = {}
    for image in images:
        first = seen.setdefault(image.guid, image)
        if image.guid and first is not image:
            remarks.append(Remark(image.label, image.guid, f"has the same guid as {first.label}", image=image.index))


def _named(drafts: Sequence[Photosphere]) -> Iterable[Photosphere]:
    """Each sphere with its station id: from its name where that is unique, else its number in the file."""
    slugs = [slug(draft.name) for draft in drafts]
    counts = Counter(map(confusable_key, slugs))
    for draft, wanted in zip(drafts, slugs, strict=True):
        station = wanted
        if not is_id(wanted, STATION_LENGTH) or counts[confusable_key(wanted)] > 1:
            station = f"{wanted[:80] or 'image'}-{draft.index + 1:04d}"
            while confusable_key(station) in counts:
                station += "x"
        yield replace(draft, station=station, name=draft.name or station)
