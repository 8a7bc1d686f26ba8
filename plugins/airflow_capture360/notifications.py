"""The alert of a failed task: what broke and how to fix it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from airflow_capture360.alerts import WEBHOOK_CONNECTION, post_or_keep
from capture360.errors import Capture360Error
from capture360.reports.escaping import for_chat
from capture360.text import printable

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

_LONGEST_NAME, _LONGEST_CAUSE = 200, 2000
"""Characters. Chats cut off what is much longer, with the log's address at its end."""
_BUG_REMEDY = "Read the task's log, then clear the failed task."


class CaptureAlert(BaseNotifier):
    """Log the alert, and post it as `{"text": ...}` if there is an Airflow connection `capture360_alerts`.

    What cannot be posted now is posted later by **captures_sense**.

    The form suits the incoming webhooks of Slack, Teams and Mattermost. The connection's password holds the address,
    since it is a secret.
    """

    template_fields = ("webhook_conn_id",)

    def __init__(self, webhook_conn_id: str = WEBHOOK_CONNECTION) -> None:
        super().__init__()
        self.webhook_conn_id = webhook_conn_id

    def notify(self, context: Context) -> None:
        log.error("%s", alert_text(context, shown=printable))
        try:
            post_or_keep(self.webhook_conn_id, alert_text(context))
        except Exception as error:  # noqa: BLE001 - stores raise anything; the alert is in the log
            log.error("The alert was neither sent nor kept (%s).", type(error).__name__)


def alert_text(context: Any, shown: Callable[[str, int], str] = for_chat) -> str:
    """Return four lines: capture and task, what failed, how to fix it, where the log is.

    `shown` escapes a text from outside for where the alert goes, and cuts it off at a length.
    """
    dag_run, task_instance = context["dag_run"], context["ti"]
    error = context.get("exception")
    capture = dag_run.partition_key or context["params"].get("capture")
    cause = str(error) or repr(error) if error else "The task exited without an exception (it may have been killed)."
    where = f"{task_instance.task_id} failed in {dag_run.dag_id}, try {task_instance.try_number}"
    return "\n".join((
        f"{shown(str(capture or dag_run.run_id), _LONGEST_NAME)}: {where}.",
        f"What broke: {shown(cause, _LONGEST_CAUSE)}",
        f"How to fix it: {error.remedy if isinstance(error, Capture360Error) else _BUG_REMEDY}",
        f"Log: {task_instance.log_url}",
    ))  # fmt: skip
