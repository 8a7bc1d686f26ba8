"""A large E57 file from its verdict into CDF: memory of the process at two sizes, and CPU against SHA-256 of the file.

The sandbox serves in a process of its own. Peak memory must not grow with the file.

    python benchmarks/e57_upload.py [megabytes]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e57 import IMAGES, sample, sha256
from figures import Figure, report

DEFAULT_MEGABYTES = 1000
SMALL = 10
"""The smaller file is so many times smaller."""

CHILD = """
import json, sys, time
from pathlib import Path
from capture360.cdf.client import CdfProject, Connection
from capture360.cdf.three_d.journals import LargeFile
from capture360.cdf.three_d.uploads import LargeUploads
from capture360.e57 import preflight, verify
from capture360.settings.files import FileSettings
path, connection, journals = (Path(argument) for argument in sys.argv[1:4])

def memory():
    return next(int(line.split()[1]) / 1024 for line in open('/proc/self/status') if line.startswith('VmHWM'))

cdf = CdfProject(Connection.from_file(connection))
cdf.client.files.list(limit=1)
measured = {"before": memory()}
start = time.process_time()
found = preflight(path)
measured |= {"preflight": time.process_time() - start, "usable": len(found.photospheres)}
start = time.process_time()
checked = verify(path)
assert checked.finding is None
measured |= {"verify": time.process_time() - start, "verified": memory()}
file = LargeFile(path.stem, path.name, "model/e57", path.stat().st_size, checked.sha256)
start, wall = time.process_time(), time.monotonic()
LargeUploads(cdf, FileSettings(), lambda line: None, journals).put(file, lambda: path.open("rb"))
measured |= {"upload": time.process_time() - start, "wall": time.monotonic() - wall, "uploaded": memory()}
print(json.dumps(measured))
"""


def measured(path: Path, connection: Path) -> dict[str, float]:
    """What a process of its own needed to judge, check and upload the file."""
    with tempfile.TemporaryDirectory() as journals:
        os.chmod(journals, 0o700)
        command = [sys.executable, "-c", CHILD, str(path), str(connection), journals]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


@contextmanager
def sandbox(folder: Path) -> Iterator[Path]:
    """The connection file of a sandbox that runs in its own process."""
    program = Path(sys.executable).with_name("capture360")
    command = [str(program), "sandbox", "--port", "0", "--data", str(folder), "--no-rate-limits"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    connection = folder / "connection.json"
    try:
        while not connection.exists():
            if process.poll() is not None:
                raise RuntimeError("the sandbox did not start")
            time.sleep(0.1)  # the sandbox, another process, writes the file when it serves
        yield connection
    finally:
        process.terminate()
        process.wait()


def main(megabytes: int = DEFAULT_MEGABYTES) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        small, large = Path(scratch, "small.e57"), Path(scratch, "large.e57")
        sample(small, megabytes // SMALL)
        sample(large, megabytes)
        with sandbox(Path(scratch, "cdf")) as connection:
            one, ten = measured(small, connection), measured(large, connection)
        start = time.process_time()
        sha256(large)
        digest = time.process_time() - start
    assert one["usable"] == ten["usable"] == IMAGES
    return report(
        f"An E57 file of {megabytes:,} MB into the local CDF",
        [
            Figure("peak memory", ten["uploaded"], "MB"),
            Figure("growth of peak memory, ten times the file", ten["uploaded"] / one["uploaded"], at_most=1.1),
            Figure("memory before anything was read", ten["before"], "MB"),
            Figure("verdict on the file", ten["preflight"] * 1e3, "ms", at_most=1_000),
            Figure("check and SHA-256 / SHA-256 alone, CPU", ten["verify"] / digest),
            Figure("upload with SHA-256 / SHA-256 alone, CPU", ten["upload"] / digest),
            Figure("upload, wall clock", megabytes / ten["wall"], "MB/s"),
        ],
    )


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:2])))
