"""Client of Airflow's public REST API."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

import httpx

COMPONENTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")
MISSING_POOL = "non-existent pool"
"""Kind of Airflow's warning about a DAG whose tasks wait for ever."""
WAITS_S = (0.5, 1.0, 2.0, 4.0)
"""Between the tries of a request that Airflow answers with 500, as it does while another process writes to SQLite."""


class AirflowApi:
    """Send requests as one user; the token is fetched at first use and again when it has expired."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._credentials = {"username": user, "password": password}
        self._http = httpx.Client(base_url=url, timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def request(self, method: str, path: str, **options: Any) -> Any:
        """Return the answer's JSON, None if it is empty; httpx.HTTPError for no answer or an error.

        A request that is answered with 500 is sent again. It may have been carried out the first time, so that the
        repetition of one that creates something can be answered with 409.
        """
        if "authorization" not in self._http.headers:
            self._log_in()
        for wait_s in (*WAITS_S, None):
            response = self._http.request(method, f"/api/v2{path}", **options)
            if response.status_code == httpx.codes.UNAUTHORIZED:
                self._log_in()
                response = self._http.request(method, f"/api/v2{path}", **options)
            if wait_s is None or response.status_code != httpx.codes.INTERNAL_SERVER_ERROR:
                break
            time.sleep(wait_s)  # another process writes to SQLite
        response.raise_for_status()
        return response.json() if response.content else None

    def _log_in(self) -> None:
        answer = self._http.post("/auth/token", json=self._credentials)
        answer.raise_for_status()
        self._http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"

    def health(self) -> Mapping[str, Any]:
        """Return status and latest heartbeat of every component; needs no login."""
        response = self._http.get("/api/v2/monitor/health")
        response.raise_for_status()
        answer: Mapping[str, Any] = response.json()
        return answer

    def dags(self) -> Sequence[Mapping[str, Any]]:
        """Return the project's DAGs that Airflow has parsed."""
        found: Sequence[Mapping[str, Any]] = self.request("GET", "/dags", params={"tags": "capture360", "limit": 100})[
            "dags"
        ]
        return found

    def import_errors(self) -> Sequence[Mapping[str, Any]]:
        """Return the errors of importing DAG files."""
        found: Sequence[Mapping[str, Any]] = self.request("GET", "/importErrors")["import_errors"]
        return found

    def warnings(self) -> Sequence[tuple[str, str]]:
        """Return Airflow's warnings about the DAGs: kind, such as `MISSING_POOL`, and text."""
        found = self.request("GET", "/dagWarnings")["dag_warnings"]
        return [(str(warning["warning_type"]), str(warning["message"])) for warning in found]

    def ensure_pool(self, name: str, slots: int, description: str) -> None:
        """Create the pool if it is missing; one that an operator has resized is left unchanged."""
        body = {"name": name, "slots": slots, "description": description, "include_deferred": False}
        try:
            self.request("POST", "/pools", json=body)
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.CONFLICT:
                raise

    def pause(self, dag: str, paused: bool) -> None:
        """Pause or unpause a DAG."""
        self.request("PATCH", f"/dags/{dag}", params={"update_mask": "is_paused"}, json={"is_paused": paused})

    def trigger(self, dag: str, conf: Mapping[str, Any]) -> str:
        """Trigger a run; returns its run id, which is chosen here so that a repeated request starts no second run."""
        run = f"manual__{datetime.now(UTC).isoformat()}_{secrets.token_hex(4)}"
        body = {"dag_run_id": run, "logical_date": None, "conf": dict(conf)}
        try:
            self.request("POST", f"/dags/{dag}/dagRuns", json=body)
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.CONFLICT:  # the first request did start it
                raise
        return run

    def runs(self, dag: str) -> Sequence[Mapping[str, Any]]:
        """Return the latest hundred runs, newest first."""
        parameters = {"limit": 100, "order_by": "-run_after"}
        found: Sequence[Mapping[str, Any]] = self.request("GET", f"/dags/{dag}/dagRuns", params=parameters)["dag_runs"]
        return found

    def task_instances(self, dag: str, run: str) -> Sequence[Mapping[str, Any]]:
        """Return the first hundred task instances of a run."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances"
        found: Sequence[Mapping[str, Any]] = self.request("GET", path, params={"limit": 100})["task_instances"]
        return found
