"""
### Captures: contextualize

Reads the tag plates on a published capture's images and links them to assets. What is certain is approved by itself,
the rest is suggested; a wrong link is worse than none.

**When it runs.** When **captures_ingest** has published the capture. By hand: *Trigger*, and give `capture`.

**What the tasks do.** `lease` takes the capture for this run and waits while another run writes it. `plan` counts the
images. `detect` reads batches of faces side by side, each face once whatever happens; while a service of CDF reads them
it holds no worker. `match` compares the texts with
the site's assets and writes the report (button *Match report*). `annotate` makes the links in CDF what the report
says, but for what people decided: a rejected link never comes back, an approved one is never changed.
`announce_review` has **captures_review** ask people about what is suggested, and is skipped when nothing is. `release`
gives the capture free, whatever happened.

**When it fails.** The alert names what is wrong: the extra `ocr` is not installed, the site's assets are not there, the
file of manual matches has a mistake. Mend it and clear the failed task. Any task can be cleared with all downstream at
any time: what is there already is not written twice.

**Pools.** `ocr` limits how many batches are read at once, over all captures: each takes a core and a gigabyte.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, PartitionedAssetTimetable, chain, task

from airflow_capture360.assets import captures_to_review, published_captures
from airflow_capture360.defaults import capture_params, task_defaults
from airflow_capture360.links import MatchReportLink
from airflow_capture360.operators import ReadTexts
from airflow_capture360.policies import WAITING_FOR_LEASE
from airflow_capture360.tasks import contextualize, ingest

with DAG(
    dag_id="captures_contextualize",
    schedule=PartitionedAssetTimetable(assets=published_captures),
    catchup=False,
    max_active_runs=4,
    params=capture_params(),
    default_args=task_defaults(timedelta(hours=12)),
    on_success_callback=ingest.release_after_run,
    on_failure_callback=ingest.release_after_run,
    tags=["capture360"],
    doc_md=__doc__,
):

    @task(**WAITING_FOR_LEASE)
    def lease() -> str:
        """One writer a capture; waits for the run that holds it."""
        return contextualize.wait_for_lease()

    @task
    def plan(capture: str) -> list[dict[str, Any]]:
        """The batches of images."""
        return contextualize.plan(capture)

    @task
    def match(capture: str, batches: list[dict[str, Any]]) -> dict[str, int]:
        """From texts to assets."""
        return contextualize.match(capture, batches)

    @task
    def annotate(capture: str, batches: list[dict[str, Any]]) -> dict[str, int]:
        """The links in CDF."""
        return contextualize.annotate(capture, batches)

    @task(outlets=[captures_to_review])
    def announce_review(capture: str, batches: list[dict[str, Any]]) -> int:
        """People are asked about what is suggested."""
        return contextualize.announce_review(capture, batches)

    @task
    def release(capture: str) -> None:
        """The capture is free for the next run."""
        ingest.release_lease(capture)

    capture = lease()
    batches = plan(capture)
    read = ReadTexts.partial(task_id="detect", capture=capture, pool="ocr", map_index_template="{{ label }}").expand(
        batch=batches
    )
    matched = match(capture, batches)
    linked = annotate(capture, batches)
    matched.operator.operator_extra_links = [MatchReportLink()]
    asked = announce_review(capture, batches)
    chain(capture.as_setup(), batches, read, matched, linked, asked, release(capture).as_teardown(setups=capture))
