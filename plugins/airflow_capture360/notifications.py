"""The alert of a failed task: what broke, and how to mend it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from airflow_capture360.alerts import WEBHOOK_CONNECTION, post_or_keep

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

_MENDS = (
    ("CaptureRejected", "Mend the delivery as the validation report says and drop it again."),
    ("BadInputError", "Mend the named file and drop the capture again."),
    ("ConfigError", "Mend the named setting, then clear the failed task."),
    ("DriftError", "Do what the sentences say. captures_reconcile looks again every day, or when it is triggered."),
    ("LeaseHeldError", "Wait for the named run to end, then clear the failed task."),
    ("CdfUnavailableError", "CDF did not answer in any try. See whether it is up, then clear the failed task."),
    (
        "AirflowUnavailableError",
        "See whether Airflow's database and secrets backend are up, and whether what is named exists; "
        "then clear the failed task.",
    ),
    ("CdfError", "CDF refused the request. Mend what the sentence names, then clear the failed task."),
)
_OTHERWISE = "Read the task's log, then clear the failed task."


class CaptureAlert(BaseNotifier):
    """Logs the alert, and posts it as `{"text": ...}` if there is an Airflow connection `capture360_alerts`.

    One that cannot be posted now is posted by **captures_sense** later.

    The form suits the incoming webhooks of Slack, Teams and Mattermost. The connection's password holds the address,
    since it is a secret.
    """

    template_fields = ("webhook_conn_id",)

    def __init__(self, webhook_conn_id: str = WEBHOOK_CONNECTION) -> None:
        super().__init__()
        self.webhook_conn_id = webhook_conn_id

    def notify(self, context: Context) -> None:
        text = alert_text(context)
        log.error("%s", text)
        try:
            post_or_keep(self.webhook_conn_id, text)
        except Exception as error:  # noqa: BLE001 - stores raise what they like; the alert stands in the log
            log.error("The alert was neither sent nor kept (%s).", type(error).__name__)


def alert_text(context: Any) -> str:
    """Four lines: capture and task, what broke, how to mend it, where to look."""
    dag_run, task_instance = context["dag_run"], context["ti"]
    error = context.get("exception")
    capture = dag_run.partition_key or context["params"].get("capture")
    told = str(error) or repr(error) if error else "The task ended without a word; it may have been killed."
    where = f"{task_instance.task_id} failed in {dag_run.dag_id}, try {task_instance.try_number}"
    return "\n".join((
        f"{capture or dag_run.run_id}: {where}.",
        f"What broke: {told}",
        f"How to mend it: {_mend(error)}",
        f"Log: {task_instance.log_url}",
    ))  # fmt: skip


def _mend(error: BaseException | None) -> str:
    names = {kind.__name__ for kind in type(error).__mro__}
    return next((mend for name, mend in _MENDS if name in names), _OTHERWISE)
