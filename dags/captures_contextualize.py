"""
### Captures: contextualize

Reads the tag plates on a published capture's images and links them to assets. Certain matches are approved at once,
the rest is suggested; a wrong link is worse than none.

**When it runs.** When **captures_ingest** has published the capture. By hand: *Trigger*, and give `capture`.

**What the tasks do.** `lease` takes the capture for this run and waits while another run writes it. `plan` counts the
images. `detect` reads batches of faces side by side, each face once; while a service of CDF reads them
it holds no worker. `match` compares the texts with
the site's assets and writes the report (button *Match report*). `annotate` writes the links of the report to CDF,
except where people have decided: on the pictures that they saw, and on later ones from there that show the same tag, a
rejected link never comes back, and an approved one is never changed.
`announce_review` triggers **captures_review** for what is suggested, or to end the review that waits where nothing
is left to decide, and is skipped otherwise. `release`
releases the capture in every case, and reports how the run ended to the site's `extraction_pipeline` in CDF, if it
names one.

**When it fails.** The alert names what is wrong: the extra `ocr` is not installed, the site's assets are missing, the
file of manual matches has a mistake. Fix it and clear the failed task. Any task of the newest run can be cleared with
all downstream at any time: what is there already is not written twice. After the capture is published again, a task of
an older run changes nothing and says so.

**Pools.** `ocr` limits how many batches are read at once, over all captures: each takes a core and a gigabyte.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, PartitionedAssetTimetable, chain, task

from airflow_capture360.assets import captures_to_review, published_captures
from airflow_capture360.defaults import capture_params, task_defaults
from airflow_capture360.links import CAPTURE_PAGE, MATCH_REPORT
from airflow_capture360.operators import ReadTexts
from airflow_capture360.tasks import contextualize, lease, status
from airflow_capture360.waiting import when_released

with DAG(
    dag_id="captures_contextualize",
    schedule=PartitionedAssetTimetable(assets=published_captures),
    catchup=False,
    max_active_runs=4,
    params=capture_params(),
    default_args=task_defaults(timedelta(hours=12)),
    on_success_callback=lease.release_after_run,
    on_failure_callback=lease.release_after_run,
    tags=["capture360"],
    doc_md=__doc__,
):
    taken = when_released(task_id="lease")(lease.wait_for_lease)()
    batches = task(task_id="plan")(contextualize.plan)(taken)
    detect = ReadTexts.partial(task_id="detect", capture=taken, pool="ocr", map_index_template="{{ label }}")
    detected = detect.expand(batch=batches)
    matched = task(task_id="match")(contextualize.match)(taken, batches)
    linked = task(task_id="annotate")(contextualize.annotate)(taken, batches)
    review = task(task_id="announce_review", outlets=[captures_to_review])
    announced = review(contextualize.announce_review)(taken, batches)
    released = task(task_id="release")(status.release_and_report)(taken)

    matched.operator.operator_extra_links = [MATCH_REPORT, CAPTURE_PAGE]
    chain(taken.as_setup(), batches, detected, matched, linked, announced, released.as_teardown(setups=taken))
