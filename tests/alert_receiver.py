"""A local receiver of alerts that remembers what it was sent, and what Airflow hands the callback of a failed task."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any


class Receiver(ThreadingHTTPServer):
    """Answers every request with `status`, or 400 if its text begins with `refuses`.

    `received` holds the paths and the JSON documents.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[str, Any]] = []
        self.status = 200
        self.refuses: str | None = None

    @property
    def texts(self) -> list[str]:
        """The texts that plain webhooks were sent."""
        return [document["text"] for _, document in self.received]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        document = json.loads(body)
        self.server.received.append((self.path, document))
        refused = self.server.refuses is not None and str(document.get("text")).startswith(self.server.refuses)
        self.send_response(400 if refused else self.server.status)
        self.end_headers()
        self.wfile.write(b'{"requestId": "r-1"}')  # Opsgenie's answer; nobody else reads one

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port of the loopback interface."""
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def context(
    error: BaseException | None,
    partition_key: str | None = "hall-7/walk-1",
    *,
    dag: str = "captures_ingest",
    task: str = "validate",
    run: str = "manual__1",
    map_index: int = -1,
    label: str | None = None,
    cleared_since: datetime | None = None,
) -> dict[str, Any]:
    """What Airflow hands a callback, as far as it is read; a mapped task has set `label` in it before it failed."""
    return {
        "dag_run": SimpleNamespace(partition_key=partition_key, dag_id=dag, run_id=run),
        "ti": SimpleNamespace(
            task_id=task,
            try_number=1,
            map_index=map_index,
            log_url="http://127.0.0.1:8080/log",
            max_tries=6 if cleared_since is None else 7,
            start_date=cleared_since,
            task=SimpleNamespace(retries=6),
        ),
        "params": {"capture": "hall-7/by-hand"} if label is None or partition_key else {},
        "exception": error,
        **({"label": label} if label else {}),
    }
