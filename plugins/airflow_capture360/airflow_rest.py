"""State that only Airflow's REST API shows: health, import errors, DAGs no longer parsed, and missing pools."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook, conf
from airflow.sdk.exceptions import AirflowNotFoundException

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

CONNECTION = "capture360_airflow"
_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Reported:
    """What Airflow reports. `unhealthy` are components; the others are sentences by the DAG that they are about.

    Parts that could not be read are empty.
    """

    unhealthy: Mapping[str, str]
    import_errors: Mapping[str, str]
    stale: tuple[str, ...] = ()
    warnings: Mapping[str, str] | None = None


def ask(dags: tuple[str, ...]) -> Reported:
    """Ask Airflow about its components, and about these DAGs if there is a connection `capture360_airflow`.

    That connection holds host (default: Airflow's base URL), login and password of a user with the role Viewer. Health
    needs no login. Failures are logged: the api-server has to be monitored from outside.
    """
    import httpx

    try:
        stored = BaseHook.get_connection(CONNECTION)
        host, credentials = stored.host, {"username": stored.login or "", "password": stored.password or ""}
    except AirflowNotFoundException:
        host, credentials = None, None
    url = (host or str(conf.get("api", "base_url", fallback=""))).rstrip("/")
    if not url:
        return Reported({}, {})
    unhealthy: Mapping[str, str] = {}
    try:
        with httpx.Client(base_url=url, timeout=_TIMEOUT_S) as http:
            unhealthy = _unhealthy(_get(http, "monitor/health"))
            if credentials is None:
                return Reported(unhealthy, {})
            answer = http.post("/auth/token", json=credentials).raise_for_status()
            http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
            return _about(http, dags, unhealthy)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("Airflow's REST API does not answer as expected (%s).", type(error).__name__)
        return Reported(unhealthy, {})


def _about(http: httpx.Client, dags: tuple[str, ...], unhealthy: Mapping[str, str]) -> Reported:
    errors = {}
    for each in _get(http, "importErrors", limit=100)["import_errors"]:
        name = PurePath(str(each["filename"])).stem
        if name in dags:
            errors[name] = str(each["stack_trace"]).strip().rpartition("\n")[2]
    stale = tuple(dag for dag in dags if _is_stale(http, dag))
    found = _get(http, "dagWarnings", limit=100)["dag_warnings"]
    warnings = {str(each["dag_id"]): str(each["message"]) for each in found if each["dag_id"] in dags}
    return Reported(unhealthy, errors, stale, warnings)


def _get(http: httpx.Client, path: str, **parameters: Any) -> Any:
    return http.get(f"/api/v2/{path}", params=parameters).raise_for_status().json()


def _is_stale(http: httpx.Client, dag: str) -> bool:
    answer = http.get(f"/api/v2/dags/{dag}")
    return answer.status_code == 200 and bool(answer.json().get("is_stale"))


def _unhealthy(health: Mapping[str, Any]) -> Mapping[str, str]:
    """Return when each unhealthy component was last seen. Components that were never started have no status."""
    found = {}
    for name, state in health.items():
        if isinstance(state, Mapping) and state.get("status") not in {"healthy", None}:
            seen = next((str(value) for key, value in state.items() if key.startswith("latest_") and value), "")
            found[name] = f"was last seen at {_minute(seen)}" if seen else "does not answer"
    return found


def _minute(time: str) -> str:
    try:
        return f"{datetime.fromisoformat(time).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return time
