"""The alert of a failed task: what broke, and how to mend it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook, BaseNotifier
from airflow.sdk.exceptions import AirflowNotFoundException

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

WEBHOOK_CONNECTION = "capture360_alerts"

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
            webhook = BaseHook.get_connection(self.webhook_conn_id)
        except AirflowNotFoundException:
            return
        import httpx

        try:
            httpx.post(webhook.password or "", json={"text": text}, timeout=10).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Without the traceback: the address is a secret and would stand there.
            log.error("The alert did not reach connection %s (%s).", self.webhook_conn_id, type(error).__name__)


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
