"""Operator links: buttons on task instances. Airflow requests the address in the task's process at its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperatorLink
from typing_extensions import override

from airflow_capture360.context import CDF_LINK, key_of, page_url, register_and_records

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator


class TaskLink(BaseOperatorLink):
    """A button with a name; `url` returns its address for a task instance, empty for none."""

    name = ""

    def __init__(self, name: str, url: Callable[[Any], str]) -> None:
        self.name = name
        self._url = url

    @property
    @override
    def xcom_key(self) -> str:
        return f"_link_{self.name.lower().replace(' ', '_')}"

    @override
    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        return self._url(ti_key)


def _validation_report(task_instance: Any) -> str:
    from capture360.capture_state import VALIDATE, VALIDATION_REPORT

    key = key_of(task_instance.get_template_context())
    newest = register_and_records()[1].load(key, only={"sense", VALIDATE})
    if newest is None or newest.body(VALIDATE) is None:
        return ""
    return page_url(f"reports/{key}/{newest.fingerprint}/{VALIDATION_REPORT}")


def _match_report(task_instance: Any) -> str:
    from capture360.steps.match import REPORT

    key = key_of(task_instance.get_template_context())
    fingerprint = register_and_records()[1].newest_with(key, "match")
    return page_url(f"reports/{key}/{fingerprint}/{REPORT}") if fingerprint else ""


def _collection_in_cdf(task_instance: Any) -> str:
    return task_instance.xcom_pull(task_ids=task_instance.task_id, key=CDF_LINK) or ""


def _capture_page(task_instance: Any) -> str:
    return page_url(f"captures/{key_of(task_instance.get_template_context())}")


CAPTURE_PAGE = TaskLink("Capture", _capture_page)
VALIDATION_REPORT = TaskLink("Validation report", _validation_report)
MATCH_REPORT = TaskLink("Match report", _match_report)
OPEN_IN_CDF = TaskLink("Open in CDF", _collection_in_cdf)
