"""
### Captures: retract

Removes one capture from CDF, as far as this project made it: bounding boxes of assets, links, images, collections,
stations, face files, 3D revisions and E57 files of scans that CDF extracted, and decisions of people that CDF keeps.
Files in the landing zone stay.

**When it runs.** By hand alone: *Trigger*, and give `capture`.

**What the tasks do.** `plan` lists everything that would go and fails if others hold on to it. `approve` shows the list
under *Required Actions* and waits for *Remove all of it* or *Keep it*; with `retract_approvals: 2` of the site a second
person is asked by `approve_again` once the first has approved it. `undo` takes the lease and removes in reverse order
of an ingest: boxes and links first, files last. It removes nothing if the capture changed since the plan. The records
then say *retracted*: sensing leaves the capture alone, and it is published again when it is delivered with a higher
`revision`. `end_review` triggers **captures_review**, which ends the review that waits for answers about it, if any.

**Without an answer.** After a week nothing is removed, and the run ends as skipped.

**When it fails.** `plan` and `undo` name what others attached: links that people made, edges, images in its
collections. Remove these or ask those who made them, then trigger a new run. If CDF did not answer, clear `undo`: it
goes on where it stopped. `capture360 retract` with `--plan` lists the same from a shell.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, task

from airflow_capture360.assets import captures_to_review
from airflow_capture360.context import capture_of_run
from airflow_capture360.defaults import capture_params, task_defaults
from airflow_capture360.operators import AskToRetract
from airflow_capture360.tasks import retract
from airflow_capture360.waiting import when_released

with DAG(
    dag_id="captures_retract",
    schedule=None,
    catchup=False,
    max_active_runs=100,  # runs that wait for people must not keep others from starting
    params=capture_params(),
    default_args=task_defaults(timedelta(hours=12)),
    tags=["capture360"],
    doc_md=__doc__,
):
    capture = task(task_id="capture_key")(capture_of_run)()
    planned = task(task_id="plan", multiple_outputs=False)(retract.plan)(capture)
    week = timedelta(days=7)
    approved = AskToRetract(task_id="approve", capture=capture, plan=planned, response_timeout=week)
    again = AskToRetract(
        task_id="approve_again",
        capture=capture,
        plan=planned,
        number=2,
        first=approved.output,
        response_timeout=week,
    )
    undo = when_released(task_id="undo", trigger_rule="none_failed")
    undone = undo(retract.undo)(capture, planned, approved.output, again.output)
    end = task(task_id="end_review", outlets=[captures_to_review])(retract.end_review)(capture)
    approved >> again >> undone >> end
