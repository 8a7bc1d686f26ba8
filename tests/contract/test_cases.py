"""The sandbox answers every conformance case as CDF documents, in the documented shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from capture360_local.conformance.beside import sandbox_beside
from capture360_local.conformance.cases import ALL_CASES, cases_for
from capture360_local.conformance.cleanup import areas_of, clean
from capture360_local.conformance.project import Project
from capture360_local.conformance.run import Result, Run, is_name, new_name
from cdf_sandbox.core.options import ProjectMode
from conformance import NAME, TIMEOUT_S
from specification import Specification

PARTS = ("spaces", "containers", "views", "instances", "query", "files", "core-file", "viewer",
         "assets", "annotations", "sessions", "3d-models", "3d-revisions")  # fmt: skip


@pytest.fixture(scope="module", params=ProjectMode)
def results(request: pytest.FixtureRequest) -> Iterator[Sequence[Result]]:
    """All results of a mode, in a project that is inspected afterwards."""
    mode: ProjectMode = request.param
    with sandbox_beside(mode) as connection, Project(connection) as project:
        yield Run(project, NAME, timeout_s=TIMEOUT_S).ask(cases_for(mode))
        assert clean(project, NAME, areas_of(mode)) == []


def test_every_answer_is_of_the_documented_kind(results: Sequence[Result]) -> None:
    assert [(result.case.name, result.answered) for result in results if not result.is_expected] == []


def test_requests_and_answers_fit_the_specification(results: Sequence[Result], shared: Path) -> None:
    specification = Specification(shared / "reference" / "cdf-openapi-subset.json")
    found = []
    checked = 0
    for result in results:
        case, answer = result.case, result.answer
        if not answer.is_success or not specification.describes(case.method, case.path):
            continue
        checked += 1
        problems = [
            *specification.request_problems(case.method, case.path, result.body),
            *specification.answer_problems(case.method, case.path, answer.status, answer.body),
        ]
        found += [(case.name, problem) for problem in problems]
    assert not found
    assert checked > 40


def test_refusals_have_the_envelope(results: Sequence[Result]) -> None:
    refusals = [result.answer for result in results if result.answer.is_refusal]
    assert len(refusals) > 20
    for answer in refusals:
        assert answer.body["error"]["code"] == answer.status
        assert answer.body["error"]["message"]


def test_there_are_cases_for_everything_that_is_spoken() -> None:
    names = [case.name for case in ALL_CASES]
    assert len(names) == len(set(names)) >= 40
    assert [part for part in PARTS if not any(name.startswith(f"{part}-") for name in names)] == []
    for generation in ("4.29", "4.35"):
        assert any(name.startswith("viewer-core") and name.endswith(generation) for name in names)


def test_cases_that_write_describe_it() -> None:
    quiet = {case.name for case in ALL_CASES if case.expected.status >= 400 and case.writes}
    assert quiet == set()
    creating = [case.name for case in ALL_CASES if case.expected.status == 201 and not case.writes]
    assert creating == []


def test_names_are_recognized() -> None:
    assert is_name(new_name())
    assert new_name() != new_name()
    assert not is_name("captures360")
    assert not is_name(f"{new_name()}x")


def test_the_specification_finds_what_does_not_fit(shared: Path) -> None:
    specification = Specification(shared / "reference" / "cdf-openapi-subset.json")
    assert specification.answer_problems("POST", "/files/byids", 200, {"items": [{"id": "text"}]})
    assert specification.answer_problems("POST", "/files/byids", 201, {"items": []})
    assert specification.request_problems("POST", "/annotations", {"items": [{"status": "approved"}]})
