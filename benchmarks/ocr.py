"""Own OCR against the engine's default settings: CPU seconds a face and plates read, on the same drawn faces.

`python benchmarks/ocr.py` draws four faces; `--full` twenty. The defaults use every core,
and the waiting of their threads is CPU time too.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from rapidocr import RapidOCR

from capture360.detection.legibility import MIN_CAP_PX
from capture360.detection.ocr import OcrEngine
from capture360.matching.normalise import key
from figures import Figure, report
from synthetic_tags import tag_plant

SIZE = 2_048
PLATES = 8
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class DrawnFace:
    """A face and the plates on it: text and height of a capital letter in pixels."""

    pixels: Pixels
    plates: list[tuple[str, float]]


def drawn_face(seed: int) -> DrawnFace:
    """Plates of many sizes, some turned or tilted, before pipes, gratings and noise, softened as a lens does."""
    chance = random.Random(seed)
    noise = np.random.default_rng(seed)
    coarse = noise.integers(60, 170, (16, 16, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(60):
        x, y, shade = chance.randrange(SIZE), chance.randrange(SIZE), chance.randrange(40, 220)
        end = (x, chance.randrange(SIZE)) if chance.random() < 0.5 else (chance.randrange(SIZE), y)
        draw.line((x, y, *end), fill=(shade, shade, shade), width=chance.choice((3, 6, 20, 40)))
    tags = tag_plant(seed, 300, 1).tags
    plates = []
    for place in chance.sample(range(25), PLATES):
        text, cap = chance.choice(tags), chance.choice((9, 11, 14, 18, 24, 32))
        font = ImageFont.load_default(cap / 0.72)
        box = draw.textbbox((0, 0), text, font=font)
        plate = Image.new("RGB", (int(box[2] + cap * 1.6), int(box[3] + cap)), chance.choice(("white", "#e8d44d")))
        ImageDraw.Draw(plate).text((cap * 0.8, cap * 0.3), text, font=font, fill="black")
        plate = plate.rotate(chance.choice((0, 0, 0, 0, 4, -6, 90)), expand=True, resample=Image.Resampling.BICUBIC)
        image.paste(plate, (20 + place % 5 * 400, 20 + place // 5 * 400))
        plates.append((text, float(cap)))
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(0.6)), dtype=np.int16)
    return DrawnFace(np.clip(soft + noise.normal(0, 4, soft.shape), 0, 255).astype(np.uint8), plates)


def measured(readers: Sequence[Callable[[Pixels], list[str]]], faces: list[DrawnFace]) -> list[tuple[float, float]]:
    """(CPU seconds a face, share of the legible plates read exactly) of each reader; the first face warms up.

    They take turns at each face, so that what else the machine does slows all of them.
    """
    seconds, found = [0.0] * len(readers), [0] * len(readers)
    for read in readers:
        read(faces[0].pixels)
    for face in faces:
        for number, read in enumerate(readers):
            started = time.process_time()
            texts = read(face.pixels)
            seconds[number] += time.process_time() - started
            keys = {key(text) for text in texts}
            found[number] += sum(key(text) in keys for text in _legible(face))
    legible = sum(len(_legible(face)) for face in faces)
    return [(each / len(faces), right / legible) for each, right in zip(seconds, found, strict=True)]


def _legible(face: DrawnFace) -> list[str]:
    return [text for text, cap in face.plates if cap >= MIN_CAP_PX]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="twenty faces instead of four")
    faces = [drawn_face(seed) for seed in range(2_001, 2_021 if parser.parse_args().full else 2_005)]
    default = RapidOCR(params={"Global.log_level": "error"})
    tuned = OcrEngine()
    (default_cpu, default_recall), (tuned_cpu, tuned_recall) = measured(
        [
            lambda pixels: list(default(pixels[:, :, ::-1]).txts or ()),
            lambda pixels: [line.text for line in tuned.read(pixels)],
        ],
        faces,
    )
    legible = sum(len(_legible(face)) for face in faces)
    print(f"{len(faces)} faces of {SIZE} pixels, {legible} plates with capitals of {MIN_CAP_PX} pixels or more")
    print(f"  engine's defaults   {default_cpu:5.2f} CPU s a face   {default_recall:.3f} read exactly")
    print(f"  capture360          {tuned_cpu:5.2f} CPU s a face   {tuned_recall:.3f} read exactly")
    return report(
        f"Reading {len(faces)} faces of {SIZE}",
        [
            Figure("ours / engine's defaults, CPU a face", tuned_cpu / default_cpu, at_most=0.3),
            Figure("ours, CPU a face", tuned_cpu, "s"),
            Figure("legible plates read exactly, ours - defaults", tuned_recall - default_recall, at_least=-0.02),
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
