"""Retry settings of the tasks. Whether an error is worth a retry is a property of its class (`capture360.errors`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import RetryDecision, RetryPolicy
from airflow.sdk.exceptions import AirflowRuntimeError
from typing_extensions import override

from capture360.errors import Capture360Error

if TYPE_CHECKING:
    from airflow.sdk import Context


_TRIES_WITH_A_BUG = 3


@dataclass(frozen=True)
class CaptureRetryPolicy(RetryPolicy):
    """Retry `retryable` errors and those of stores, sockets and the API server; fail at once on others of capture360.

    The API server answers "not found" also while its database is down.
    Any other exception is a bug, which the next try seldom heals: two retries, so that the alert comes in minutes, and
    again two after the task was cleared.
    """

    @override
    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        if isinstance(exception, Capture360Error):
            if exception.retryable:
                return RetryDecision.retry(reason=exception.remedy)
            return RetryDecision.fail(reason=exception.remedy)
        if isinstance(exception, OSError):
            return RetryDecision.retry(reason="A store or network did not answer")
        if isinstance(exception, AirflowRuntimeError):
            return RetryDecision.retry(reason="Airflow's API server did not answer what was asked")
        if try_number - _tries_before_the_clearing(max_tries, context) >= _TRIES_WITH_A_BUG:
            return RetryDecision.fail(reason="A bug: see the task log")
        return RetryDecision.default()

    @override
    def serialize(self) -> dict[str, Any]:
        return {}

    @classmethod
    @override
    def deserialize(cls, data: dict[str, Any]) -> CaptureRetryPolicy:
        return cls(**data)


def _tries_before_the_clearing(max_tries: int, context: Context | None) -> int:
    """Return how many tries a task had before it was cleared last; Airflow adds its retries to them."""
    retries = (context["task"].retries or 0) if context else max_tries
    return max(0, max_tries - retries)


RETRYING: dict[str, Any] = {
    "retries": 6,
    "retry_policy": CaptureRetryPolicy(),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(seconds=90),
}
"""For `default_args`. A store may be down for six minutes, and is asked again a minute and a half after its return.

The first delay is Airflow's own setting `[core] default_task_retry_delay`.
"""
