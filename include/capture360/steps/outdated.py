"""Refusal of what a task would do with a delivery that was retracted, or that another one has replaced since.

A task of an ended run that is cleared still names the delivery that its run began with, which was compared with what
was published then.
"""

from __future__ import annotations

from capture360.capture_state import PUBLISH, VALIDATE
from capture360.errors import RequestError
from capture360.model import Capture, CaptureKey
from capture360.records import Records
from capture360.steps.published import published_delivery
from capture360.steps.retracted import refuse_retracted
from capture360.steps.validation_record import recorded_capture, validated_capture


def capture_to_write(records: Records, key: CaptureKey, fingerprint: str) -> Capture:
    """Return a delivery as validated, for a step of an ingest that writes what it publishes.

    CaptureRejected if it was rejected, BadInputError if it was retracted since; RequestError if another one that
    was validated later is published. A folder that went back to an earlier delivery is validated again, so that is the
    later one.
    """
    capture = recorded_capture(records, key, fingerprint)
    refuse_retracted(records, capture)
    shown = published_delivery(records, key)
    if shown not in {None, fingerprint} and _validated_after(records, key, str(shown), fingerprint):
        raise _outdated(
            key, fingerprint, str(shown), "Nothing, unless it is to come back: then deliver it again, or run "
            "captures_ingest if it lies in the landing zone.",
        )  # fmt: skip
    return capture


def refuse_outdated(records: Records, key: CaptureKey, fingerprint: str) -> None:
    """Raise RequestError if another delivery was published since: its pictures have the same images in CDF.

    BadInputError if it was retracted since.
    """
    if (capture := validated_capture(records, key, fingerprint)) is not None:
        refuse_retracted(records, capture)
    newest = records.newest_with(key, PUBLISH)
    if newest not in {None, fingerprint}:
        remedy = "Trigger captures_contextualize for it, unless its newest run has linked it already."
        raise _outdated(key, fingerprint, str(newest), remedy)


def _validated_after(records: Records, key: CaptureKey, one: str, other: str) -> bool:
    later, earlier = records.get(key, one, VALIDATE), records.get(key, other, VALIDATE)
    return later is not None and earlier is not None and later.at > earlier.at


def _outdated(key: CaptureKey, fingerprint: str, shown: str, remedy: str) -> RequestError:
    return RequestError(
        f"{key} was published again since: this is about delivery {fingerprint}, CDF shows {shown}. "
        "Nothing was changed.",
        remedy=remedy,
    )
