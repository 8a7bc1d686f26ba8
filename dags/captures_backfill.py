"""
### Captures: backfill

Does the work that is due on captures by the date when they were taken: ingests those that are not published,
contextualizes those that are not, and does again what changed. One run a date; the partition key at the head of the run
is the date.

**When it runs.** When somebody chooses *Trigger, Backfill* and a range of dates, both included; or `airflow backfill
create --dag-id captures_backfill --from-date 2026-05-01 --to-date 2026-05-31`, or `POST /api/v2/backfills`. It is
never scheduled. *Single Run* in the same dialog is for one date: give it in `date`; the logical date that the dialog
offers says nothing. The dates are those of the sites' own time zones, as validation found them; a capture that was
never validated has no date yet, and **captures_sense** announces it.

**What it does.** `what` is `ingest`, `contextualize` or `both`, `site` limits it to one site. `look` compares each
capture of the date with its records. Ingest is due when a capture is not published, when its files changed, and when
validation rules, check settings or other settings of the site are new. Contextualizing is due when it has not come to
its end, and when asset list, list of critical assets, matching settings, manual matches, calibration or detection
settings are new. What is due is announced to **captures_ingest** and **captures_contextualize**; `wait_for_ingest` and
`wait_for_contextualize` poll the records without holding a worker, and give up on a capture that no run holds for
`watch.begun_within` or `watch.contextualized_within` of its site. `confirm` is green when every capture of the date
reached its end. What did not change is not written again. `capture360 plan` says before what would be done.

**Missing Runs or All Runs.** *Missing Runs* makes a run for each date that has none yet; *Missing and Errored Runs*
repeats failed dates too; *All Runs* looks at every date again, and does again what changed since.

**When it fails.** At once while the DAG that it needs is paused: unpause it. `confirm` fails with the captures that did
not reach their end and the reason of each: rejected, its files missing, its site's settings wrong, or its run failed.
Fix that, then clear the run with all its tasks: captures that reached their end meanwhile are left alone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, Param, chain, task

from airflow_capture360.assets import captures, published_captures
from airflow_capture360.defaults import task_defaults
from airflow_capture360.operators import WaitForCaptures
from airflow_capture360.tasks import backfill
from airflow_capture360.timetables import CaptureDates

with DAG(
    dag_id="captures_backfill",
    schedule=CaptureDates(),
    start_date=datetime(2000, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=4,
    allowed_run_types=["scheduled", "backfill", "manual"],  # without manual Airflow's button to the dialog is disabled
    params={
        "what": Param(
            "both",
            enum=["ingest", "contextualize", "both"],
            title="What",
            description="What is to be done where it is due. Missing Runs leaves out dates that had a run, also if "
            "captures came later. All Runs looks at every date, and does again only what is due. "
            "In a backfill, Airflow ignores this form unless Override parameters on existing runs is ticked.",
        ),
        "site": Param(
            None,
            type=["null", "string"],
            title="Site",
            description="One site alone; all if empty. In a backfill, see above.",
        ),
        "date": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Capture date of a single run",
            description="Leave it empty in a backfill, whose runs have their dates.",
        ),
    },
    default_args=task_defaults(timedelta(hours=1)),
    tags=["capture360"],
    doc_md=__doc__,
):
    found = task(task_id="look", multiple_outputs=True)(backfill.look)()
    ingest = task(task_id="ingest", outlets=[captures])(backfill.announce_to_ingest)(found)
    ingested = WaitForCaptures(
        task_id="wait_for_ingest", what="ingest", waiting=found["ingest"], trigger_rule="none_failed"
    )
    contextualize = task(task_id="contextualize", outlets=[published_captures])(backfill.announce_to_contextualize)
    announced = contextualize(found)
    still = task(task_id="still_to_contextualize", multiple_outputs=False)(backfill.still_to_contextualize)
    waited = still(found, ingested.output)
    contextualized = WaitForCaptures(
        task_id="wait_for_contextualize", what="contextualize", waiting=waited, trigger_rule="none_failed"
    )
    confirm = task(task_id="confirm")(backfill.confirm)(found, ingested.output, contextualized.output)

    chain(found, ingest, ingested)
    chain(found, announced, contextualized, confirm)
