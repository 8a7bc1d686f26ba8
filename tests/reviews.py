"""Suggestions for a person to decide on, in a running stack, as if by the tasks before the review."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cognite.client.data_classes import AnnotationFilter

from capture360.matching.documents import detection_document
from capture360.model import CaptureKey, Detection, PublishedImage
from capture360.steps.annotate import annotate
from capture360.steps.context import StepContext
from capture360.steps.detect import images_of
from capture360.steps.match import match
from running_stack import RunningStack

REVIEW = "captures_review"


class Reviewed:
    """One ingested capture whose links people decide on."""

    def __init__(self, stack: RunningStack, key: CaptureKey) -> None:
        self.stack = stack
        self.key = key
        state = stack.records.load(key)
        assert state is not None
        self.fingerprint = state.fingerprint
        site = stack.local.home.site_register().site(key.site)
        self._ctx = StepContext(site, stack.records, stack.cdf, "the test", lambda _: None)

    @property
    def images(self) -> list[PublishedImage]:
        return list(images_of(self._ctx, self.key, self.fingerprint))

    def suggest(self, detections: Iterable[Detection]) -> None:
        """Match and link texts that were read badly."""
        documents = [detection_document(detection) for detection in detections]
        body = {"engine": "by hand", "detections": documents, "findings": []}
        self.stack.records.put(self.key, self.fingerprint, "detect", body, run="the test", batch=0)
        match(self._ctx, self.key, self.fingerprint)
        annotate(self._ctx, self.key, self.fingerprint)

    def ask(self) -> str:
        """Begin a review; the run."""
        return self.stack.api.trigger(REVIEW, {"capture": str(self.key)})

    def asked(self, run: str) -> list[Mapping[str, Any]]:
        """The Required Actions of a run that nobody has answered."""
        return self.stack.asked(REVIEW, run)

    def waiting(self, run: str) -> Mapping[str, Any]:
        """The only Required Action of a run, once its task waits for the answer."""
        return self.stack.waiting(REVIEW, run)

    def answer(self, run: str, choice: str, approve: str = "", reject: str = "", task: str = "ask") -> None:
        """A person's answer by the REST API."""
        self.stack.answer(REVIEW, run, task, choice, approve=approve, reject=reject)

    def applied(self) -> Mapping[str, Any]:
        """What was recorded of the answer, once it is in CDF."""
        record = self.stack.until(
            lambda: self.stack.records.get(self.key, self.fingerprint, "reviewed"), "the answer to be applied"
        )
        body: Mapping[str, Any] = record.body
        return body

    def ended(self, run: str) -> None:
        """Wait for the success of a run."""
        self.stack.until(lambda: self.stack.api.run(REVIEW, run)["state"] == "success", f"the end of {run}")

    def statuses(self) -> list[str]:
        """Status of each link in CDF."""
        files = [{"external_id": face.external_id} for image in self.images for face in image.faces.values()]
        there = self.stack.cdf.client.annotations.list(AnnotationFilter("file", files), limit=None)
        return sorted(str(item.status) for item in there)
