"""Panorama to cube faces side by side: CPU against a lower bound and py360convert, quality against a dense reference.

CPU seconds of one thread, best of three; the figures that matter are ratios of one run on one machine.

    python benchmarks/panorama.py [panorama width]
"""

from __future__ import annotations

import io
import math
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

import cv2
import numpy as np
import py360convert
from numpy.typing import NDArray
from PIL import Image

from capture360.geometry.projection import cube_faces, default_face_size, face_directions
from capture360.model import FaceName
from capture360.pictures.decoding import decode
from capture360.pictures.faces import FaceOptions, projected_faces
from capture360.pictures.jpeg import encode_jpeg
from figures import Figure, report

DEFAULT_WIDTH = 8192
QUALITY = 92
LETTERS = {"front": "F", "right": "R", "back": "B", "left": "L", "top": "U", "bottom": "D"}
Pixels = NDArray[np.uint8]


def picture(width: int) -> Pixels:
    """Lines, texture at several scales and grain, as on a plant's walls."""
    rng = np.random.default_rng(7)
    height = width // 2
    total = np.full((height, width, 3), 90.0, np.float32)
    for cells, weight in ((16, 60), (64, 40), (512, 30), (2048, 25)):
        noise = rng.random((cells // 2, cells, 3), dtype=np.float32) - 0.5
        total += weight * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    total += rng.normal(0, 3, total.shape).astype(np.float32)
    pixels = np.clip(total, 0, 255).astype(np.uint8)
    for number in range(60):
        x, y = int(rng.integers(width)), int(rng.integers(height // 4, 3 * height // 4))
        cv2.putText(pixels, f"10-PT-{number:04d}", (x, y), cv2.FONT_HERSHEY_SIMPLEX, width / 8192, (230, 230, 20), 2)
    return pixels


def cpu(work: Callable[[], object]) -> float:
    """Least CPU seconds of three runs, after one that fills the caches."""

    def once() -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    work()
    return min(once() for _ in range(3))


def by_peer(content: bytes, size: int) -> None:
    """The way that public guides show: py360convert between Pillow's codecs."""
    panorama = np.asarray(Image.open(io.BytesIO(content)))
    for face in py360convert.e2c(panorama, face_w=size, mode="bilinear", cube_format="dict").values():
        Image.fromarray(face).save(io.BytesIO(), "JPEG", quality=QUALITY)


def against_reference(panorama: Pixels, face: FaceName, size: int, *made: Pixels) -> list[float]:
    """PSNR in dB of faces against one whose every pixel is the mean of 4 x 4 bicubic samples, on four bands of it."""
    dense, rows = 4, size // 16
    height, width = panorama.shape[:2]
    pad = 8
    # Beyond a pole the picture goes on upside down, half a turn away.
    tall = np.concatenate([np.roll(panorama[:pad][::-1], width // 2, 1), panorama])
    tall = np.concatenate([tall, np.roll(panorama[-pad:][::-1], width // 2, 1)])
    wide = np.ascontiguousarray(np.concatenate([tall[:, -pad:], tall, tall[:, :pad]], axis=1))
    steps = (np.arange(size * dense) + 0.5) / (size * dense)
    errors = [0.0 for _ in made]
    for first in range(0, size, size // 4):
        v = steps[first * dense : (first + rows) * dense]
        uv = np.stack(np.broadcast_arrays(steps[np.newaxis, :], v[:, np.newaxis]), axis=-1)
        points = (panorama_points(face_directions(face, uv), width, height) + pad - 0.5).astype(np.float32)
        band = cv2.remap(wide, points[..., 0].copy(), points[..., 1].copy(), cv2.INTER_CUBIC)
        truth = band.reshape(rows, dense, size, dense, 3).mean(axis=(1, 3), dtype=np.float32)
        for number, pixels in enumerate(made):
            errors[number] += float(np.mean((pixels[first : first + rows] - truth) ** 2)) / 4
    return [10 * math.log10(255**2 / error) for error in errors]


def panorama_points(rays: np.ndarray, width: int, height: int) -> np.ndarray:
    """Panorama coordinates (..., 2) of rays (..., 3) of the cube frame; (0, 0) is the first pixel's outer corner."""
    x, y, z = -rays[..., 1], rays[..., 0], rays[..., 2]
    azimuth, elevation = np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))
    columns = (width / 2 - azimuth * width / (2 * math.pi)) % width
    return np.stack([columns, height / 2 - elevation * height / math.pi], axis=-1)


def peak_megabytes(content: bytes) -> float:
    """Peak memory of a process that converts a panorama three times."""
    program = (
        "import sys; from capture360.pictures.faces import projected_faces\n"
        "content = sys.stdin.buffer.read()\n"
        "for _ in range(3):\n    for face in projected_faces(content, 'p'): pass\n"
        "print(next(int(line.split()[1]) / 1024 for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    done = subprocess.run([sys.executable, "-c", program], input=content, capture_output=True, check=True)
    return float(done.stdout)


def main(width: int = DEFAULT_WIDTH) -> int:
    cv2.setNumThreads(1)
    pixels = picture(width)
    content, size = encode_jpeg(pixels, QUALITY), default_face_size(width)
    faces = dict(cube_faces(pixels))

    def lower_bound() -> None:
        decode(content)
        for face in faces.values():
            encode_jpeg(face, QUALITY)

    bound = cpu(lower_bound)
    ours = cpu(lambda: list(projected_faces(content, "p", FaceOptions(size, QUALITY))))
    peer = cpu(lambda: by_peer(content, size))
    theirs = py360convert.e2c(pixels, face_w=size, mode="bilinear", cube_format="dict")
    figures = [
        Figure("ours, decode to encoded faces, CPU", ours, "s"),
        Figure("ours / decode once and encode six, CPU", ours / bound, at_most=2.4),
        Figure("py360convert with Pillow / ours, CPU", peer / ours, at_least=2.0),
    ]
    goals: Mapping[FaceName, float] = {"front": 7.5, "top": 6.0}
    for face, goal in goals.items():
        mine, his = against_reference(pixels, face, size, faces[face], theirs[LETTERS[face]])
        figures.append(
            Figure(f"{face}: better than py360convert, against 4 x 4 samples", mine - his, "dB", at_least=goal)
        )
    figures.append(Figure("peak memory, one panorama after another", peak_megabytes(content), "MB", at_most=450))
    return report(f"Panorama {width} x {width // 2} to six faces of {size}", figures)


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:2])))
