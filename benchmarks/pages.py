"""Pages of Airflow's own web server, in seconds: 10,000 captures, a viewer of 500 stations, a review of 200 plates.

Records and runs of the list are synthetic: each capture was delivered, published and contextualized, headed by two
runs. The viewer reads a sandbox; its first picture is that of a real browser with an empty cache, and left out where
there is none. Every figure is the least of `TURNS` requests of somebody who is logged in, after one that imports.

    python benchmarks/pages.py [captures]
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from figures import Figure, report

CAPTURES = 10_000
LIMIT_S = 1.0
TURNS = 5
SITES = 4
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_FINGERPRINT = "f" * 32
_CHUNK = 2_000


def configure(home: Path) -> None:
    """Give this process an Airflow of its own, before it is imported, and a register."""
    sites = "".join(f"  hall-{n}: {{space: captures, landing: {{url: {home}/landing/{n}}}}}\n" for n in range(SITES))
    bench = f"  bench: {{space: bench, landing: {{url: {home}/landing/bench}}}}\n"
    (home / "sites.yaml").write_text(f"records: {home}/records\nsites:\n{sites}{bench}")
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
    from airflow.utils.db import initdb

    from pages_capture import published

    initdb()
    keys = keys_of(captures)
    write_records(home / "records", keys)
    add_runs(keys)
    with published(home) as cdf, served() as (url, token):
        client = httpx.Client(base_url=f"{url}/capture360", cookies={"_token": token}, trust_env=False, timeout=60)
        with client:
            figures = [*of_the_list(client, captures), *of_a_capture(client, cdf), *of_a_browser(url, token)]
    return report("Pages in Airflow", figures)


@contextmanager
def served() -> Iterator[tuple[str, str]]:
    """Run Airflow's web application in a thread: its address, and the token of a reader."""
    import uvicorn
    from airflow.api_fastapi.app import create_app
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    application = create_app(apps="core")
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=0, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise SystemExit("Airflow's web application did not start.")
        time.sleep(0.05)  # the server says when it listens by this flag alone
    port = server.servers[0].sockets[0].getsockname()[1]
    user = SimpleAuthManagerUser(username="somebody", role="USER")
    yield f"http://127.0.0.1:{port}", application.state.auth_manager.generate_jwt(user)
    server.should_exit = True
    thread.join(10)


def of_the_list(client: httpx.Client, captures: int) -> Iterator[Figure]:
    asked = {
        "the first page": "",
        "the last page": f"?page={captures // 50}",
        "one state": "?state=contextualized&page=3",
        "a search": "?like=walk-0012",
        "one site": "?site=hall-1",
    }
    for name, query in asked.items():
        took = seconds(partial(got, client, f"/captures{query}"))
        yield Figure(f"{name} of {captures:,} captures", took, "s", LIMIT_S)


def of_a_capture(client: httpx.Client, cdf: str) -> Iterator[Figure]:
    from pages_capture import ASKED, KEY, STATIONS

    yield Figure(f"review of {ASKED} plates", seconds(lambda: got(client, f"/review/{KEY}")), "s", LIMIT_S)
    yield Figure("its size", len(got(client, f"/review/{KEY}")) / 1e3, "kB")
    yield Figure(
        f"page of a capture of {STATIONS} stations", seconds(lambda: got(client, f"/captures/{KEY}")), "s", LIMIT_S
    )
    yield Figure("its view, from CDF", seconds(lambda: got(client, f"/views/{KEY}")), "s", LIMIT_S)
    before = reads(cdf)
    got(client, f"/views/{KEY}")
    yield Figure("requests to CDF for it", reads(cdf) - before, at_most=10)


def of_a_browser(url: str, token: str) -> Sequence[Figure]:
    """Seconds from opening the viewer to its six small faces, and the requests up to there."""
    from playwright.sync_api import sync_playwright

    from pages_capture import KEY

    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        print("no browser: the viewer's first picture was not measured")
        return []
    took, requests, cpu = [], [], []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser, args=["--no-proxy-server", "--no-sandbox"])
        for _ in range(TURNS):
            context = started.new_context()
            context.add_cookies([{"name": "_token", "value": token, "url": url}])
            page = context.new_page()
            began, worked = time.perf_counter(), time.process_time()
            page.goto(f"{url}/capture360/view/{KEY}", wait_until="commit")
            page.wait_for_selector(".cube[data-quality=small], .cube[data-quality=full]")
            took.append(time.perf_counter() - began)
            cpu.append(time.process_time() - worked)
            requests.append(1 + page.evaluate("performance.getEntriesByType('resource').length"))
            context.close()
        started.close()
    return [
        Figure("first picture of the viewer, in a browser", min(took), "s", LIMIT_S),
        Figure("CPU of the web server up to there", min(cpu), "s"),
        Figure("requests of the browser up to there", min(requests)),
    ]


def got(client: httpx.Client, path: str) -> bytes:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.content


def reads(cdf: str) -> int:
    return int(httpx.get(f"{cdf}/sandbox/counters", trust_env=False).raise_for_status().json()["read"])


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:2])))
