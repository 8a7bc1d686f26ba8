"""Links on task instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

CDF_LINK = "cdf_link"
WEB_PREFIX = "/capture360"


class ValidationReportLink(BaseOperatorLink):
    """The report of the delivery that the task validated, behind Airflow's login."""

    name = "Validation report"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Asked in the task's process when it has ended, well or not."""
        from airflow_capture360.tasks.ingest import key_of, newest_report

        task_instance = cast("RuntimeTaskInstanceProtocol", ti_key)
        report = newest_report(key_of(task_instance.get_template_context()))
        return page_url(f"reports/{report}") if report else ""


class MatchReportLink(BaseOperatorLink):
    """What was linked, suggested and dropped, with pictures."""

    name = "Match report"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        from airflow_capture360.tasks.contextualize import newest_match_report
        from airflow_capture360.tasks.ingest import key_of

        task_instance = cast("RuntimeTaskInstanceProtocol", ti_key)
        report = newest_match_report(key_of(task_instance.get_template_context()))
        return page_url(f"reports/{report}") if report else ""


class OpenInCdfLink(BaseOperatorLink):
    """The collection in CDF's own user interface."""

    name = "Open in CDF"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        task_instance = cast("RuntimeTaskInstanceProtocol", ti_key)
        return task_instance.xcom_pull(task_ids=task_instance.task_id, key=CDF_LINK) or ""


def page_url(path: str) -> str:
    """Address of one of our pages in the Airflow UI."""
    return f"{_base_url()}{WEB_PREFIX}/{path}"


def picture_url(path: str) -> str:
    """Address of a picture within a page of the Airflow UI, by whatever host name it was opened."""
    from urllib.parse import urlsplit

    return f"{urlsplit(_base_url()).path}{WEB_PREFIX}/{path}"


def _base_url() -> str:
    from airflow.sdk import conf

    return str(conf.get("api", "base_url", fallback="")).rstrip("/")
