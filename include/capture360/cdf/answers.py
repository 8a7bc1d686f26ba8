"""Count what CDF and its file storage answer, by status, and keep their links out of logs.

The transports of the SDK and of direct requests log each answer at INFO with its whole address, upload links
included. A filter on their loggers reads the status from it and lets none of it pass. The SDK itself logs addresses at
DEBUG, at which its loggers never work.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Mapping

from typing_extensions import override

_TRANSPORTS = ("httpx", "httpx2")
_SDK = "cognite"
_STATUS = 3
"""Place of the status among the arguments of the transports' line."""

_counts: Counter[int] = Counter()
_lock = threading.Lock()


class _CountAndDrop(logging.Filter):
    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Count an answer; let warnings pass alone."""
        arguments = record.args
        status = arguments[_STATUS] if isinstance(arguments, tuple) and len(arguments) > _STATUS else None
        if isinstance(status, int):
            with _lock:
                _counts[status] += 1
        return record.levelno >= logging.WARNING


_FILTER = _CountAndDrop()


def count_answers() -> None:
    """Count the answers of this process from here on, each try of a request by itself."""
    for name in _TRANSPORTS:
        transport = logging.getLogger(name)
        transport.addFilter(_FILTER)  # adding a filter a second time has no effect
        transport.setLevel(logging.INFO)
    logging.getLogger(_SDK).setLevel(logging.INFO)


def take_counts() -> Mapping[int, int]:
    """Return the number of answers by status since the last call, and reset the counts."""
    with _lock:
        taken = dict(_counts)
        _counts.clear()
    return taken
