"""The Airflow plugin: the web application, its pages in the navigation and on runs, and a timetable."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from airflow_capture360.context import page_path
from airflow_capture360.timetables import CaptureDates
from capture360.reports.addresses import WEB_PREFIX


async def reports(scope: Any, receive: Any, send: Any) -> None:
    """Import the web application at the first request, since schedulers and workers load this plugin too."""
    from airflow_capture360.web.app import app

    await app(scope, receive, send)


class Capture360Plugin(AirflowPlugin):
    """Mounts the web application in Airflow's API server, its captures in the menu, a capture's page in a tab of runs.

    Airflow reads only DAGs whose timetable it knows.
    """

    name = "capture360"
    fastapi_apps = [{"app": reports, "url_prefix": WEB_PREFIX, "name": "capture360 reports"}]  # noqa: RUF012 - Airflow reads this class attribute as a plain list
    timetables = [CaptureDates]  # noqa: RUF012 - Airflow reads this class attribute as a plain list
    external_views = [  # noqa: RUF012 - Airflow reads this class attribute as a plain list
        {
            "name": "Captures",
            "href": page_path("captures"),
            "destination": "nav",
            "category": "browse",
            "url_route": "captures",
        },
        {
            "name": "Capture",
            "href": page_path("runs?dag={DAG_ID}&run={RUN_ID}"),
            "destination": "dag_run",
            "url_route": "capture",
        },
    ]
