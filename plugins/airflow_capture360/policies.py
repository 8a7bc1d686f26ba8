"""Which errors are worth a retry."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

CAPTURE_RETRIES = ExceptionRetryPolicy(
    [
        RetryRule(
            exception=[
                "capture360.errors.BadInputError",
                "capture360.errors.ConfigError",
                "capture360.errors.CdfError",
                "capture360.errors.DriftError",
                "capture360.errors.LeaseHeldError",
            ],
            action=RetryAction.FAIL,
            reason="A retry cannot heal this",
        ),
        RetryRule(
            exception=["capture360.errors.UnavailableError", "builtins.OSError"],
            action=RetryAction.RETRY,
            reason="Airflow, CDF or a store did not answer; it may the next time",
        ),
    ]
)

WAITING_FOR_LEASE = {
    "retries": 500,
    "retry_delay": timedelta(seconds=5),
    "max_retry_delay": timedelta(minutes=5),
    "retry_policy": ExceptionRetryPolicy(
        [
            RetryRule(
                exception=["capture360.errors.LeaseHeldError"],
                action=RetryAction.RETRY,
                reason="Another run is writing the capture; it will end",
            ),
            *CAPTURE_RETRIES.rules,
        ]
    ),
}
"""For a task that waits until another run gives a capture back; together they wait for a day and a half."""

RETRYING = {
    "retries": 3,
    "retry_policy": CAPTURE_RETRIES,
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
}
"""For `default_args`. The first delay is Airflow's own setting `[core] default_task_retry_delay`."""
