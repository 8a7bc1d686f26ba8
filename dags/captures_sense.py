"""
### Captures: sense

Looks at every site's landing zone and announces each complete capture once: its key `<site>/<capture>` becomes a
partition of the asset `captures`, and **captures_ingest** runs once for it.

**When it runs.** The watcher on the landing zone wakes it a few seconds after something has changed there; it
also runs every ten minutes, in case the triggerer was down. It can be triggered by hand at any time. It cannot be
backfilled: what it announces depends on what is there
now.

**When a capture is complete.** A marker file (`_READY`) lies in its folder, or its manifest's count of files is
reached, or nothing has changed in it for the site's `quiet_period`. When a capture is delivered again, a marker counts
that was written anew, after the other files, and the quiet period. Until then the log says what is missing.

**What it repeats.** A ready capture whose ingest did not end (ingest was paused, a run was lost) is announced again
after the site's `retrigger_after`, unless a run holds its lease; once its delivery has passed the checks and its
runs fail, each time after twice the wait, up to a day. While runs of **captures_ingest** wait in Airflow's queue, its
own may be among them, so it is announced again only after a day. A published capture that was not contextualized
is announced to the next DAG again, each time after twice the wait (`hand_on`), and so is one whose suggested links
were never shown for review (`hand_on_suggested`), whether its files are still in the landing zone or not.

A lease that an ended run left behind is released. An alert that could not be posted, since the webhook, the database
or the secrets backend was down, is posted later: as long as its cause stands, otherwise for a day (`send_alerts`).

**When something hangs.** A try of `sense` ends after half an hour, one of the other tasks after three minutes, and a
run after 40 minutes: what it did not announce is announced by the next one.

**When it fails.** `complain` fails, once, when something new is wrong in a landing zone or the register: a site in
error, a folder that is no capture, a link. It never hides the other sites; what is still wrong is in the log of every
run. CDF is not needed here: `report_alive`, which tells extraction pipelines that sensing is alive, never fails.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable, task

from airflow_capture360 import alerts
from airflow_capture360.assets import captures, captures_to_review, landing_zone, published_captures
from airflow_capture360.defaults import BESIDE_A_LOOK, task_defaults
from airflow_capture360.tasks import sense

with DAG(
    dag_id="captures_sense",
    schedule=AssetOrTimeSchedule(assets=[landing_zone], timetable=CronTriggerTimetable("*/10 * * * *", timezone="UTC")),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=40),  # what hangs must not hold the next look for longer than watch.sensed_within
    allowed_run_types=["scheduled", "asset_triggered", "manual"],
    default_args=task_defaults(BESIDE_A_LOOK, first=True),
    tags=["capture360"],
    doc_md=__doc__,
):
    sensed = task(task_id="sense", outlets=[captures], execution_timeout=timedelta(minutes=30))(sense.sense)()
    handed_on = task(task_id="hand_on", outlets=[published_captures], trigger_rule="none_failed")(
        sense.hand_on_published
    )()
    asked = task(task_id="hand_on_suggested", outlets=[captures_to_review], trigger_rule="none_failed")(
        sense.hand_on_suggested
    )()
    complained = task(task_id="complain", trigger_rule="none_failed")(sense.complain)()
    sent = task(task_id="send_alerts", trigger_rule="all_done")(alerts.settle_and_send)()
    alive = task(task_id="report_alive", trigger_rule="none_failed")(sense.report_alive)()
    sensed >> [handed_on, asked, complained, sent, alive]
