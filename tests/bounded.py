"""A check of untrusted input in a process of its own, and what it cost there.

`check_within_limits(folder)` fails where the check needs more than 1 GB of resident memory or 60 CPU seconds, or ends
in anything but a verdict. Resident memory is what counts: libraries reserve far more address space than they touch.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 1_000_000_000
MOST_SECONDS = 60
_ADDRESS_SPACE = 12 << 30
"""Keeps a runaway allocation from taking the machine down; far above what the libraries reserve."""

_CHECK = """
import json, re, resource, sys
from pathlib import Path
from capture360.checks.check import check_capture
from capture360.landing.folder import CaptureFolder

validation = check_capture(CaptureFolder(sys.argv[1]))
used = resource.getrusage(resource.RUSAGE_SELF)
# Not ru_maxrss: a child starts with the peak of the process that it was forked from.
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
print(json.dumps({
    "verdict": validation.verdict.value,
    "headline": validation.headline,
    "messages": [[finding.rule, finding.message] for finding in validation.findings],
    "peak_bytes": peak,
    "cpu_seconds": used.ru_utime + used.ru_stime,
}))
"""


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
    done = subprocess.run(
        [sys.executable, "-c", _CHECK, str(folder)], capture_output=True, text=True, preexec_fn=_limit, check=False
    )
    assert done.returncode == 0, f"the check of {folder} ended with {done.returncode}: {done.stderr[-2000:]}"
    told = json.loads(done.stdout.splitlines()[-1])
    messages = [(rule, message) for rule, message in told["messages"]]
    outcome = Checked(told["verdict"], told["headline"], messages, told["peak_bytes"], told["cpu_seconds"])
    cost = f"{outcome.peak_bytes / 1e6:,.0f} MB and {outcome.cpu_seconds:.0f} CPU seconds"
    assert outcome.peak_bytes <= most_bytes, f"the check of {folder} took {cost}"
    assert outcome.cpu_seconds <= most_seconds, f"the check of {folder} took {cost}"
    return outcome


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS + 5, MOST_SECONDS + 10))
