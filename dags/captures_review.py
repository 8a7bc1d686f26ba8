"""
### Captures: review

Asks people about the links that were only suggested. Their decisions are written to CDF, and no run changes them again.

**When it runs.** When **captures_contextualize** has suggested links, and when it, or **captures_retract**, has left
nothing to decide about a capture whose review waits. By hand: *Trigger*, and give `capture`.

**What the tasks do.** `lay_out` notes the questions, the most certain first, with pictures of the plates, at once or
when the run that holds the capture has ended; a plate is asked about once, and what is decided holds for all views.
`ask` waits for the answer as one Required Action, which leads to the review page: there each answer is stored when it
is given, and *Finish* answers the Required Action. `apply` then writes what was decided to CDF, at once or when the run
that holds the capture has ended; who decided what, and when, is in the records.

**Without the page.** The Required Action itself takes an answer for all plates that are not decided on the page, and
the REST API does: `PATCH .../dagRuns/{run_id}/taskInstances/ask/-1/hitlDetails` with one of *Approve the rest*,
*Reject the rest* and *Leave the rest* in `chosen_options`. What was decided on the page is written in each case, and
by *Leave the rest* that alone. Where two tags are equally likely, approving the rest leaves the plate as it is unless
all but one are rejected. `params_input` holds `approve` and `reject`: numbers of plates as the page shows them, such
as `1, 3b, 5-8`, which are decided so whatever the page says; a letter names another tag than the suggested one. An
answer that is given within the second in which the action appears may show a failed try: its retry takes that answer,
and nobody is asked twice.

**Without an answer.** After two weeks the Required Action ends by itself: what was answered on the review page is
written, all other suggestions stay as they are. Waiting holds no worker, no lease and no other capture. When a capture
is asked about anew, by a run by hand or after it was matched again, that review replaces those that wait: what was
answered on the page stays, `end_older` clears the older runs, and they end with their Required Actions. A run that was
replaced asks nothing any more when it is cleared: who wants to ask again triggers a new run by hand. An answer that
comes too late is skipped with the reason, and changes nothing.

**A mistyped answer.** Numbers that are not understood, or contradict each other, fail nothing: `ask_again` asks at
once, with the reason, and with what was valid in its fields; `ask_once_more` is the last time. Each waits its own two
weeks. In the REST API they are answered as `ask` is, with their own task ids:
`PATCH .../taskInstances/ask_again/-1/hitlDetails`. A field that is left out of `params_input` keeps what was valid. If
the last answer is mistyped too, or nobody answers again, the valid numbers are written and the rest is left.

**When it fails.** CDF or the records did not take what was decided: see the log of `apply`. Any task can be cleared
with all downstream at any time; clearing `ask` asks anew.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, PartitionedAssetTimetable, task

from airflow_capture360.assets import captures_to_review
from airflow_capture360.context import capture_of_run
from airflow_capture360.defaults import capture_params, task_defaults
from airflow_capture360.operators import AskAboutLinks, EndReplacedReview
from airflow_capture360.tasks import review
from airflow_capture360.waiting import when_released

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
    review_begun = when_released(task_id="lay_out")(review.lay_out)(capture)
    older = task(task_id="older_runs")(review.older_runs)(review_begun)
    EndReplacedReview.partial(task_id="end_older").expand(older=older)
    asked: dict[str, Any] = {
        "capture": capture, "review": review_begun, "response_timeout": timedelta(days=14), **SOON_AGAIN,
    }  # fmt: skip
    first, second, third = review.ASKS
    ask = AskAboutLinks(task_id=first, **asked)
    ask_again = AskAboutLinks(task_id=second, before=ask.output, **asked)
    ask_once_more = AskAboutLinks(task_id=third, before=ask_again.output, **asked)
    apply = when_released(task_id=review.APPLY, trigger_rule="none_failed", **SOON_AGAIN)
    apply(review.apply)(capture, review_begun, ask.output, ask_again.output, ask_once_more.output)
