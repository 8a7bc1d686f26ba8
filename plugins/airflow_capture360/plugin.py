"""What capture360 adds to Airflow's own web server."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from airflow_capture360.context import WEB_PREFIX


async def reports(scope: Any, receive: Any, send: Any) -> None:
    """The web application, imported at the first request: schedulers and workers load this plugin, too."""
    from airflow_capture360.web.app import app

    await app(scope, receive, send)


class Capture360Plugin(AirflowPlugin):
    name = "capture360"
    fastapi_apps = [{"app": reports, "url_prefix": WEB_PREFIX, "name": "capture360 reports"}]  # noqa: RUF012 - Airflow's own form
