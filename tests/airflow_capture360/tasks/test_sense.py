"""Tasks of captures_sense: what CDF does not answer holds up no scan."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360.tasks import sense

PIPELINE = "extraction_pipeline: status"


def register(landing: Path, **sites: str) -> None:
    lines = [f"  {site}: {{space: captures, {more}, landing: {{url: {landing}}}}}" for site, more in sites.items()]
    records = landing.parents[1] / "records"
    (landing.parents[1] / "sites.yaml").write_text("\n".join([f"records: {records}", "sites:", *lines]))


def test_a_cdf_that_hangs_holds_up_neither_the_run_nor_another_site(
    landing: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    register(landing, hangs=PIPELINE, answers=PIPELINE, has_none="name: x")
    released, answered = threading.Event(), threading.Event()
    reported: list[str] = []

    def report(site: str, *_: object) -> None:
        if site == "hangs":
            released.wait(60)
        reported.append(site)
        answered.set()

    def context(site: str) -> SimpleNamespace:
        return SimpleNamespace(site=site, cdf=None, log=None)

    monkeypatch.setattr("airflow_capture360.context.site_context", context)
    monkeypatch.setattr("capture360.steps.status.report_sensing", report)
    monkeypatch.setattr(sense, "LONGEST_REPORT_S", 0.2)
    sense.report_alive()
    assert answered.wait(60)
    assert reported == ["answers"]
    released.set()
    assert "The status of site hangs in CDF is not up to date: CDF does not answer." in caplog.text


def test_nothing_is_reported_where_no_site_names_a_pipeline(landing: Path) -> None:
    with pytest.raises(AirflowSkipException):
        sense.report_alive()
