"""The captures page of Airflow's own web server at 10,000 captures, in seconds.

Records and runs are synthetic: each capture was delivered, published and contextualized, headed by two runs. Every
figure is the least of `TURNS` requests of somebody who is logged in, after one that imports.

    python benchmarks/pages.py [captures]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

CAPTURES = 10_000
LIMIT_S = 1.0
TURNS = 5
SITES = 4
PAGE = "/capture360/captures"
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_FINGERPRINT = "f" * 32
_CHUNK = 2_000


def configure(home: Path) -> None:
    """Give this process an Airflow of its own, before it is imported, and a register."""
    sites = "".join(f"  hall-{n}: {{space: captures, landing: {{url: {home}/landing/{n}}}}}\n" for n in range(SITES))
    (home / "sites.yaml").write_text(f"records: {home}/records\nsites:\n{sites}")
    os.environ.update(
        AIRFLOW_HOME=str(home),
        AIRFLOW__CORE__DAGS_FOLDER=str(Path(__file__).parents[1] / "dags"),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{home / 'airflow.db'}",
        AIRFLOW__API_AUTH__JWT_SECRET="a secret of the benchmark that is long enough for sha512, 64 characters of it",
        AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR",
        CAPTURE360_CONFIG=str(home / "sites.yaml"),
    )


def keys_of(count: int) -> list[str]:
    """Keys of captures, spread over the sites."""
    return [f"hall-{number % SITES}/walk-{number:05}" for number in range(count)]


def write_records(folder: Path, keys: list[str]) -> None:
    """Write what the steps record of each capture, and the markers of sensing."""
    from capture360.store import json_content

    plates = {"linked": 40, "asked": 3, "missed": 2}
    bodies: dict[str, dict[str, Any]] = {
        "sense": {"files": 600},
        "validate": {"verdict": "accepted", "headline": "Accepted.", "accepted": 100, "quarantined": {}, "findings": [],
                     "captured_on": "2026-03-04"},
        "publish": {"link": "https://fusion.cognite.com/plant", "collections": []},
        "verify": {},
        "annotate": {"plates": plates},
    }  # fmt: skip
    for number, key in enumerate(keys):
        site, _, capture = key.partition("/")
        at = (_BEGAN + timedelta(minutes=number)).isoformat()
        delivery = folder / key / _FINGERPRINT
        delivery.mkdir(parents=True)
        for step, body in bodies.items():
            (delivery / f"{step}.json").write_bytes(json_content({"at": at, "run": "benchmark", **body}))
        done = folder / "sensing/done" / site
        done.mkdir(parents=True, exist_ok=True)
        (done / f"{capture}~{_FINGERPRINT}~contextualized").touch()


def add_runs(keys: list[str]) -> None:
    """Two runs a capture, of which one in 500 is running or has failed."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunType

    for first in range(0, len(keys), _CHUNK):
        with create_session() as session:
            for number, key in enumerate(keys[first : first + _CHUNK], first):
                at = _BEGAN + timedelta(minutes=number)
                for dag in ("captures_ingest", "captures_contextualize"):
                    state = {0: "running", 1: "failed"}.get(number % 500, "success")
                    run = DagRun(
                        dag_id=dag,
                        run_id=f"asset_triggered__{number}",
                        run_type=DagRunType.ASSET_TRIGGERED,
                        run_after=at,
                        state=state,
                        partition_key=key,
                    )
                    run.end_date = None if state == "running" else at + timedelta(minutes=10)
                    session.add(run)


def seconds(ask: Callable[[], object]) -> float:
    """Least seconds of some requests, after a first one."""

    def once() -> float:
        began = time.perf_counter()
        ask()
        return time.perf_counter() - began

    once()
    return min(once() for _ in range(TURNS))


def main(captures: int = CAPTURES) -> int:
    with tempfile.TemporaryDirectory(prefix="bench-pages-") as home:
        configure(Path(home))
        return measure(Path(home), captures)


def measure(home: Path, captures: int) -> int:
    from airflow.api_fastapi.app import create_app
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.utils.db import initdb
    from fastapi.testclient import TestClient

    from figures import Figure, report

    initdb()
    keys = keys_of(captures)
    write_records(home / "records", keys)
    add_runs(keys)
    application = create_app(apps="core")
    with TestClient(application, base_url="http://testserver") as client:
        manager = client.app.state.auth_manager  # type: ignore[attr-defined]  # Starlette's, which the client hides
        token = manager.generate_jwt(SimpleAuthManagerUser(username="somebody", role="VIEWER"))
        headers = {"authorization": f"Bearer {token}"}
        asked = {
            "the first page": "",
            "the last page": f"?page={captures // 50}",
            "one state": "?state=contextualized&page=3",
            "a search": "?like=walk-0012",
            "one site": "?site=hall-1",
        }
        figures = [
            Figure(f"{name}, {captures:,} captures", seconds(lambda q=query: page(client, headers, q)), "s", LIMIT_S)
            for name, query in asked.items()
        ]
    return report("Pages of captures", figures)


def page(client: TestClient, headers: dict[str, str], query: str) -> None:
    answer = client.get(PAGE + query, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.text.count('class="key"') > 0


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:2])))
