"""Metrics of captures, sent by Airflow's own metrics: to StatsD, Datadog or OpenTelemetry as `[metrics]` configures.

`METRICS` is the table that `capture360 docs` writes to docs/reference/metrics.md. Tags are ids of the register, ids of
DAGs and tasks, and words of this module: never a text from outside. Sending never fails a task. Plain StatsD knows no
tags; the values are appended to the name there, as Airflow does with its own older names.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

log = logging.getLogger(__name__)

_VALUE = re.compile(r"[A-Za-z0-9_.-]{1,100}\Z")
_OTHER = "other"
_TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table. `tags` describes the values of each tag; `name` follows Airflow's prefix."""

    name: str
    kind: Literal["counter", "gauge", "timer"]
    tags: Mapping[str, str]
    meaning: str

    def add(self, count: int = 1, /, **tags: str) -> None:
        """Add to a counter."""
        self._send(count, tags)

    def set(self, value: float, /, **tags: str) -> None:
        """Set a gauge."""
        self._send(value, tags)

    def took(self, span: timedelta, /, **tags: str) -> None:
        """Send a duration."""
        self._send(span, tags)

    def _send(self, value: float | timedelta, tags: Mapping[str, str]) -> None:
        try:
            self._send_to_airflow(value, {name: _bounded(tags[name]) for name in self.tags})
        except Exception as error:  # noqa: BLE001 - backends raise anything, and a metric must not fail a task
            log.warning("The metric %s was not sent (%s).", self.name, type(error).__name__)

    def _send_to_airflow(self, value: float | timedelta, tags: dict[str, str]) -> None:
        from airflow.sdk.observability import stats

        tagged = _backend_knows_tags()
        if tagged is None:
            return
        name = self.name if tagged else ".".join((self.name, *(each.replace(".", "__") for each in tags.values())))
        if isinstance(value, timedelta):
            stats.timing(name, value, tags=tags)
        elif self.kind == "gauge":
            stats.gauge(name, value, tags=tags)
        elif value:
            stats.incr(name, int(value), tags=tags)


def _bounded(value: str) -> str:
    return value if _VALUE.match(value) else _OTHER


def _backend_knows_tags() -> bool | None:
    """Return whether the configured backend takes tags; None if there is none. The order is Airflow's own."""
    from airflow.sdk import conf

    if conf.getboolean("metrics", "statsd_datadog_enabled"):
        return conf.getboolean("metrics", "statsd_datadog_tags", fallback=True)
    if conf.getboolean("metrics", "statsd_on"):
        return conf.getboolean("metrics", "statsd_influxdb_enabled", fallback=False)
    return True if conf.getboolean("metrics", "otel_on") else None


_SITE = {"site": "id of a site"}
CAPTURES = Metric(
    "capture360.captures",
    "gauge",
    {**_SITE, "state": "waiting, rejected, published, contextualized, retracted"},
    "Captures of the records by what sensing knows of them; each look of captures_watch sets it. A capture is waiting "
    "until sensing has nothing left to do for it.",
)
FINDINGS = Metric(
    "capture360.findings", "gauge", {}, "What captures_watch found at its last look; 0 means that all is well."
)
REACHED = Metric(
    "capture360.reached",
    "counter",
    {**_SITE, "state": "accepted, partial, rejected, published, contextualized, retracted"},
    "Captures that reached a state; repetitions count again.",
)
STATIONS = Metric(
    "capture360.stations", "counter", {**_SITE, "outcome": "accepted, held_back"}, "Stations of validated captures."
)
FACES = Metric(
    "capture360.faces",
    "counter",
    {**_SITE, "outcome": "uploaded, found"},
    "Faces that were uploaded, and those that CDF had already.",
)
BYTES = Metric("capture360.bytes", "counter", {**_SITE, "kind": "faces, scans"}, "Bytes that were uploaded to CDF.")
TEXTS = Metric("capture360.texts", "counter", _SITE, "Texts that were read on faces.")
PLATES = Metric(
    "capture360.plates",
    "counter",
    {**_SITE, "outcome": "linked, asked, missed"},
    "Plates of contextualized captures: linked, only suggested, and dropped although similar to a tag.",
)
QUESTIONS = Metric(
    "capture360.questions",
    "counter",
    {**_SITE, "outcome": "asked, approved, rejected, left"},
    "Suggested links that people were asked about, and what they answered; left are those that nobody decided.",
)
STEP = Metric(
    "capture360.step_duration",
    "timer",
    {**_SITE, "dag": "id of a DAG", "step": "id of a task"},
    "Time of a step on a capture, without what Airflow takes around it; failed ones count too.",
)
REQUESTS = Metric(
    "capture360.cdf_requests",
    "counter",
    {**_SITE, "status": "2xx, 3xx, 4xx, 429, 5xx"},
    "Answers of CDF and its file storage, each try by itself; 429 is CDF's rate limit and is not among 4xx. Requests "
    "for tokens are not counted.",
)
METRICS = (CAPTURES, FINDINGS, REACHED, STATIONS, FACES, BYTES, TEXTS, PLATES, QUESTIONS, STEP, REQUESTS)


@contextmanager
def of_step(site: str) -> Iterator[None]:
    """Send the duration of a step and the counts of CDF's answers during it, however the step ends."""
    began = time.monotonic()
    try:
        yield
    finally:
        _send_step(site, timedelta(seconds=time.monotonic() - began))


def _send_step(site: str, span: timedelta) -> None:
    try:
        from airflow.sdk import get_current_context

        from capture360.cdf.answers import take_counts

        instance = get_current_context()["ti"]
        STEP.took(span, site=site, dag=instance.dag_id, step=instance.task_id)
        for status, count in take_counts().items():
            shown = str(status) if status == _TOO_MANY else f"{status // 100}xx"
            REQUESTS.add(count, site=site, status=shown)
    except Exception as error:  # noqa: BLE001 - backends raise anything, and a metric must not fail a task
        log.warning("Metrics of a step were not sent (%s).", type(error).__name__)


def of_captures(site: str, states: Mapping[str, int]) -> None:
    """Set the number of captures of a site in each state; 0 for states not named."""
    for state in CAPTURES.tags["state"].split(", "):
        CAPTURES.set(states.get(state, 0), site=site, state=state)
