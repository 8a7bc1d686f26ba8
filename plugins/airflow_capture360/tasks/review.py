"""Tasks of captures_review: each calls one step of `capture360.steps.review`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360 import metrics
from airflow_capture360.context import capture_context, page_path
from airflow_capture360.run_state import is_finished
from airflow_capture360.tasks.lease import release_lease

log = logging.getLogger(__name__)


def lay_out(capture: str) -> dict[str, Any]:
    """Begin a review and return it. Skip the run if nothing is left to ask.

    An announced run asks about new suggestions only, and is skipped while another one waits for answers about the
    same. A run by hand asks about everything undecided, and makes the reviews of other runs stale.
    """
    from dataclasses import asdict

    from capture360.capture_state import STAGE_STEPS
    from capture360.errors import MissingStepError
    from capture360.steps.review import begin
    from capture360.steps.review_due import asking_run

    with capture_context(capture, lock=False) as (ctx, key):
        state = ctx.records.load(key, only=STAGE_STEPS)
        if state is None:
            raise MissingStepError(key, "it is not in the records", "captures_ingest and captures_contextualize")
        announced = bool(get_current_context()["dag_run"].partition_key)
        if announced:
            other = asking_run(ctx.records, key, state.fingerprint, ctx.run, is_finished)
            if other:
                raise AirflowSkipException(f"{other} asks about the same suggestions.")
        review = begin(ctx, key, state.fingerprint, unasked=is_finished if announced else None)
    if not review.suggestions:
        raise AirflowSkipException("Nothing is left for a person to decide.")
    metrics.QUESTIONS.add(review.suggestions, site=key.site, outcome="asked")
    return asdict(review)


def notice_of(capture: str, review: Mapping[str, Any]) -> tuple[str, str]:
    """Return heading and Markdown of a review's Required Action."""
    from capture360.reports.review import notice
    from capture360.text import counted

    return f"{capture}: {counted(review['suggestions'], 'plate')} to decide", notice(page_path(f"review/{capture}"))


def apply(capture: str, review: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """Write the decisions of a review; return counts. An answer that comes too late is logged and skipped."""
    from capture360.steps.review import Response, Review, apply

    given, user = answer["params_input"] or {}, answer["responded_by_user"]
    response = Response(
        choice=answer["chosen_options"][0],
        approve=given.get("approve") or "",
        reject=given.get("reject") or "",
        by=user and str(user["name"]),
        at=str(answer["responded_at"]),
    )
    try:
        with capture_context(capture) as (ctx, key):
            done = apply(ctx, key, Review(**review), response)
    finally:
        release_lease(capture)
    metrics.QUESTIONS.add(done.approved, site=key.site, outcome="approved")
    metrics.QUESTIONS.add(done.rejected, site=key.site, outcome="rejected")
    metrics.QUESTIONS.add(done.left, site=key.site, outcome="left")
    if done.stale:
        log.warning("%s", done.stale)
        raise AirflowSkipException(done.stale)
    return {"approved": done.approved, "rejected": done.rejected, "left": done.left, "sentences": len(done.sentences)}
