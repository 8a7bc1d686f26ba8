"""All pictures of a scene in one flat array with mipmaps, sampled many at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from capture360_local.plant.caster import Numbers
from capture360_local.plant.rotation import Floats

LEVELS = 7


class Atlas:
    """Bilinear lookups in many textures; each level halves the one before (a mipmap)."""

    def __init__(self, images: Sequence[Image.Image]) -> None:
        entries: list[tuple[int, int, int]] = []  # width, height, first texel
        texels: list[npt.NDArray[np.uint8]] = []
        count = 0
        for image in images:
            level = image.convert("RGB")
            for number in range(LEVELS):
                if number and min(level.size) < 4:
                    entries.append(entries[-1])
                    continue
                level = level.reduce(2) if number else level
                entries.append((*level.size, count))
                texels.append(np.asarray(level).reshape(-1, 3))
                count += level.width * level.height
        shape = (len(images), LEVELS)
        self._texels = np.concatenate(texels)
        self._width, self._height, self._start = np.array(entries, dtype=np.int32).T.reshape(3, *shape)

    def texel_width(self, texture: Numbers) -> Numbers:
        """Texels across (n,) of the finest level of the textures (n,)."""
        width: Numbers = self._width[texture, 0]
        return width

    def sample(self, texture: Numbers, across: Floats, down: Floats, level: Numbers) -> Floats:
        """Colours (n, 3) in 0..255 at (across, down) in 0..1 from the top left corner."""
        level = np.clip(level, 0, LEVELS - 1)
        width, height = self._width[texture, level], self._height[texture, level]
        start = self._start[texture, level]
        x = np.clip(across * width - 0.5, 0, width - 1).astype(np.float32)
        y = np.clip(down * height - 0.5, 0, height - 1).astype(np.float32)
        column, row = x.astype(np.int32), y.astype(np.int32)
        next_column, next_row = np.minimum(column + 1, width - 1), np.minimum(row + 1, height - 1)
        x, y = (x - column)[:, None], (y - row)[:, None]
        upper, lower = start + row * width, start + next_row * width
        top = self._texels[upper + column] * (1 - x) + self._texels[upper + next_column] * x
        bottom = self._texels[lower + column] * (1 - x) + self._texels[lower + next_column] * x
        colours: Floats = top * (1 - y) + bottom * y
        return colours
