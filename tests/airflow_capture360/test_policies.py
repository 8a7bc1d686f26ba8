"""Which errors are retried, and that every error says what to do."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.sdk import RetryAction
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

import capture360
import capture360_local
from airflow_capture360.policies import RETRYING, CaptureRetryPolicy
from capture360.errors import (
    BadInputError,
    Capture360Error,
    CaptureRejected,
    CdfError,
    CdfUnavailableError,
    ConfigError,
    DriftError,
    LeaseHeldError,
    MissingStepError,
    RecordsError,
    RequestError,
)

POLICY = RETRYING["retry_policy"]


@pytest.mark.parametrize(
    "error",
    [
        BadInputError("no column y"),
        CaptureRejected("no column y"),
        ConfigError("no such data set"),
        CdfError("403"),
        DriftError(["an image is missing"]),
        LeaseHeldError("hall-7/may", "run 1"),
        MissingStepError("hall-7/may", "batch 3 of the faces has not been uploaded", "faces"),
        RecordsError("publish.json is broken"),
        RequestError("no such capture"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_a_retry_cannot_fix_fails_at_once(error: Exception) -> None:
    assert POLICY.evaluate(error, 1, 3).action is RetryAction.FAIL


@pytest.mark.parametrize("error", [CdfUnavailableError, ConnectionResetError, TimeoutError, OSError])
def test_what_may_pass_is_tried_again(error: type[Exception]) -> None:
    assert POLICY.evaluate(error("later"), 1, 3).action is RetryAction.RETRY


@pytest.mark.parametrize("kind", ["API_SERVER_ERROR", "GENERIC_ERROR", "CONNECTION_NOT_FOUND"])
def test_an_api_server_that_does_not_answer_is_no_bug(kind: str) -> None:
    error = AirflowRuntimeError(ErrorResponse(error=ErrorType(kind), detail={"status_code": 503}))
    assert POLICY.evaluate(error, 5, 6).action is RetryAction.RETRY


def test_a_bug_is_retried_twice() -> None:
    tries = [POLICY.evaluate(KeyError("bug"), tries, 7).action for tries in (1, 2, 3, 4)]
    assert tries == [RetryAction.DEFAULT, RetryAction.DEFAULT, RetryAction.FAIL, RetryAction.FAIL]


def test_a_bug_of_a_cleared_task_is_retried_twice_as_well() -> None:
    """It was cleared after its seventh try, and Airflow lets it have six retries more."""
    context = {"task": SimpleNamespace(retries=RETRYING["retries"])}
    tries = [POLICY.evaluate(KeyError("bug"), tries, 13, context).action for tries in (8, 9, 10)]
    assert tries == [RetryAction.DEFAULT, RetryAction.DEFAULT, RetryAction.FAIL]


def test_it_survives_the_dag_s_serialisation() -> None:
    assert CaptureRetryPolicy.deserialize(POLICY.serialize()) == POLICY


def every_class(base: type[Capture360Error]) -> Iterator[type[Capture360Error]]:
    yield base
    for each in base.__subclasses__():
        yield from every_class(each)


def test_every_error_has_a_remedy_that_fits_the_column_of_airflow() -> None:
    for package in (capture360, capture360_local):
        folder = Path(package.__path__[0])
        for file in folder.rglob("*.py"):
            if re.search(r"^class \w+\(.*Error\b", file.read_text(), re.M):
                importlib.import_module(".".join(file.relative_to(folder.parent).with_suffix("").parts))
    found = {kind.__name__: kind.remedy for kind in every_class(Capture360Error)}
    assert {"E57Error", "RotationError", "StackError"} <= found.keys()
    assert [name for name, remedy in found.items() if not remedy.endswith(".") or len(remedy) > 500] == []


def test_a_step_that_did_not_run_is_not_blamed_on_the_delivery() -> None:
    error = MissingStepError("hall-7/may", "batch 3 of the faces has not been uploaded", "faces")
    assert str(error) == "hall-7/may: batch 3 of the faces has not been uploaded. Run faces first."
    assert error.remedy.startswith("Run faces first")
    assert "drop" not in error.remedy
