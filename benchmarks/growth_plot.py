"""Draw the growth of all steps as one SVG picture: CPU seconds over stations, both logarithmic, a panel a mode."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

Measured = dict[str, Any]
"""What a size took: `took` by step, with its CPU seconds, and `peak_mb`."""
STEPS = ("validate", "faces", "publish", "detect", "match", "annotate", "review", "reconcile", "retract")
COLOURS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#97bbf5", "#9c6b4e")
WIDTH, HEIGHT = 330, 380
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 34, 40
LEAST, MOST = 0.01, 1_000.0
"""Seconds."""


def drawn(found: Mapping[str, Mapping[int, Measured]]) -> str:
    """Return the picture; dashed lines are in proportion to the stations."""
    panels = [f'<g transform="translate({number * WIDTH} 0)">{_panel(mode, found[mode])}</g>'
              for number, mode in enumerate(found)]  # fmt: skip
    width, height = WIDTH * len(panels), HEIGHT + 44
    legend = "".join(
        f'<g transform="translate({LEFT + 72 * number} {HEIGHT + 18})">'
        f'<rect width="10" height="10" fill="{colour}"/><text x="13" y="9">{step}</text></g>'
        for number, (step, colour) in enumerate(zip(STEPS, COLOURS, strict=True))
    )
    width = max(width, LEFT + 72 * len(STEPS) + RIGHT)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>'
        f"{''.join(panels)}{legend}</svg>\n"
    )


def _panel(mode: str, at: Mapping[int, Measured]) -> str:
    sizes = sorted(at)
    lines = [
        _line([(size, at[size]["took"][step]["CPU"]) for size in sizes], sizes, colour)
        for step, colour in zip(STEPS, COLOURS, strict=True)
    ]
    return (
        f'<text x="{LEFT}" y="20" font-weight="bold">{escape(mode.replace("_", " "))}: CPU seconds</text>'
        f"{''.join(_axes(sizes))}{''.join(lines)}"
    )


def _axes(sizes: Sequence[int]) -> Iterator[str]:
    yield f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - TOP - BOTTOM}" fill="none" stroke="#888"/>'  # noqa: E501 - one element
    for size in sizes:
        x = _x(size, sizes)
        yield f'<text x="{x:.0f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{size:,}</text>'
    yield f'<text x="{(WIDTH + LEFT) / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">stations</text>'
    for power in range(round(math.log10(LEAST)), round(math.log10(MOST)) + 1):
        y = _y(10.0**power)
        yield f'<text x="{LEFT - 5}" y="{y + 4:.0f}" text-anchor="end">{10.0**power:g}</text>'
        start, end = (sizes[0], 10.0**power), (sizes[-1], 10.0**power * sizes[-1] / sizes[0])
        if end[1] <= MOST:
            yield (f'<path d="{_path([start, end], sizes)}" stroke="#bbb" stroke-dasharray="3 4" fill="none"/>')


def _line(points: Sequence[tuple[int, float]], sizes: Sequence[int], colour: str) -> str:
    dots = "".join(
        f'<circle cx="{_x(size, sizes):.1f}" cy="{_y(value):.1f}" r="2.5" fill="{colour}"/>' for size, value in points
    )
    return f'<path d="{_path(points, sizes)}" stroke="{colour}" stroke-width="1.8" fill="none"/>{dots}'


def _path(points: Sequence[tuple[int, float]], sizes: Sequence[int]) -> str:
    return "M" + "L".join(f"{_x(size, sizes):.1f} {_y(value):.1f}" for size, value in points)


def _x(size: int, sizes: Sequence[int]) -> float:
    share = math.log(size / sizes[0]) / math.log(sizes[-1] / sizes[0]) if len(sizes) > 1 else 0.5
    return LEFT + 14 + share * (WIDTH - LEFT - RIGHT - 34)


def _y(value: float) -> float:
    share = math.log(min(MOST, max(LEAST, value)) / LEAST) / math.log(MOST / LEAST)
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
