"""Tasks of captures_review: each calls one step of `capture360.steps.review`."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360 import metrics
from airflow_capture360.context import capture_context, page_path
from airflow_capture360.run_state import is_by_hand, is_finished, is_run_of, run_id_of
from airflow_capture360.tasks.lease import release_lease
from capture360 import dag_names
from capture360.errors import MissingStepError
from capture360.steps.review_dag import APPLY, ASKS
from capture360.text import counted

if TYPE_CHECKING:
    from capture360.steps.review import Response

__all__ = ["APPLY", "ASKS", "apply", "examine", "lay_out", "notice_of", "older_runs"]

log = logging.getLogger(__name__)


def lay_out(capture: str) -> dict[str, Any]:
    """Begin a review and return it, with the runs whose reviews it replaces. Skip the run if it has no purpose.

    An announced run asks about new suggestions only, and is skipped while another one waits for answers about the
    same. A run by hand asks about everything undecided. A run whose review another one has replaced is skipped.
    LeaseHeldError while another run writes the capture, whose decisions are completed from CDF before.
    """
    from dataclasses import asdict, replace

    from capture360.capture_state import Stage
    from capture360.steps.review import begin
    from capture360.steps.review_due import asking_run, replaced_runs, shown_state

    try:
        with capture_context(capture) as (ctx, key):
            state = shown_state(ctx.records, key)
            if state is None:
                raise MissingStepError(key, "it is not in the records", "captures_ingest and captures_contextualize")
            by_hand = is_by_hand(get_current_context()["dag_run"])
            anew = by_hand or state.stage is Stage.RETRACTED
            other = asking_run(ctx.records, key, state.fingerprint, ctx.run, is_finished, by_hand=anew)
            if other:
                again = "To ask again, trigger a new run by hand."
                raise AirflowSkipException(f"{other} asks in place of this run. {again}")
            review = begin(ctx, key, state.fingerprint, unasked=None if by_hand else is_finished)
            older = replaced_runs(ctx.records, key, ctx.run, is_finished)
    finally:
        release_lease(capture)
    if not review.suggestions and not older:
        raise AirflowSkipException("Nothing is left for a person to decide.")
    metrics.QUESTIONS.add(review.suggestions, site=key.site, outcome="asked")
    return asdict(replace(review, replaces=[run_id_of(run) for run in older if is_run_of(run, dag_names.REVIEW)]))


def older_runs(review: Mapping[str, Any]) -> list[str]:
    """Return the ids of the runs that wait for answers to older reviews."""
    return list(review["replaces"])


def notice_of(capture: str, review: Mapping[str, Any], before: Mapping[str, Any] | None) -> tuple[str, str]:
    """Return heading and Markdown of a review's Required Action; `before` is the answer that it corrects."""
    from capture360.reports.review import notice, notice_of_faults

    text = notice(page_path(f"review/{capture}"))
    heading = f"{counted(review['suggestions'], 'plate')} to decide"
    if not before:
        return f"{capture}: {heading}", text
    again = notice_of_faults(before["responded_by_user"]["name"], before["faults"])
    return f"{capture}: answer again, {heading}", f"{again}\n\n{text}"


def examine(
    capture: str, review: Mapping[str, Any], answer: Mapping[str, Any], before: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the fields of an answer to a Required Action, what is wrong with it, and what is valid of it."""
    from capture360.matching.answers import FIELDS, fields_of
    from capture360.steps.review import Review, examine

    fields, wrong = fields_of(answer["params_input"] or {}, before["kept"] if before else {})
    with capture_context(capture, lock=False) as (ctx, key):
        found = examine(ctx, key, Review(**review), _response(answer, fields, wrong))
    if found is None:
        return {"fields": fields, "wrong": wrong, "faults": [], "kept": fields}
    for sentence in found.faults:
        log.warning("%s", sentence)
    kept = dict(zip(FIELDS, found.kept, strict=True))
    return {"fields": fields, "wrong": wrong, "faults": list(found.faults), "kept": kept}


def apply(capture: str, review: Mapping[str, Any] | None, *answers: Mapping[str, Any] | None) -> dict[str, Any]:
    """Write the decisions of a review; return counts. An answer that comes too late is logged and skipped.

    `answers` are those to each time of asking: the last one of a person counts. Those after a task that was skipped,
    or after an answer that was understood, were given to an earlier review, since Airflow keeps the result of a task
    that is skipped because the one before it was.
    """
    from capture360.steps.review import Review, apply

    given = []
    for each in answers:
        if not each:
            break
        given.append(each)
        if not each["faults"]:
            break
    if review is None or not given:
        raise AirflowSkipException("Nobody was asked.")
    answer = next((each for each in reversed(given) if each["responded_by_user"]), given[-1])
    try:
        with capture_context(capture) as (ctx, key):
            done = apply(ctx, key, Review(**review), _response(answer, answer["fields"], answer["wrong"]))
    finally:
        release_lease(capture)
    metrics.QUESTIONS.add(done.approved, site=key.site, outcome="approved")
    metrics.QUESTIONS.add(done.rejected, site=key.site, outcome="rejected")
    metrics.QUESTIONS.add(done.left, site=key.site, outcome="left")
    if done.stale:
        log.warning("%s", done.stale)
        raise AirflowSkipException(done.stale)
    return {"approved": done.approved, "rejected": done.rejected, "left": done.left, "sentences": len(done.sentences)}


def _response(answer: Mapping[str, Any], fields: Mapping[str, str], wrong: Sequence[str]) -> Response:
    from capture360.steps.review import Response

    user = answer["responded_by_user"]
    return Response(
        choice=answer["chosen_options"][0],
        approve=fields["approve"],
        reject=fields["reject"],
        by=user and str(user["name"]),
        at=str(answer["responded_at"]),
        faults=tuple(wrong),
    )
