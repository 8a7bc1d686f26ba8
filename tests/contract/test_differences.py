"""A project that answers differently is detected, and its records contain nothing confidential."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from capture360.cdf.client import Connection
from capture360_local.conformance.cases import ALL_CASES
from capture360_local.conformance.compare import Difference, differences
from capture360_local.conformance.conform import Outcome, conform, record
from capture360_local.conformance.project import Answer
from capture360_local.conformance.run import Result
from cdf_sandbox.core.auth import register_client
from cdf_sandbox.core.faults import FaultOrder
from cdf_sandbox.core.options import ProjectMode
from conformance import NAME, PROJECT, TIMEOUT_S, connection_to, silent
from local_cdf import RunningSandbox, fast_options, run_sandbox

Holdings = Callable[[], dict[str, Any]]


def test_a_project_like_the_sandbox_has_no_differences(connection: Connection, holdings: Holdings) -> None:
    before = holdings()
    outcome = conform(connection, NAME, silent, timeout_s=TIMEOUT_S)
    assert outcome.is_clean
    assert len(outcome.project) > 100
    assert holdings() == before


def test_the_capabilities_that_the_guide_names_suffice(running: RunningSandbox) -> None:
    guide = (Path(__file__).parents[2] / "docs/how-to/check-a-project.md").read_text()
    listed = guide.partition("The client needs with scope *all*:")[2].partition(". ")[0]
    capabilities = [
        {
            name: {"actions": re.findall("[A-Z]{4,}", actions), "scope": {"all": {}}},
            "projectScope": {"projects": [PROJECT]},
        }
        for name, actions in re.findall(r"`(\w+Acl)`([^;]*)", listed)
    ]
    assert len(capabilities) == 7
    secret = register_client(running.sandbox, "limited", capabilities)
    values = running.connection | {"client_id": "limited", "client_secret": secret, "mode": ProjectMode.HYBRID.value}
    outcome = conform(Connection.from_mapping(values, "the test"), NAME, silent, timeout_s=TIMEOUT_S)
    assert outcome.differences == []
    assert outcome.is_clean


def test_a_client_that_may_write_nothing_leaves_nothing(running: RunningSandbox, holdings: Holdings) -> None:
    before = holdings()
    secret = register_client(running.sandbox, "nobody", [])
    values = running.connection | {"client_id": "nobody", "client_secret": secret, "mode": ProjectMode.HYBRID.value}
    outcome = conform(Connection.from_mapping(values, "the test"), NAME, silent, timeout_s=0)
    assert outcome.left == []
    assert "403" in {each.project for each in outcome.differences}
    assert holdings() == before


def test_another_status_and_envelope_are_reported(
    running: RunningSandbox, connection: Connection, holdings: Holdings
) -> None:
    before = holdings()
    url = f"/api/v1/projects/{PROJECT}"
    running.sandbox.faults.order(FaultOrder(effect="status", path=f"{url}/files/downloadlink", nth=2, status=404))
    running.sandbox.faults.order(FaultOrder(effect="reset", path=f"{url}/models/instances/sync"))
    outcome = conform(connection, NAME, silent, timeout_s=TIMEOUT_S)
    assert not outcome.is_clean
    assert [result.case.name for result in outcome.unexpected] == ["sync", "files-downloadlink-missing"]
    found = {(each.case, each.where): (each.project, each.sandbox) for each in outcome.differences}
    assert found["files-downloadlink-missing", "status"] == ("404", "400")
    assert found["files-downloadlink-missing", "error.missing"] == ("absent", "list")
    assert found["sync", "status"][0].startswith("no answer")
    assert len(found) == 3
    assert holdings() == before


def test_a_project_of_another_mode_is_reported(tmp_path: Path) -> None:
    options = fast_options(tmp_path, ProjectMode.DATA_MODELING)
    with run_sandbox(options) as running:
        outcome = conform(connection_to(running, ProjectMode.HYBRID), NAME, silent, timeout_s=0.1)
    found = {each.case: each for each in outcome.differences if each.where == "status"}
    assert found["assets-create"] == Difference("assets-create", "status", "403", "201")
    assert found["annotations-get"].project == "not asked, since no earlier answer gave annotationId"
    assert outcome.left == []


@pytest.mark.parametrize(
    ("project", "sandbox", "expected"),
    [
        ({"id": 1, "name": "a"}, {"id": 2, "name": "b"}, {}),
        ({"id": "1"}, {"id": 1}, {"id": ("text", "number")}),
        ({"items": [{"a": 1}, {"b": None}]}, {"items": [{"a": 1.5}]}, {"items[].b": ("null", "absent")}),
        ({"items": []}, {"items": [{"a": {"b": 1}}]}, {"items[]": ("absent", "object")}),
        ({"items": [{"a": 1}, {"a": "x"}]}, {"items": [{"a": 1}]}, {"items[].a": ("number or text", "number")}),
        ([], {}, {"answer": ("list", "object")}),
    ],
)
def test_shapes(project: Any, sandbox: Any, expected: dict[str, tuple[str, str]], any_case: Any) -> None:
    ours, theirs = (Result(any_case, "/x", None, Answer(200, body)) for body in (project, sandbox))
    assert {each.where: (each.project, each.sandbox) for each in differences([ours], [theirs])} == expected


@pytest.fixture
def any_case() -> Any:
    return ALL_CASES[0]


@pytest.fixture(scope="module")
def recorded(running: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    connection = connection_to(running, ProjectMode.HYBRID)
    outcome = conform(connection, NAME, silent, timeout_s=TIMEOUT_S)
    folder = tmp_path_factory.mktemp("recorded")
    record(outcome, connection, folder)
    return outcome, folder


def test_every_pair_is_recorded(recorded: tuple[Outcome, Path]) -> None:
    outcome, folder = recorded
    assert len(list(folder.glob("*.json"))) == len(outcome.project) + 1
    pair = json.loads(next(folder.glob("*-files-byids-missing.json")).read_text())
    assert pair["request"]["path"] == "/files/byids"
    assert pair["request"]["body"] == {"items": [{"externalId": "c360_conformance_nobody"}]}
    assert pair["project"] == pair["sandbox"]
    assert pair["project"]["body"]["error"]["code"] == 400
    assert pair["project"]["body"]["error"]["missing"] == [{"externalId": "c360_conformance_nobody"}]


def test_what_is_recorded_gives_nothing_away(running: RunningSandbox, recorded: tuple[Outcome, Path]) -> None:
    outcome, folder = recorded
    text = "".join(file.read_text() for file in folder.iterdir())
    secrets = {NAME.removeprefix("c360_conformance_"), PROJECT, running.connection["client_secret"], running.base_url}
    for result in outcome.project:
        secrets |= set(telling(result.answer.body))
    assert len(secrets) > 20
    assert [secret for secret in secrets if secret in text] == []


def telling(value: Any, field: str = "") -> list[str]:
    """Identifiers and secrets in an answer."""
    if isinstance(value, dict):
        return [found for name, each in value.items() for found in telling(each, name)]
    if isinstance(value, list):
        return [found for each in value for found in telling(each, field)]
    named = field in {"nonce", "uploadId", "uploadUrl", "uploadUrls", "downloadUrl", "cursor", "nextCursor"}
    is_id = field == "id" or (field.endswith(("Id", "Ids")) and isinstance(value, int))
    return (
        [str(value)]
        if value is not None and (named or is_id) and len(str(value)) > 5 and NAME not in str(value)
        else []
    )
