"""
### Captures: ingest

Takes one capture all the way into Cognite Data Fusion: validate, upload its pictures, publish the collection, read
it back. One run per capture; the partition key at the head of the run is the capture's key `<site>/<capture>`.

**When it runs.** When **captures_sense** has announced the capture. By hand: *Trigger*, and give `capture`.

**What the tasks do.** `lease` takes the capture for this run; if another run is writing it, or has ingested the
delivery since this one was created, this one ends as skipped and says which. `validate` runs all checks and writes
the report (buttons *Validation report* and *Capture*). `route` picks the way.
Cube faces and panoramas: `faces` uploads batches of stations side by side, `publish` writes stations, collection and
images (button *Open in CDF*). After a delivery with a higher `revision` CDF shows that delivery: images of stations
that it leaves out are removed, with what only they used; a station that is held back stays as it was published. E57
scans where CDF extracts the panoramas: `upload_scans`, `take_turn`, `start_revisions` (in data modeling projects
Optimizer jobs), `wait_for_revisions` (without holding a worker), `collect`. Where captures share a space
(`e57.space`), one extraction at a time runs into it, and `take_turn` waits until that of another capture has ended;
meanwhile what is shown of the capture can be contextualized, reviewed or retracted. A higher revision removes the
images of scans that it replaces or leaves out; images of earlier deliveries that stay are named. Then `place` adds
the collection to the site's scene, if it has one, `verify` reads all of it back, and `announce` triggers
**captures_contextualize**, and is skipped where the site's `links.enabled` is false. `release` releases the capture
in every case, and reports how the run ended to the site's `extraction_pipeline` in CDF, if it names one.

**When it fails.** A rejected capture fails at `validate` at once, without retries and with nothing written to CDF: the
report says which file and row to fix; drop the fixed capture again. If CDF did not answer, the task is retried
up to six times; clear it later to continue. Any task can be cleared with all downstream at any time: what is there
already is not written twice, and a run whose delivery another one has replaced since fails and changes nothing.

**Pools.** `cdf_upload` limits how many batches upload at once, over all captures; at most 16 captures are validated at
once.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, PartitionedAssetTimetable, chain, task

from airflow_capture360.assets import captures, published_captures
from airflow_capture360.defaults import capture_params, task_defaults
from airflow_capture360.links import CAPTURE_PAGE, OPEN_IN_CDF, VALIDATION_REPORT
from airflow_capture360.operators import WaitForRevisions
from airflow_capture360.tasks import ingest, lease, status
from airflow_capture360.waiting import when_released

with DAG(
    dag_id="captures_ingest",
    schedule=PartitionedAssetTimetable(assets=captures),
    catchup=False,
    max_active_runs=100,  # runs that wait for their turn should not keep others from starting, and CDF has a queue
    params=capture_params(),
    default_args=task_defaults(timedelta(hours=12)),
    on_success_callback=lease.release_after_run,
    on_failure_callback=lease.release_after_run,
    tags=["capture360"],
    doc_md=__doc__,
):
    taken = task(task_id="lease")(lease.take_lease)()
    batches = task(task_id="validate", max_active_tis_per_dag=16)(ingest.validate)(taken)
    capture, fingerprint = batches["capture"], batches["fingerprint"]
    way = task.branch(task_id="route")(ingest.first_task_of)(batches["route"])

    faces = task(task_id="faces", pool="cdf_upload", map_index_template="{{ label }}")(ingest.upload_faces)
    uploaded = faces.partial(capture=capture).expand(batch=batches)
    published = task(task_id="publish")(ingest.publish)(capture, fingerprint)

    scans = task(task_id="upload_scans", pool="cdf_upload")(ingest.upload_scans)(capture, fingerprint)
    turn = when_released(task_id="take_turn")(ingest.take_turn)(capture)
    begin = when_released(task_id="start_revisions", pool="cdf_create")(ingest.start_revisions)
    started = begin(capture, fingerprint)
    extracted = WaitForRevisions(task_id="wait_for_revisions", capture=capture, fingerprint=fingerprint)
    collected = when_released(task_id="collect")(ingest.collect)(capture, fingerprint)

    place = task(task_id="place", trigger_rule="none_failed_min_one_success")
    placed = place(ingest.place)(capture, fingerprint)
    verified = task(task_id="verify")(ingest.verify)(capture, fingerprint)
    announced = task(task_id="announce", outlets=[published_captures])(ingest.announce_capture)(capture)
    released = task(task_id="release")(status.release_and_report)(taken)

    batches.operator.operator_extra_links = [VALIDATION_REPORT, CAPTURE_PAGE]
    for last in (published, collected):
        last.operator.operator_extra_links = [OPEN_IN_CDF, CAPTURE_PAGE]
    chain(taken.as_setup(), batches, way, uploaded, published, placed)
    chain(way, scans, turn, started, extracted, collected, placed)
    chain(placed, verified, announced, released.as_teardown(setups=taken))
