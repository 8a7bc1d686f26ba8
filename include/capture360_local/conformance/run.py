"""A run of cases in one project, in sequence."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from capture360_local.conformance.case import ANYTHING, Case, at, filled
from capture360_local.conformance.project import Answer, Project

NAME_PREFIX = "c360_conformance_"
_NAME = re.compile(rf"{NAME_PREFIX}[0-9a-f]{{12}}")
_UNKNOWN_ID = 2**53 - 1
_PAUSE_S = 0.25

OnCase = Callable[[str, int, int], None]
"""Called with each case: its name, its number, and the number of cases."""


def new_name() -> str:
    """Return a new run name, which names its throwaway space and begins all its external ids."""
    return NAME_PREFIX + secrets.token_hex(6)


def is_name(text: str) -> bool:
    """Return whether `new_name` can have made it. Nothing else is ever cleaned."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Result:
    """A case with its answer. Without one, `skipped` names the missing value of an earlier case.

    `in_time` is False if a lagging answer did not reach the expected value in time.
    """

    case: Case
    path: str
    body: Any
    answer: Answer | None
    skipped: str = ""
    in_time: bool = True

    @property
    def is_expected(self) -> bool:
        """Whether the answer is of the documented kind."""
        if self.answer is None or not self.in_time or self.answer.status != self.case.expected.status:
            return False
        error = at(self.answer.body, "error")
        return self.case.expected.error_fields <= set(error if isinstance(error, dict) else ())

    @property
    def answered(self) -> str:
        """Word the status, and what else is wrong with the answer."""
        if self.answer is None:
            return f"not asked, since no earlier answer gave {self.skipped}"
        status = str(self.answer.status) if self.answer.status else f"no answer ({self.answer.body})"
        if self.in_time:
            return status
        return f"{status}, but {'not in time what was waited for' if self.case.until else 'its content was not taken'}"


class Run:
    """One run of cases in one project; `touched` names the parts of the project in which it may have left something."""

    def __init__(self, project: Project, name: str, *, timeout_s: float) -> None:
        self.results: list[Result] = []
        self.touched: set[str] = set()
        self._project = project
        self._name = name
        self._timeout_s = timeout_s
        self._kept: dict[str, Any] = {
            "space": name,
            "unknownId": _UNKNOWN_ID,
            "clientId": project.connection.client_id,
            "clientSecret": project.connection.client_secret,
        }

    def ask(self, cases: Sequence[Case], on_case: OnCase = lambda *_: None) -> Sequence[Result]:
        """Send every case. `results` and `touched` stay readable after an interruption."""
        for number, case in enumerate(cases, 1):
            on_case(case.name, number, len(cases))
            self.results.append(self._ask(case))
        return self.results

    def _ask(self, case: Case) -> Result:
        try:
            path = case.path.format_map(self._kept)
            body = filled(case.body, self._name, self._kept)
        except KeyError as error:
            return Result(case, case.path, None, None, skipped=str(error.args[0]))
        area = case.path.split("/")[1]
        was_touched = area in self.touched
        if case.writes:
            self.touched.add(area)
        answer, in_time = self._send(case, path, body)
        if answer.is_success and case.expected.status >= 400:
            self.touched.add(area)  # it was to be refused
        if answer.is_refusal and not was_touched:
            self.touched.discard(area)
        for name, place in case.keep.items():
            value = at(answer.body, place)
            if answer.is_success and value is not None:
                self._kept[name] = value
        if case.upload is not None and answer.is_success:
            link = at(answer.body, case.upload.link)
            in_time = isinstance(link, str) and 200 <= self._project.upload(link, case.upload) < 300
        return Result(case, path, body, answer, in_time=in_time)

    def _send(self, case: Case, path: str, body: Any) -> tuple[Answer, bool]:
        deadline = time.monotonic() + self._timeout_s
        while True:
            answer = self._project.send(case.method, path, body, case.query)
            if case.until is None:
                return answer, True
            place, wanted = case.until
            found = at(answer.body, place)
            if found is not None and (wanted is ANYTHING or found == wanted):
                return answer, True
            if time.monotonic() > deadline:
                return answer, False
            time.sleep(_PAUSE_S)  # the case says that its answer becomes true a little later
