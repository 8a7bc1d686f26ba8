"""Images of the room's six surfaces, all different, so that rotated and mirrored pictures are detected."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from capture360_local.plant.lettering import Rgb, mural
from capture360_local.plant.rotation import Floats

SCALE = 72  # pixels a metre


def _canvas(size: tuple[float, float], paint: Rgb, rng: np.random.Generator, grain: float = 5.0) -> Floats:
    """Painted plaster (height, width, 3): an even colour with blotches and grain."""
    width, height = round(size[0] * SCALE), round(size[1] * SCALE)
    coarse = rng.normal(0, 1, (height // 48 + 2, width // 48 + 2)).astype(np.float32)
    blotches = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    speckle = rng.normal(0, 1, (height, width)).astype(np.float32)
    plaster: Floats = np.asarray(paint, dtype=np.float32) + (np.asarray(blotches) * 5 + speckle * grain)[..., None]
    return plaster


def _image(canvas: Floats) -> Image.Image:
    return Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))


def _metres(canvas: Floats) -> tuple[Floats, Floats]:
    """Position of each pixel: metres from the left (1, width) and above the lower edge (height, 1)."""
    height, width = canvas.shape[:2]
    return (np.arange(width)[None, :] + 0.5) / SCALE, (height - np.arange(height)[:, None] - 0.5) / SCALE


def _dado(canvas: Floats, paint: Rgb) -> None:
    """A painted band to 1.1 m above the floor."""
    band = round(1.1 * SCALE)
    canvas[-band:] = canvas[-band:] * 0.25 + np.asarray(paint, dtype=np.float32) * 0.75
    canvas[-band - 4 : -band] *= 0.7


def brick_wall(size: tuple[float, float], word: str, rng: np.random.Generator) -> Image.Image:
    """Brick courses with a painted dado. `size` is (width, height) in metres."""
    canvas = _canvas(size, (168, 92, 70), rng)
    x, z = _metres(canvas)
    course = np.floor(z / 0.15).astype(int)
    shifted = x + 0.15 * (course % 2)
    tone = rng.normal(0, 9, (course.max() + 1, int(size[0] / 0.3) + 3)).astype(np.float32)
    canvas += tone[course, np.floor(shifted / 0.3).astype(int)][..., None]
    mortar = (z % 0.15 < 0.018) | (shifted % 0.3 < 0.018)
    canvas[mortar] = canvas[mortar] * 0.3 + np.float32(140)
    _dado(canvas, (206, 200, 186))
    return _written(canvas, word, (246, 238, 226))


def ribbed_wall(size: tuple[float, float], word: str, rng: np.random.Generator) -> Image.Image:
    """Sheet metal with vertical ribs every 33 cm and a roller door. `size` is (width, height) in metres."""
    canvas = _canvas(size, (86, 128, 176), rng, 3)
    x, z = _metres(canvas)
    canvas *= (0.9 + 0.1 * np.sin(2 * np.pi * x / 0.33) + 0 * z)[..., None]
    canvas[np.broadcast_to(np.abs(z - 3.4) < 0.02, canvas.shape[:2])] *= 0.6
    _dado(canvas, (52, 70, 96))
    image = _written(canvas, word, (250, 250, 250))
    _roller_door(image, size)
    return image


def panelled_wall(size: tuple[float, float], word: str, rng: np.random.Generator) -> Image.Image:
    """Panels of 2.4 by 1.2 m with windows. `size` is (width, height) in metres."""
    canvas = _canvas(size, (146, 172, 138), rng, 3)
    x, z = _metres(canvas)
    seam = (np.minimum(x % 2.4, z % 1.2) < 0.02) & (z > 1.1)
    canvas[seam] *= 0.72
    _dado(canvas, (92, 116, 88))
    image = _written(canvas, word, (30, 62, 40))
    _windows(image, size)
    return image


def block_wall(size: tuple[float, float], word: str, rng: np.random.Generator) -> Image.Image:
    """Concrete blocks of 0.8 by 0.4 m with a door. `size` is (width, height) in metres."""
    canvas = _canvas(size, (206, 182, 126), rng, 6)
    x, z = _metres(canvas)
    course = np.floor(z / 0.4).astype(int)
    joint = (z % 0.4 < 0.022) | ((x + 0.4 * (course % 2)) % 0.8 < 0.022)
    canvas[joint] *= 0.8
    _dado(canvas, (150, 118, 66))
    image = _written(canvas, word, (96, 54, 20))
    _door(image, size, size[0] * 0.3)
    return image


def floor(
    size: tuple[float, float], footprints: Sequence[Floats], aisles: Sequence[float], rng: np.random.Generator
) -> Image.Image:
    """Epoxy floor seen from above, north up, with walkway lines, a north arrow and soft shadows under `footprints`.

    A footprint is (west, south, east, north) in metres; `aisles` are the north coordinates of walkways.
    """
    canvas = _canvas(size, (150, 154, 152), rng, 4)
    x, y = _metres(canvas)
    canvas[(np.minimum(x % 4.0, y % 4.0) < 0.015)] *= 0.82
    image = _image(canvas)
    draw = ImageDraw.Draw(image)

    def at(east: float, north: float) -> tuple[float, float]:
        return east * SCALE, (size[1] - north) * SCALE

    for aisle in aisles:
        for edge in (aisle - 0.95, aisle + 0.95):
            draw.line([at(1.2, edge), at(size[0] - 1.2, edge)], fill=(232, 190, 40), width=7)
        for east in np.arange(3.0, size[0] - 2.0, 5.0):
            tip, west, right = at(east, aisle + 0.62), at(east - 0.3, aisle - 0.1), at(east + 0.3, aisle - 0.1)
            draw.polygon([tip, west, right], fill=(238, 238, 232))
            mural(draw, at(east, aisle - 0.42), "N", 26, (238, 238, 232))
    shade = Image.new("L", image.size, 0)
    stroke = ImageDraw.Draw(shade)
    for west, south, east, north in footprints:
        stroke.rectangle((*at(west - 0.12, north + 0.12), *at(east + 0.12, south - 0.12)), fill=150)
    shade = shade.filter(ImageFilter.GaussianBlur(0.22 * SCALE))
    return Image.composite(Image.new("RGB", image.size, (34, 36, 40)), image, shade)


def ceiling(size: tuple[float, float], rng: np.random.Generator) -> Image.Image:
    """Trapezoidal decking, seen from below with the north wall at the top of the image, east on its left."""
    canvas = _canvas(size, (186, 192, 202), rng, 3)
    x, _ = _metres(canvas)
    canvas *= (0.93 + 0.07 * np.sign(np.sin(2 * np.pi * x / 0.5)))[..., None]
    image = _image(canvas)
    draw = ImageDraw.Draw(image)
    for down in (0.42, 0.66):
        for left in np.arange(1.75, size[0], 3.5):
            mural(draw, (left * SCALE, image.height * down), "UP", 44, (84, 92, 106))
    return image


def lamp() -> Image.Image:
    """Ceiling lamp seen from below."""
    image = Image.new("RGB", (160, 40), (255, 253, 244))
    ImageDraw.Draw(image).rectangle((0, 0, 159, 39), outline=(214, 214, 206), width=4)
    return image


def _written(canvas: Floats, word: str, ink: Rgb) -> Image.Image:
    """The wall's name high on the wall, repeated along it with bay numbers, and a height mark."""
    image = _image(canvas)
    draw = ImageDraw.Draw(image)
    bays = max(1, round(image.width / SCALE / 9))
    for bay in range(bays):
        middle = image.width * (bay + 0.5) / bays
        mural(draw, (middle, image.height * 0.27), f"{word} {bay + 1}", 58, ink)
    return image


def _roller_door(image: Image.Image, size: tuple[float, float]) -> None:
    draw = ImageDraw.Draw(image)
    left, right, top = (0.36 * size[0] * SCALE, 0.62 * size[0] * SCALE, (size[1] - 3.3) * SCALE)
    draw.rectangle((left, top, right, image.height), fill=(196, 198, 196), outline=(40, 44, 50), width=8)
    for y in range(int(top) + 14, image.height, 14):
        draw.line((left + 8, y, right - 8, y), fill=(164, 166, 166), width=3)
    for step in range(12):
        edge = top + step * (image.height - top) / 12
        for x in (left - 18, right):
            draw.rectangle((x, edge, x + 18, edge + 20), fill=(240, 196, 24) if step % 2 else (24, 24, 24))


def _windows(image: Image.Image, size: tuple[float, float]) -> None:
    draw = ImageDraw.Draw(image)
    for start in np.arange(2.0, size[0] - 2.5, 4.5):
        box = (start * SCALE, (size[1] - 4.0) * SCALE, (start + 1.6) * SCALE, (size[1] - 2.75) * SCALE)
        draw.rectangle(box, fill=(190, 216, 234), outline=(60, 66, 70), width=6)
        middle = (box[0] + box[2]) / 2
        draw.line((middle, box[1], middle, box[3]), fill=(60, 66, 70), width=5)


def _door(image: Image.Image, size: tuple[float, float], middle: float) -> None:
    draw = ImageDraw.Draw(image)
    box = ((middle - 0.5) * SCALE, (size[1] - 2.1) * SCALE, (middle + 0.5) * SCALE, image.height)
    draw.rectangle(box, fill=(72, 94, 84), outline=(40, 44, 40), width=7)
    draw.ellipse(
        (box[2] - 26, image.height - 1.05 * SCALE, box[2] - 12, image.height - 1.05 * SCALE + 14), fill=(220, 210, 160)
    )
