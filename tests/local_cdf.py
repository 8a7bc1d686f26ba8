"""A sandbox on free ports in this process, used through the SDK, for every test that needs CDF."""

import time
from collections.abc import Callable
from typing import TypeVar

from cognite.client import global_config

from cdf_sandbox.testing import RunningSandbox, fast_options, run_sandbox

__all__ = ["RunningSandbox", "eventually", "fast_options", "run_sandbox"]

global_config.disable_pypi_version_check = True
global_config.silence_feature_preview_warnings = True

T = TypeVar("T")


def eventually(look: Callable[[], T | None], seconds: float = 30) -> T:
    """What `look` returns once that is not None; fails when it does not come in time."""
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)
    return found
