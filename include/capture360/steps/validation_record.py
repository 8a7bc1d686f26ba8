"""What the validation of a delivery recorded, for later steps."""

from __future__ import annotations

from capture360.capture_document import capture_from_document
from capture360.capture_state import VALIDATE
from capture360.errors import MissingStepError
from capture360.model import Capture, CaptureKey, Verdict
from capture360.records import Records
from capture360.steps.refusal import rejection

CAPTURE = "capture"
"""Record of the validated capture, separate from the verdict since it is large."""
SUITES = "great_expectations"
"""The record of Great Expectations' own validation results, one a suite that ran."""


def recorded_capture(records: Records, key: CaptureKey, fingerprint: str) -> Capture:
    """Return the capture as validated; CaptureRejected if it was rejected, MissingStepError if never validated."""
    verdict = records.get(key, fingerprint, VALIDATE)
    capture = validated_capture(records, key, fingerprint)
    if verdict is not None and verdict.body["verdict"] == Verdict.REJECTED.value:
        raise rejection(key, fingerprint, verdict.body["headline"])
    if verdict is None or capture is None:
        raise MissingStepError(key, f"delivery {fingerprint} has no accepted validation", "validate")
    return capture


def validated_capture(records: Records, key: CaptureKey, fingerprint: str) -> Capture | None:
    """Return the capture as validated last, for what a delivery has written; None if it was never validated.

    A delivery that was published may be rejected today, such as after a change of the check settings.
    """
    record = records.get(key, fingerprint, CAPTURE)
    return None if record is None else capture_from_document(record.body)
