"""Operators where a task has to wait without holding a worker."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import BaseOperator, Param

from airflow_capture360.triggers import SHORTEST_PAUSE_S, EarlierAnswer
from capture360.matching.answers import CHOICES, LEAVE

if TYPE_CHECKING:
    from airflow.sdk import Context

LONGEST_PAUSE_S = 120.0
_LONGEST_LOOK_FOR_AN_ANSWER = timedelta(minutes=30)
"""After that the try fails, and the next one looks again."""


class WaitForRevisions(BaseOperator):
    """Looks whether CDF has extracted the capture's panoramas, and sleeps in the triggerer between two looks.

    Looking is done in the task: the triggerer needs no way to CDF, and a retry simply looks again.
    """

    template_fields = ("capture", "fingerprint")

    def __init__(self, *, capture: str, fingerprint: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.capture = capture
        self.fingerprint = fingerprint

    def execute(self, context: Context) -> None:
        self.look(context)

    def look(self, context: Context, event: Any = None, pause: float = SHORTEST_PAUSE_S) -> None:
        """Once; the step raises CdfError when the extraction failed or takes longer than the site allows."""
        from airflow_capture360.tasks import ingest

        if not ingest.revisions_ended(self.capture, self.fingerprint):
            self.log.info("Looking again in %.0f s", pause)
            following = min(2 * pause, LONGEST_PAUSE_S)
            self.defer(
                trigger=TimeDeltaTrigger(timedelta(seconds=pause)), method_name="look", kwargs={"pause": following}
            )


class ReadTexts(BaseOperator):
    """Reads the faces of one batch; where a service of CDF reads them, it sleeps in the triggerer between two looks."""

    template_fields = ("capture", "batch")

    def __init__(self, *, capture: str, batch: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.capture = capture
        self.batch = batch

    def execute(self, context: Context) -> dict[str, int]:
        return self.look(context)

    def look(
        self,
        context: Context,
        event: Any = None,
        pause: float = SHORTEST_PAUSE_S,
        waited: Mapping[str, object] | None = None,
    ) -> dict[str, int]:
        """Once; `waited` is what the look before has left, jobs without a name among it."""
        from airflow_capture360.tasks import contextualize
        from capture360.detection.job_wait import JobsPending, JobWait

        patience = JobWait.between_looks(waited)
        try:
            return contextualize.read_texts(self.capture, self.batch, patience)
        except JobsPending:
            self.log.info("CDF reads the faces; looking again in %.0f s", pause)
        following = {"pause": min(2 * pause, LONGEST_PAUSE_S), "waited": patience.document()}
        self.defer(trigger=TimeDeltaTrigger(timedelta(seconds=pause)), method_name="look", kwargs=following)


class AskAboutLinks(HITLOperator):
    """Shows one page of suggested links in the Airflow UI and waits for an answer, without holding a worker.

    Nobody's answer is to leave them as they are, so that a page which no one looks at fails nothing. Airflow 3.3 can
    fail a task that is answered within seconds of asking; the retry then takes that answer and asks nobody twice.
    """

    template_fields = ("capture", "page")

    def __init__(self, *, capture: str, page: Mapping[str, Any], **kwargs: Any) -> None:
        kwargs.pop("params", None)  # the DAG's, which Airflow hands to every task: no fields of this form
        super().__init__(
            subject="Suggested links",
            options=list(CHOICES),
            defaults=LEAVE,
            params={
                "approve": _numbers("Approve", "decided one by one, or the exceptions when all others are rejected"),
                "reject": _numbers("Reject", "decided one by one, or the exceptions when all others are approved"),
            },
            **kwargs,
        )
        self.capture = capture
        self.page = page

    def execute(self, context: Context) -> Any:
        """Ask, unless this is a retry: then look for an answer first."""
        self._label(context)
        instance = context["task_instance"]
        if instance.try_number > _first_try(instance.max_tries, self.retries or 0):
            self.defer(
                trigger=EarlierAnswer(instance.id), method_name="take_or_ask", timeout=_LONGEST_LOOK_FOR_AN_ANSWER
            )
        return self._ask(context)

    def take_or_ask(self, context: Context, event: dict[str, Any] | None) -> Any:
        """The answer that an earlier try was given; the page again if there is none, or none that fits its form."""
        if event:
            self.log.info("This page was answered at %s", event["responded_at"])
            try:
                return self.execute_complete(context, event)
            except ValueError as error:
                self.log.warning("Asking again, for the answer does not fit the form: %s", error)
        self._label(context)
        return self._ask(context)

    def _ask(self, context: Context) -> Any:
        """The page is laid out here: it holds texts from outside, which no template may see."""
        from airflow_capture360.tasks import review

        self.subject, self.body = review.page_of(self.capture, self.page)
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """The answer, in a process of its own, which has to be labelled anew."""
        self._label(context)
        return super().execute_complete(context, event)

    def _label(self, context: Context) -> None:
        context["label"] = self.page["label"]  # type: ignore[typeddict-unknown-key]


def _first_try(max_tries: int, retries: int) -> int:
    """The number of the first try since the task began or was cleared, which asks for a new answer."""
    return max_tries - retries + 1


def _numbers(title: str, what: str) -> Param:
    return Param(
        "", type=["null", "string"], title=title, description=f"Numbers such as 1, 3, 5-8: {what}.", source="task"
    )
