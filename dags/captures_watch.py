"""
### Captures: watch

Looks for what no failing task reports, and sends the alerts: one message about each cause, however many batches and
captures it concerns, and one more when it is over.

**When it runs.** Every five minutes. It can be triggered by hand; with `test_alert` it sends a test alert too.

**What it looks for.** Sensing that has stopped; DAGs of this project that are paused, missing or cannot be imported;
runs stuck in a queue; components of Airflow that are not healthy; CDF connections that do not answer, are refused or
expire soon; leases held too long, and a store of the records that would let two runs hold one; captures that are
announced and not published, published and not contextualized, or whose suggestions nobody was asked about; reviews and
E57 extractions that take long; answers that no run has written; deliveries that stay incomplete. `watch` in the site
register holds a deadline for each.

**What the tasks do.** `look` keeps what it finds beside the records. `send_alerts` sends what is due to the addresses
in the password of the connection `capture360_alerts`; what does not arrive is sent later, for as long as its cause
stands, otherwise for a day. `test_alert` is skipped unless it was asked for.

**Import errors, stale DAGs and warnings** are known to Airflow's REST API alone: add a connection
`capture360_airflow` with login and password of a Viewer. When Airflow itself is down this DAG is, too: have something
outside ask `/capture360/health`.

**When it fails.** `look` and its run (`end_look`) fail if the records or Airflow do not answer; alerts about failed
tasks are then sent at once by those tasks. `test_alert` fails in words if the test did not arrive, and alerts nobody.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, CronTriggerTimetable, Param, task

from airflow_capture360 import alerts
from airflow_capture360.defaults import BESIDE_A_LOOK, task_defaults
from airflow_capture360.tasks import watch

with DAG(
    dag_id="captures_watch",
    schedule=CronTriggerTimetable("*/5 * * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=20),  # what hangs must not hold the next look
    allowed_run_types=["scheduled", "manual"],
    params={
        "test_alert": Param(
            False, type="boolean", title="Send a test alert", description="Sends a message that says it is a test."
        )
    },
    default_args=task_defaults(BESIDE_A_LOOK, first=True),
    tags=["capture360"],
    doc_md=__doc__,
):
    looked = task(task_id="look", execution_timeout=timedelta(minutes=5))(watch.look)()
    sent = task(task_id="send_alerts", trigger_rule="all_done")(alerts.settle_and_send)()
    tested = task(task_id="test_alert", on_failure_callback=None)(watch.test_alert)()  # whoever asked for it sees it
    ended = EmptyOperator(task_id="end_look")  # no look, no success: send_alerts alone would make the run one
    looked >> [sent, ended]
