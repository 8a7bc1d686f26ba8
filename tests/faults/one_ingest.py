"""One ingest in a process of its own, which is gone without a word after write number N: DATA ROOT KEY N."""

import os
import sys
from pathlib import Path

from capture360.cdf.client import CdfProject, Connection
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.steps.context import StepContext
from capture360.steps.ingest import ingest
from captures import small_site
from writes import Writes, watched


def main(data: str, root: str, key: str, number: str) -> None:
    connection = Connection.from_file(Path(data) / "connection.json")
    ctx = StepContext(
        small_site(Path(root) / "landing"), Records(f"{root}/records"), CdfProject(connection), "gone", print
    )
    with watched(Writes(int(number), lambda: os._exit(137))):
        ingest(ctx, CaptureKey.parse(key))


if __name__ == "__main__":
    main(*sys.argv[1:])
