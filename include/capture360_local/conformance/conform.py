"""Conformance run: send the cases to a sandbox and to a project, clean up, compare and record the answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from capture360.cdf.client import Connection
from capture360.errors import Capture360Error
from capture360_local.conformance.beside import sandbox_beside
from capture360_local.conformance.cases import cases_for
from capture360_local.conformance.cleanup import clean
from capture360_local.conformance.compare import Difference, differences
from capture360_local.conformance.project import Project
from capture360_local.conformance.run import OnCase, Result, Run
from capture360_local.conformance.scrub import Scrubber
from cdf_sandbox.core.options import ProjectMode

TIMEOUT_S = 60.0
"""How long lists, searches and uploads of a project may lag."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of a run; `stopped` is the reason of an early end, and `left` what could not be removed."""

    name: str
    project: Sequence[Result]
    sandbox: Sequence[Result]
    left: Sequence[str]
    stopped: str = ""

    @property
    def differences(self) -> Sequence[Difference]:
        """Differences between the project's answers and the sandbox's."""
        return differences(self.project, self.sandbox[: len(self.project)])

    @property
    def unexpected(self) -> Sequence[Result]:
        """Answers of the project that are not of the documented kind."""
        return [result for result in self.project if not result.is_expected]

    @property
    def is_clean(self) -> bool:
        """Whether every case was asked, answered as documented and as by the sandbox, and nothing was left."""
        return not (self.stopped or self.left or self.unexpected or self.differences)


def conform(connection: Connection, name: str, on_case: OnCase, *, timeout_s: float = TIMEOUT_S) -> Outcome:
    """Send the same cases to a sandbox and to the project, under the throwaway name `name`.

    The project is cleaned however the run ends. An interruption is in the outcome; a second one, which interrupts the
    cleaning, is raised.
    """
    mode = ProjectMode(connection.mode)
    cases = cases_for(mode)
    try:
        with sandbox_beside(mode) as own, Project(own) as sandbox:
            answered = Run(sandbox, name, timeout_s=timeout_s).ask(cases)
    except KeyboardInterrupt:
        return Outcome(name, (), (), (), stopped="It was interrupted before anything was asked of the project.")
    with Project(connection) as project:
        run = Run(project, name, timeout_s=timeout_s)
        stopped = ""
        try:
            run.ask(cases, on_case)
        except KeyboardInterrupt:
            stopped = f"It was interrupted after {len(run.results)} of {len(cases)} cases."
        except Capture360Error as error:
            if not run.touched:
                raise
            stopped = f"It ended after {len(run.results)} of {len(cases)} cases: {error}"
        left = clean(project, name, run.touched)
    return Outcome(name, run.results, answered, left, stopped)


def record(outcome: Outcome, connection: Connection, folder: Path) -> None:
    """Write a file for each case with its scrubbed request and both answers, and `differences.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    scrubber = Scrubber(connection, outcome.name)
    for number, (ours, theirs) in enumerate(zip(outcome.project, outcome.sandbox, strict=False), 1):
        pair = {
            "case": ours.case.name,
            "mode": connection.mode,
            "expected": str(ours.case.expected),
            "request": scrubber.request(ours),
            "project": scrubber.answer(ours),
            "sandbox": scrubber.answer(theirs),
        }
        _write(folder / f"{number:03}-{ours.case.name}.json", pair)
    _write(folder / "differences.json", [asdict(each) for each in outcome.differences])


def _write(file: Path, document: object) -> None:
    file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
