"""
### Captures: reconcile

Compares what the records say of published captures with what CDF shows, and reports what was lost or changed: images,
face files and links that are missing, links by capture360 that no record contains, lost notes of links and decisions,
collections and images that no records know, images that an earlier extraction left.

**When it runs.** Every night. By hand: *Trigger*.

**What the tasks do.** `sites` reads the register. `compare` checks the captures of one site; one that a run is
writing is skipped. Nothing is written to CDF, nor to the records of captures, and what people changed in CDF is theirs.
Then `send_digests` sends the digest of each site whose `digest` is `daily` or `weekly`, once for each day or week that
has ended, to the addresses of alerts; it is skipped when none is due.

**When it fails.** `compare` fails when something is wrong, with a sentence for each: what, where and how to fix it.
It does so every night until that is fixed. While notes of a capture's links are lost,
**captures_contextualize** and **captures_review** refuse it, for they would undo what people decided; the sentence says
how to restore them.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, CronTriggerTimetable, task

from airflow_capture360.defaults import task_defaults
from airflow_capture360.tasks import digest, reconcile

with DAG(
    dag_id="captures_reconcile",
    schedule=CronTriggerTimetable("30 2 * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    allowed_run_types=["scheduled", "manual"],
    default_args=task_defaults(timedelta(hours=12)),
    tags=["capture360"],
    doc_md=__doc__,
):
    sites = task(task_id="sites")(reconcile.sites)()
    compared = task(task_id="compare", map_index_template="{{ label }}")(reconcile.compare).expand(site=sites)
    sent = task(task_id="send_digests", trigger_rule="all_done")(digest.send_digests)()
    ended = EmptyOperator(task_id="end_compare")  # a digest that was sent must not make a failed run a success
    compared >> [sent, ended]
