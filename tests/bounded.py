"""A check of untrusted input in a process of its own, and what it cost there.

`check_within_limits(folder)` fails where the check needs more than 1 GB of resident memory or 60 CPU seconds, or ends
in anything but a verdict. Resident memory is what counts: libraries reserve far more address space than they touch.
"""

from __future__ import annotations

import multiprocessing
import resource
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from capture360.checks.check import check_capture
from capture360.landing.folder import CaptureFolder

MOST_BYTES = 1_000_000_000
MOST_SECONDS = 60
_ADDRESS_SPACE = 12 << 30
"""Keeps a runaway allocation from taking the machine down; far above what the libraries reserve."""

_FORKED = multiprocessing.get_context("forkserver")
"""Has imported what a check imports, which takes longer than most checks; each check is a fork of it."""
_FORKED.set_forkserver_preload(["great_expectations", "capture360.checks.check"])


@dataclass(frozen=True)
class Checked:
    """The verdict of a check and its headline, the sentences of each rule, and what it cost."""

    verdict: str
    headline: str
    messages: list[tuple[str, str]]
    peak_bytes: int
    cpu_seconds: float

    def said(self, rule: str) -> list[str]:
        return [message for name, message in self.messages if name == rule]


def check_within_limits(folder: Path, *, most_bytes: int = MOST_BYTES, most_seconds: int = MOST_SECONDS) -> Checked:
    """The outcome of `capture360 check` on the capture in `folder`, whose check must keep the limits."""
    receiver, sender = _FORKED.Pipe(duplex=False)
    process = _FORKED.Process(target=_check, args=(str(folder), sender))
    process.start()
    sender.close()
    try:
        told = receiver.recv()
    except EOFError:
        process.join()
        raise AssertionError(f"the check of {folder} ended with {process.exitcode}") from None
    process.join()
    assert isinstance(told, Checked), f"the check of {folder} raised {told}"
    cost = f"{told.peak_bytes / 1e6:,.0f} MB and {told.cpu_seconds:.0f} CPU seconds"
    assert told.peak_bytes <= most_bytes, f"the check of {folder} took {cost}"
    assert told.cpu_seconds <= most_seconds, f"the check of {folder} took {cost}"
    return told


def _check(folder: str, sender: Connection) -> None:
    """Send the outcome of the check, or what it raised."""
    _limit()
    with sender:
        try:
            validation = check_capture(CaptureFolder(folder))
        except BaseException:
            sender.send(traceback.format_exc()[-2000:])
            raise
        used = resource.getrusage(resource.RUSAGE_SELF)
        # Not ru_maxrss: a child starts with the peak of the process that it was forked from.
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        sender.send(
            Checked(
                validation.verdict.value,
                validation.headline,
                [(finding.rule, finding.message) for finding in validation.findings],
                int(status["VmHWM"].split()[0]) * 1024,
                used.ru_utime + used.ru_stime,
            )
        )


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS + 5, MOST_SECONDS + 10))
