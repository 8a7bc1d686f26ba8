"""Images of tag plates, signs and dials. The font is Pillow's own, so that results do not depend on the system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Style:
    """Style of a plate: paint, ink, and optional border."""

    paint: Rgb
    ink: Rgb
    border: Rgb | None = None


WHITE = Style((242, 242, 236), (18, 20, 24), (18, 20, 24))
YELLOW = Style((246, 200, 30), (20, 18, 14), (20, 18, 14))
STEEL = Style((182, 186, 190), (30, 32, 36))
BLACK = Style((28, 30, 34), (240, 240, 236), (240, 240, 236))
BLUE = Style((22, 78, 150), (246, 248, 250), (246, 248, 250))
GREEN = Style((14, 120, 72), (246, 250, 246), (246, 250, 246))
RED = Style((186, 30, 34), (250, 246, 244), (250, 246, 244))

CAP_PIXELS = 72
"""Height of a capital letter in the texture of a plate."""


@lru_cache
def font(cap_pixels: int) -> ImageFont.FreeTypeFont:
    """Return the font whose capital H is `cap_pixels` high."""
    probe = _sized(200)
    _, top, _, bottom = probe.getbbox("H")
    return _sized(round(200 * cap_pixels / (bottom - top)))


def _sized(size: int) -> ImageFont.FreeTypeFont:
    loaded = ImageFont.load_default(size)
    if not isinstance(loaded, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType, so there is no scalable font. Install its wheel.")
    return loaded


def plate(lines: Sequence[str], style: Style, small_print: str = "") -> tuple[Image.Image, float]:
    """Draw a plate with centred `lines` and a smaller last line; return it with its height in cap heights."""
    letters, note = font(CAP_PIXELS), font(CAP_PIXELS // 2)
    margin, pitch = int(CAP_PIXELS * 0.65), int(CAP_PIXELS * 1.55)
    width = max(int(letters.getlength(line)) + 6 for line in lines)
    if small_print:
        width = max(width, int(note.getlength(small_print)))
    width += 2 * margin
    height = 2 * margin + CAP_PIXELS + pitch * (len(lines) - 1) + (int(CAP_PIXELS * 1.05) if small_print else 0)
    image = Image.new("RGB", (width, height), style.paint)
    draw = ImageDraw.Draw(image)
    if style.border:
        draw.rectangle((10, 10, width - 11, height - 11), outline=style.border, width=5)
    for number, line in enumerate(lines):
        baseline = margin + CAP_PIXELS + pitch * number
        draw.text((width / 2, baseline), line, style.ink, letters, anchor="ms", stroke_width=2, stroke_fill=style.ink)
    if small_print:
        draw.text((width / 2, height - margin), small_print, style.ink, note, anchor="ms")
    for x in (22, width - 23):
        draw.ellipse((x - 6, height // 2 - 6, x + 6, height // 2 + 6), fill=tuple(int(c * 0.6) for c in style.paint))
    return image, height / CAP_PIXELS


def dial(reading: float) -> Image.Image:
    """The face of a pressure gauge, `reading` in 0..1."""
    image = Image.new("RGB", (160, 160), (236, 236, 230))
    draw = ImageDraw.Draw(image)
    draw.ellipse((2, 2, 157, 157), fill=(250, 250, 248), outline=(40, 40, 44), width=7)
    draw.arc((22, 22, 138, 138), 140, 140 + 260, fill=(30, 30, 30), width=4)
    draw.arc((22, 22, 138, 138), 350, 400, fill=(200, 30, 30), width=8)
    draw.pieslice((26, 26, 134, 134), 138 + 260 * reading, 142 + 260 * reading, fill=(180, 20, 20))
    draw.ellipse((70, 70, 90, 90), fill=(40, 40, 44))
    return image


def mural(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, cap_pixels: int, ink: Rgb) -> None:
    """Large letters painted on a wall, centred on `at`."""
    draw.text(at, text, ink, font(cap_pixels), anchor="mm", stroke_width=max(1, cap_pixels // 18), stroke_fill=ink)
