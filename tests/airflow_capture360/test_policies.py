"""Which errors are retried."""

import pytest
from airflow.sdk import ExceptionRetryPolicy, RetryAction

from airflow_capture360.policies import CAPTURE_RETRIES, WAITING_FOR_LEASE
from capture360.errors import (
    BadInputError,
    CaptureRejected,
    CdfError,
    CdfUnavailableError,
    ConfigError,
    DriftError,
    LeaseHeldError,
)


@pytest.mark.parametrize("error", [BadInputError, CaptureRejected, ConfigError, CdfError, DriftError, LeaseHeldError])
def test_what_a_retry_cannot_heal_fails_at_once(error: type[Exception]) -> None:
    assert CAPTURE_RETRIES.evaluate(error("no"), 1, 3).action is RetryAction.FAIL


@pytest.mark.parametrize("error", [CdfUnavailableError, ConnectionResetError, TimeoutError, OSError])
def test_what_may_heal_is_tried_again(error: type[Exception]) -> None:
    assert CAPTURE_RETRIES.evaluate(error("later"), 1, 3).action is RetryAction.RETRY


def test_a_bug_follows_the_task_s_own_retries() -> None:
    assert CAPTURE_RETRIES.evaluate(KeyError("bug"), 1, 3).action is RetryAction.DEFAULT


def test_it_survives_the_dag_s_serialisation() -> None:
    again = ExceptionRetryPolicy.deserialize(CAPTURE_RETRIES.serialize())
    assert again.evaluate(CaptureRejected("no"), 1, 3).action is RetryAction.FAIL


def test_a_task_that_waits_for_a_lease_tries_again() -> None:
    policy = WAITING_FOR_LEASE["retry_policy"]
    assert isinstance(policy, ExceptionRetryPolicy)
    held = policy.evaluate(LeaseHeldError("held"), 1, 500)
    wrong = policy.evaluate(BadInputError("wrong"), 1, 500)
    assert (held.action, wrong.action) == (RetryAction.RETRY, RetryAction.FAIL)
