"""E57 files side by side: checking against SHA-256, listing, extracting against libE57 (pye57), peak memory.

CPU seconds of one process, best of three; the figures that matter are ratios of one run on one machine.

    python benchmarks/e57.py [megabytes]
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from capture360.e57 import PagedFile, picture_blocks, preflight, read_contents, verify
from capture360.e57.images import ScannerPose
from e57_writer import E57Writer
from figures import Figure, report

IMAGES = 80
DEFAULT_MEGABYTES = 256
BLOCK = 1 << 20


def sample(path: Path, megabytes: int) -> None:
    """A file of 80 panoramas of equal size; the pixels are noise, the headers are a JPEG's."""
    head = bytes.fromhex("ffd8ffc0001108") + (4096).to_bytes(2) + (8192).to_bytes(2)
    head += bytes.fromhex("03012200021101031101") + bytes.fromhex("ffda000c03010002110311003f00")
    rng = np.random.default_rng(1)
    length = megabytes * 1_000_000 // IMAGES
    with path.open("wb") as stream, E57Writer(stream) as writer:
        for number in range(IMAGES):
            noise = rng.integers(0, 255, length - len(head) - 2, np.uint8).tobytes()
            pose = ScannerPose((1.0, 0.0, 0.0, 0.0), (number, 0.0, 0.0))
            writer.add_spherical(head + noise + b"\xff\xd9", name=f"Scan {number}", pose=pose)


def cpu(work: Callable[[], object]) -> float:
    """Least CPU seconds of three runs."""

    def once() -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return min(once() for _ in range(3))


def sha256(path: Path) -> None:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)


def extract(path: Path, folder: Path) -> None:
    """Every page checked, then every picture written to a file, its pages checked again on the way."""
    assert verify(path, sha256=False).finding is None
    with path.open("rb") as stream:
        file = PagedFile(stream, path.name)
        for image in read_contents(file).images:
            blob = image.representations[0].blob
            assert blob is not None
            with (folder / f"{image.index}.jpg").open("wb") as out:
                for block in picture_blocks(file, blob):
                    out.write(block)


def extract_by_peer(path: Path, folder: Path) -> None:
    """The same by libE57 with all checksums on, a megabyte at a time."""
    from pye57 import libe57

    file = libe57.ImageFile(str(path), "r")
    images = file.root()["images2D"]
    buffer = np.zeros(BLOCK, np.uint8)
    for number in range(images.childCount()):
        node = images[number]["sphericalRepresentation"]["jpegImage"]
        left, start = node.byteCount(), 0
        with (folder / f"{number}.jpg").open("wb") as out:
            while left:
                count = min(left, BLOCK)
                node.read(buffer, start, count)
                out.write(buffer[:count].data)
                left, start = left - count, start + count
    file.close()


def copied(path: Path, folder: Path) -> None:
    shutil.copyfile(path, folder / "copy")


def peak_megabytes(path: Path) -> float:
    """Peak memory of a process that judges, checks and extracts the file."""
    program = (
        "import sys, tempfile; from pathlib import Path; sys.path.insert(0, sys.argv[2]); import e57\n"
        "path = Path(sys.argv[1]); e57.preflight(path)\n"
        "with tempfile.TemporaryDirectory() as folder: e57.extract(path, Path(folder))\n"
        "print(next(int(line.split()[1]) / 1024 for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    here = str(Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", program, str(path), here], capture_output=True, text=True, check=True)
    return float(done.stdout)


def main(megabytes: int = DEFAULT_MEGABYTES) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        path, out = Path(scratch, "scan.e57"), Path(scratch, "out")
        out.mkdir()
        sample(path, megabytes)
        size = path.stat().st_size / 1e6
        digest, checked = cpu(lambda: sha256(path)), cpu(lambda: verify(path, sha256=False))
        both = cpu(lambda: verify(path))
        listing = cpu(lambda: preflight(path))
        ours, peer = cpu(lambda: extract(path, out)), cpu(lambda: extract_by_peer(path, out))
        copy = cpu(lambda: copied(path, out))
        return report(
            f"E57 of {size:,.0f} MB with {IMAGES} panoramas",
            [
                Figure("check every page / SHA-256 of the file, CPU", checked / digest, at_most=0.45),
                Figure("check and SHA-256 in one pass / both in turn, CPU", both / (checked + digest)),
                Figure("judge the file and its pictures' headers", listing * 1e3, "ms", at_most=1_000),
                Figure("libE57 / ours: check and extract everything, CPU", peer / ours, at_least=2.6),
                Figure("check and extract / copying the file, CPU", ours / copy),
                Figure("peak memory of judging, checking and extracting", peak_megabytes(path), "MB", at_most=100),
            ],
        )


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:2])))
