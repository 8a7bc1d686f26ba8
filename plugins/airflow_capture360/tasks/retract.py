"""Tasks of captures_retract: plan the removal, show it to people, and carry it out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360 import metrics
from airflow_capture360.answers import RETRACT
from airflow_capture360.context import capture_context, emit, page_path, register_and_records
from airflow_capture360.tasks.lease import release_lease
from capture360.errors import RequestError, RetractionError
from capture360.model import CaptureKey

log = logging.getLogger(__name__)

_NAMED = 3
"""Names of a kind on the page that people approve; all kinds are counted there."""


def plan(capture: str) -> dict[str, Any]:
    """Return a digest of the plan, how many people have to approve it, and the address of the page with all of it.

    RetractionError names what others attached; then nothing is asked and nothing removed.
    """
    from capture360.steps.retract import keep_plan, plan_retraction

    with capture_context(capture, lock=False) as (ctx, key):
        planned = plan_retraction(ctx, key)
        for line in planned.lines():
            log.info("%s", line)
        if planned.holders:
            raise RetractionError(f"{key} cannot be retracted: {' '.join(planned.holders)}")
        return {"digest": planned.digest, "approvals": ctx.site.retract_approvals, "page": keep_plan(ctx, planned)}


def page_of(capture: str, planned: Mapping[str, Any], number: int) -> tuple[str, str]:
    """Return heading and Markdown of the plan; RetractionError if it changed since."""
    from capture360.reports.escaping import for_markdown
    from capture360.steps.retract import plan_retraction

    with capture_context(capture, lock=False) as (ctx, key):
        now = plan_retraction(ctx, key)
    if now.digest != planned["digest"]:
        raise RetractionError(f"{capture} has changed since its retraction was planned.")
    who = "" if number == 1 else " (a second person)"
    lines = [f"- {for_markdown(line, len(line))}" for line in now.lines(_NAMED)]
    advice = "Files in the landing zone are not touched. To have it back, deliver it with a higher revision."
    kept = planned.get("page")  # a run that was planned before an upgrade has none
    whole = f"[The whole plan]({page_path(f'reports/{kept}')}) names all of it." if kept else ""
    page = f"[The page of the capture]({page_path(f'captures/{key}')})"
    return f"Remove {capture} from CDF?{who}", "\n".join([*lines, "", f"{whole} {page} shows what it is. {advice}"])


def undo(capture: str, planned: Mapping[str, Any], *answers: Mapping[str, Any] | None) -> dict[str, int]:
    """Remove what the capture created; return counts. Skip the run unless every person who was asked approved it."""
    from capture360.steps.retract import retract

    given = [answer for answer in answers if answer]
    if len(given) < int(planned["approvals"]) or any(answer["chosen_options"] != [RETRACT] for answer in given):
        raise AirflowSkipException("It was not approved; nothing was removed.")
    people = [str((answer["responded_by_user"] or {}).get("name") or "") for answer in given]
    if not all(people):
        raise AirflowSkipException("Nobody answered in time; nothing was removed.")
    if len(set(people)) < int(planned["approvals"]):
        raise RequestError(
            f"{people[0]} has approved twice; the site asks for two people.",
            remedy="Clear approve_again with all downstream, and let somebody else answer.",
        )
    try:
        with capture_context(capture) as (ctx, key):
            done = retract(ctx, key, approved=planned["digest"], by=", ".join(people))
            metrics.REACHED.add(site=key.site, state="retracted")
    finally:
        release_lease(capture)
    return {kind: len(some) for kind, some in done.made.by_kind().items() if some}


def end_review(capture: str) -> None:
    """Announce the capture to captures_review, which ends the review that waits; skip the task if none does."""
    from capture360.steps.review_due import review_waits

    if not review_waits(register_and_records()[1], CaptureKey.parse(capture)):
        raise AirflowSkipException("No review of it waits for answers.")
    emit([capture])
