"""
### Captures: review

Asks people about the links that were only suggested, page by page, with the picture of the plate, the text as it was
read and the tags that it may be. Their decisions are written to CDF, and no run changes them again.

**When it runs.** When **captures_contextualize** has suggested links. By hand: *Trigger*, and give `capture`.

**What the tasks do.** `lay_out` makes pages of 20 plates, the most certain first; a plate is shown once, in its best
view, and what is decided holds for all views of it. `ask` shows a page and waits: open it under *Required Actions* and
follow *Decide plate by plate*, a page with all views of each plate where answers are stored when they are given;
*Finish* there answers all pages. Or choose one of *Approve all*, *Reject all*, *Decide one by one* or *Leave as they
are* (which writes what was decided plate by plate so far), and give the numbers of exceptions or decisions such as
`1, 3b, 5-8`: a letter names another tag than the suggested one. Where two tags are equally likely,
approving all leaves the plate as it is unless all but one are rejected. `apply` writes the answer to that page at once,
without waiting for the other pages; who decided what, and when, is in the records. The same answer can be given by the
REST API: `PATCH .../taskInstances/pages.ask/{map_index}/hitlDetails`. A page that is answered within the second in
which it appears may show a failed try: its retry takes the answer that was given, and nobody is asked twice.

**Without an answer.** After two weeks a page ends by itself: what was answered on the review page is written, all other
suggestions stay as they are. Waiting holds no worker, no lease and no other capture. When a capture was delivered,
matched or asked about anew meanwhile, an answer to the older review is skipped with that reason, and changes nothing.

**When it fails.** The numbers of an answer were not understood, or contradict the choice: nothing was changed. Clear
that page's `ask` task with all downstream to be asked again. Any task can be cleared with all downstream at any time.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, PartitionedAssetTimetable, task, task_group

from airflow_capture360.assets import captures_to_review
from airflow_capture360.context import capture_of_run
from airflow_capture360.defaults import capture_params, task_defaults
from airflow_capture360.operators import AskAboutLinks
from airflow_capture360.policies import CaptureRetryPolicy
from airflow_capture360.tasks import review

SOON_AGAIN: dict[str, Any] = {
    "retries": 20,
    "retry_delay": timedelta(seconds=5),
    "max_retry_delay": timedelta(minutes=1),
}
"""Short waits, since a person may be waiting at the page."""

with DAG(
    dag_id="captures_review",
    schedule=PartitionedAssetTimetable(assets=captures_to_review),
    catchup=False,
    max_active_runs=1000,  # runs that wait for people must not keep others from starting
    params=capture_params(),
    default_args=task_defaults(timedelta(hours=1)),
    tags=["capture360"],
    doc_md=__doc__,
):
    capture = task(task_id="capture_key")(capture_of_run)()
    pages = task(task_id="lay_out")(review.lay_out)(capture)

    @task_group(group_id="pages")
    def ask_and_apply(capture: str, page: dict[str, Any]) -> None:
        """Each page is answered and applied on its own."""
        ask = AskAboutLinks(
            task_id="ask",
            capture=capture,
            page=page,
            response_timeout=timedelta(days=14),
            **SOON_AGAIN,
            map_index_template="{{ label }}",
        )
        apply = task(
            task_id="apply",
            **SOON_AGAIN,
            retry_policy=CaptureRetryPolicy(waits_for_lease=True),
            max_active_tis_per_dagrun=1,  # one page at a time holds the lease
            map_index_template="{{ label }}",
        )
        apply(review.apply)(capture, page, ask.output)

    ask_and_apply.partial(capture=capture).expand(page=pages)
