"""The verdict on a delivery that passes the checks and is refused while it is written.

What is refused for good by the delivery itself would be ingested again for ever, and what CDF shows of the capture
would wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from capture360.capture_state import FLOOR_PLAN, VALIDATE, VALIDATION_REPORT
from capture360.checks.validation import PlanPoint, RuleCount, Validation
from capture360.errors import CaptureRejected, MissingStepError
from capture360.model import CaptureKey, Verdict
from capture360.reports.validation import BAD_ROWS, bad_rows_csv, render
from capture360.rules.finding import Finding
from capture360.steps.context import StepContext
from capture360.steps.republish_guard import SilentChangeError

_More = ParamSpec("_More")
_Done = TypeVar("_Done")


def rejects_silent_changes(
    step: Callable[Concatenate[StepContext, CaptureKey, str, _More], _Done],
) -> Callable[Concatenate[StepContext, CaptureKey, str, _More], _Done]:
    """Decorate a step that writes a delivery: a silent change that it meets becomes the verdict on the delivery."""

    @wraps(step)
    def judging(
        ctx: StepContext, key: CaptureKey, fingerprint: str, /, *args: _More.args, **kwargs: _More.kwargs
    ) -> _Done:
        with rejecting_silent_changes(ctx, key, fingerprint):
            return step(ctx, key, fingerprint, *args, **kwargs)

    return judging


@contextmanager
def rejecting_silent_changes(ctx: StepContext, key: CaptureKey, fingerprint: str) -> Iterator[None]:
    """Raise CaptureRejected, once it is recorded, where the block raises SilentChangeError."""
    try:
        yield
    except SilentChangeError as error:
        headline, is_new = _reject(ctx, key, fingerprint, error.finding)
        raise rejection(key, fingerprint, headline, is_new=is_new) from error


def rejection(key: CaptureKey, fingerprint: str, headline: str, *, is_new: bool = False) -> CaptureRejected:
    """Return the error that a delivery was rejected, with its report."""
    return CaptureRejected(headline, report=f"{key}/{fingerprint}/{VALIDATION_REPORT}", is_new=is_new)


def _reject(ctx: StepContext, key: CaptureKey, fingerprint: str, finding: Finding) -> tuple[str, bool]:
    """Record the delivery as rejected, report included, and return the headline; that of another batch if it did.

    The second value is false in that case.
    """
    records = ctx.records
    known = records.get(key, fingerprint, VALIDATE)
    if known is None:
        raise MissingStepError(key, f"delivery {fingerprint} has no accepted validation", "validate")
    if known.body["verdict"] == Verdict.REJECTED.value:
        return str(known.body["headline"]), False
    plan = records.get(key, fingerprint, FLOOR_PLAN)
    rejected = Validation(
        key,
        Verdict.REJECTED,
        None,
        (finding, *(Finding.from_document(each) for each in known.body["findings"])),
        quarantined=known.body["quarantined"],
        counts=(RuleCount(finding.rule, known.body["accepted"], 1),),
        plan=tuple(PlanPoint(**point) for point in plan.body["points"]) if plan else (),
        stations=known.body["stations"],
    )
    _, _, row = bad_rows_csv(Validation(key, Verdict.REJECTED, None, (finding,))).partition(b"\n")
    records.put_report(key, fingerprint, BAD_ROWS, (records.report(key, fingerprint, BAD_ROWS) or b"") + row)
    records.put_report(key, fingerprint, VALIDATION_REPORT, render(rejected, ctx.folder(key)))
    body = {
        **known.body,
        "verdict": rejected.verdict.value,
        "headline": rejected.headline,
        "accepted": 0,
        "findings": [each.document() for each in rejected.findings],
    }
    records.put(key, fingerprint, VALIDATE, body, run=ctx.run)
    ctx.log(rejected.headline)
    return rejected.headline, True
