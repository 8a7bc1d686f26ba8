"""Replay of a recorded conformance run: the same cases to a sandbox, compared with the project's answers."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from capture360.errors import ConfigError
from capture360_local.conformance.beside import sandbox_beside
from capture360_local.conformance.cases import cases_for
from capture360_local.conformance.compare import Difference, differences
from capture360_local.conformance.conform import TIMEOUT_S
from capture360_local.conformance.project import Answer, Project
from capture360_local.conformance.run import OnCase, Result, Run, new_name
from capture360_local.conformance.scrub import Scrubber
from cdf_sandbox.core.options import ProjectMode


@dataclass(frozen=True, slots=True)
class Replay:
    """Result of a replay; `passed_over` maps recorded cases that were not compared to the reason."""

    compared: int
    differences: Sequence[Difference]
    passed_over: Mapping[str, str]

    @property
    def by_kind(self) -> Mapping[str, Sequence[Difference]]:
        """The differences by kind."""
        found: defaultdict[str, list[Difference]] = defaultdict(list)
        for each in self.differences:
            found[kind_of(each)].append(each)
        return dict(sorted(found.items()))


def kind_of(difference: Difference) -> str:
    """Name the kind of a difference."""
    if difference.where == "status":
        return "another status"
    if difference.sandbox == "absent":
        return "a field that only the project has"
    if difference.project == "absent":
        return "a field that only the sandbox has"
    return "another type"


def replay(folder: Path, on_case: OnCase, assumptions: Mapping[str, Any] | None = None) -> Replay:
    """Compare the answers in `folder`, as `doctor --conformance --out` wrote them, with those of a sandbox.

    `assumptions` are options of the sandbox. Raises `ConfigError` for a folder that holds no such answers.
    """
    mode, recorded = _read(folder)
    name = new_name()
    with sandbox_beside(mode, assumptions) as connection, Project(connection) as project:
        asked = Run(project, name, timeout_s=TIMEOUT_S).ask(cases_for(mode), on_case)
        scrubber = Scrubber(connection, name)
    pairs: list[tuple[Result, Result]] = []
    passed_over = dict.fromkeys(recorded, "there is no case of this name any more")
    for result in asked:
        request, answer = scrubber.request(result), scrubber.answer(result)
        pair = recorded.get(result.case.name)
        if pair is None:
            continue
        if pair["request"] != json.loads(json.dumps(request)):
            passed_over[result.case.name] = "the case sends another request now"
        elif pair["project"] is None or answer is None:
            passed_over[result.case.name] = "it was not asked, for want of an earlier answer"
        else:
            del passed_over[result.case.name]
            pairs.append((_answered(result, pair["project"]), _answered(result, answer)))
    found = differences([theirs for theirs, _ in pairs], [ours for _, ours in pairs])
    return Replay(len(pairs), found, passed_over)


def _answered(result: Result, answer: Mapping[str, Any]) -> Result:
    return replace(result, answer=Answer(answer["status"], answer["body"]), in_time=answer["in_time"])


def _answer(recorded: Mapping[str, Any] | None) -> Answer | None:
    """Return a recorded answer; None where nothing was asked."""
    if recorded is None:
        return None
    if not isinstance(recorded["status"], int) or not isinstance(recorded["in_time"], bool):
        raise ValueError("status or in_time is of another type")
    return Answer(recorded["status"], recorded["body"])


def _read(folder: Path) -> tuple[ProjectMode, Mapping[str, Mapping[str, Any]]]:
    """Return the mode of the project, and the pairs by the names of their cases."""
    files = [file for file in sorted(folder.glob("*.json")) if file.name != "differences.json"]
    recorded: dict[str, Mapping[str, Any]] = {}
    modes = set()
    for file in files:
        try:
            pair = json.loads(file.read_text(encoding="utf-8"))
            modes.add(ProjectMode(pair["mode"]))
            _ = pair["request"], _answer(pair["project"])
            recorded[pair["case"]] = pair
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"{file} is no recorded answer ({error}). Name a folder that"
                " capture360 doctor --conformance --out FOLDER wrote."
            ) from None
    if len(modes) != 1:
        raise ConfigError(
            f"{folder} holds {'no recorded answers' if not modes else 'answers of projects of several modes'}."
            " Name a folder that one capture360 doctor --conformance --out FOLDER wrote."
        )
    return modes.pop(), recorded
