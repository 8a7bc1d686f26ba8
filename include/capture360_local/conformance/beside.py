"""A temporary sandbox on free ports, to compare a project with."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from capture360.cdf.client import Connection
from cdf_sandbox.core.options import FAST, Options, ProjectMode
from cdf_sandbox.core.server import serving_in_thread


@contextmanager
def sandbox_beside(mode: ProjectMode, assumptions: Mapping[str, Any] | None = None) -> Iterator[Connection]:
    """Serve a sandbox in a thread for the length of the block, without lags and rate limits.

    `assumptions` are further options of it.
    """
    with tempfile.TemporaryDirectory(prefix="c360-conformance-") as folder:
        options = Options(data=Path(folder), mode=mode, **{**FAST, **(assumptions or {})})
        with serving_in_thread(options) as (_, connection):
            yield Connection.from_mapping(connection | {"mode": mode.value}, "the sandbox")
