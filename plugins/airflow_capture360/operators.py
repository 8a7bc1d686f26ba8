"""Operators that wait without holding a worker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import BaseOperator, Param
from airflow.sdk.exceptions import AirflowSkipException
from typing_extensions import override

from airflow_capture360.answers import KEEP, RETRACT
from airflow_capture360.run_state import task_states
from airflow_capture360.triggers import SHORTEST_PAUSE_S, EarlierAnswer
from airflow_capture360.waiting import call_again
from capture360 import dag_names
from capture360.matching.answers import CHOICES, FIELDS, LEAVE
from capture360.steps.review_dag import APPLY

if TYPE_CHECKING:
    from airflow.sdk import Context

LONGEST_PAUSE_S = 120.0
_FIRST = "first"
"""In place of an earlier answer: the task asks for the first time."""
_ANSWER_TIMEOUT = timedelta(minutes=30)
"""Time after which a try fails; the next one requests the answer again."""


class WaitForRevisions(BaseOperator):
    """Poll until CDF has extracted the capture's panoramas; defer between two polls.

    The task itself queries CDF, so that the triggerer needs no access to it, and a retry simply polls again.
    """

    template_fields = ("capture", "fingerprint")

    def __init__(self, *, capture: str, fingerprint: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.capture = capture
        self.fingerprint = fingerprint

    @override
    def execute(self, context: Context) -> None:
        self.poll(context)

    def poll(
        self,
        context: Context,  # noqa: ARG002 - Airflow passes it, used or not
        event: Any = None,  # noqa: ARG002 - Airflow passes it, used or not
        pause: float = SHORTEST_PAUSE_S,
    ) -> None:
        """Poll once; CdfError if the extraction failed or takes longer than the site allows."""
        from airflow_capture360.tasks import ingest

        if not ingest.revisions_ended(self.capture, self.fingerprint):
            self.log.info("Asking again in %.0f s", pause)
            call_again(self, "poll", pause, LONGEST_PAUSE_S)


class WaitForCaptures(BaseOperator):
    """Poll the records until every capture of a backfill completed one stage; defer between two polls.

    Returns a sentence for each capture whose run ended without it, by the capture's key.
    """

    template_fields = ("what", "waiting")

    def __init__(self, *, what: str, waiting: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.what = what
        self.waiting = waiting

    @override
    def execute(self, context: Context) -> dict[str, str]:
        return self.poll(context, waiting=self.waiting)

    def poll(
        self,
        context: Context,  # noqa: ARG002 - Airflow passes it, used or not
        event: Any = None,  # noqa: ARG002 - Airflow passes it, used or not
        pause: float = SHORTEST_PAUSE_S,
        waiting: Mapping[str, Any] | None = None,
        failed: Mapping[str, str] | None = None,
        idle: float = 0.0,
        free: Mapping[str, float] | None = None,
    ) -> dict[str, str]:
        """Poll once. `idle` is the number of seconds for which no run of the DAG was active, `free` of each capture."""
        from airflow_capture360.tasks import backfill

        looked = backfill.look_again(self.what, waiting or {}, failed or {}, idle, free or {})
        if not looked.waiting:
            return dict(looked.failed)
        self.log.info("Waiting for %s; looking again in %.0f s", ", ".join(looked.waiting), pause)
        call_again(
            self,
            "poll",
            pause,
            LONGEST_PAUSE_S,
            waiting=dict(looked.waiting),
            failed=dict(looked.failed),
            idle=0.0 if looked.active else idle + pause,
            free={
                key: (free or {}).get(key, 0.0) + (0.0 if looked.queued else pause)
                for key in looked.waiting
                if key not in looked.held
            },
        )


class ReadTexts(BaseOperator):
    """Read the texts on the faces of one batch; defer between two polls while a service of CDF reads them."""

    template_fields = ("capture", "batch")

    def __init__(self, *, capture: str, batch: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.capture = capture
        self.batch = batch

    @override
    def execute(self, context: Context) -> dict[str, int]:
        return self.poll(context)

    def poll(
        self,
        context: Context,  # noqa: ARG002 - Airflow passes it, used or not
        event: Any = None,  # noqa: ARG002 - Airflow passes it, used or not
        pause: float = SHORTEST_PAUSE_S,
        waited: Mapping[str, object] | None = None,
    ) -> dict[str, int]:
        """Poll once. `waited` is the state of the previous poll, with the ids of jobs that have no name."""
        from airflow_capture360.tasks import contextualize
        from capture360.detection.job_wait import JobsPending, JobWait

        wait = JobWait.between_looks(waited)
        try:
            return contextualize.detect(self.capture, self.batch, wait)
        except JobsPending:
            self.log.info("CDF reads the faces; asking again in %.0f s", pause)
        call_again(self, "poll", pause, LONGEST_PAUSE_S, waited=wait.document())


class AskPerson(HITLOperator, ABC):
    """Show a form in the Airflow UI and wait for an answer, without holding a worker.

    Airflow 3.3 can fail a task that is answered within seconds; the retry then takes that answer instead of asking
    again.
    """

    @override
    def execute(self, context: Context) -> Any:
        """Show the form; a retry looks for an answer to the earlier try first."""
        instance = context["task_instance"]
        if instance.try_number > _first_try(instance.max_tries, self.retries or 0):
            self.defer(trigger=EarlierAnswer(instance.id), method_name="take_or_ask", timeout=_ANSWER_TIMEOUT)
        return self._ask(context)

    def take_or_ask(self, context: Context, event: dict[str, Any] | None) -> Any:
        """Return the answer to an earlier try; show the form again if there is none that fits it."""
        if event:
            self.log.info("This was answered at %s", event["responded_at"])
            try:
                return self.execute_complete(context, event)
            except ValueError as error:
                self.log.warning("Asking again, since the answer does not fit the form: %s", error)
        return self._ask(context)

    def _ask(self, context: Context) -> Any:
        """Render the form here, since it contains untrusted texts, which must not be rendered as templates."""
        self.subject, self.body = self.page_to_show()
        return super().execute(context)

    @abstractmethod
    def page_to_show(self) -> tuple[str, str]:
        """Return heading and Markdown."""


class AskAboutLinks(AskPerson):
    """Show the notice of a review. On timeout the default answer leaves the rest, so the run does not fail.

    The result says what was not understood of the answer. Given as `before` to another such task, it is asked again
    with the reasons and with what was valid in its fields; that task is skipped if all was understood.
    """

    template_fields = ("capture", "review", "before")

    def __init__(self, *, capture: str, review: Mapping[str, Any], before: Any = _FIRST, **kwargs: Any) -> None:
        kwargs.pop("params", None)  # the DAG's, which Airflow hands to every task: no fields of this form
        super().__init__(
            subject="Suggested links",
            options=list(CHOICES),
            defaults=LEAVE,
            params={name: _numbers(name) for name in FIELDS},
            **kwargs,
        )
        self.capture = capture
        self.review = review
        self.before = before

    @property
    def corrects(self) -> Mapping[str, Any] | None:
        """The answer that is to be corrected; None if this asks for the first time."""
        return None if self.before == _FIRST else self.before

    @override
    def execute(self, context: Context) -> Any:
        if self.before != _FIRST and not (self.before and self.before["faults"]):
            raise AirflowSkipException("The answer was understood.")
        if not self.review["suggestions"]:
            raise AirflowSkipException("Nothing is left for a person to decide.")
        return super().execute(context)

    @override
    def page_to_show(self) -> tuple[str, str]:
        from airflow_capture360.tasks import review

        if self.corrects:
            for name, text in self.corrects["kept"].items():
                self.params[name] = text
        return review.notice_of(self.capture, self.review, self.corrects)

    @override
    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        from airflow_capture360.tasks import review

        given = super().execute_complete(context, event)
        return {**given, **review.examine(self.capture, self.review, given, self.corrects)}

    @override
    def validate_params_input(self, params_input: Mapping[str, Any]) -> None:
        """Accept any fields: a person is asked again with the reason, which a failed task would not give."""


class EndReplacedReview(TriggerDagRunOperator):
    """Clear a run that waits for answers to a review which this one replaces, so that one Required Action is left.

    That run finds its review replaced, and ends as skipped. Clearing is what Airflow lets a task do to another run. A
    run that writes an answer already is left to its end.
    """

    template_fields = ("trigger_run_id",)

    def __init__(self, *, older: str, **kwargs: Any) -> None:
        super().__init__(
            trigger_dag_id=dag_names.REVIEW,
            trigger_run_id=older,
            reset_dag_run=True,
            openlineage_inject_parent_info=False,
            **kwargs,
        )

    @override
    def execute(self, context: Context) -> None:
        run = str(self.trigger_run_id)
        if task_states(context["ti"], dag_names.REVIEW, run).get(APPLY, "missing") is not None:
            raise AirflowSkipException(f"{run} does not wait for answers any more.")
        super().execute(context)


class AskToRetract(AskPerson):
    """Show what a retraction would remove, and wait until a person approves or refuses it.

    On timeout nothing is removed. With `number` 2 a second person is asked, unless the `first` did not approve it.
    """

    template_fields = ("capture", "plan", "first")

    def __init__(
        self, *, capture: str, plan: Mapping[str, Any], number: int = 1, first: Any = None, **kwargs: Any
    ) -> None:
        kwargs.pop("params", None)  # the DAG's, which Airflow hands to every task: no fields of this form
        super().__init__(subject="Retraction", options=[RETRACT, KEEP], defaults=KEEP, **kwargs)
        self.capture = capture
        self.plan = plan
        self.number = number
        self.first = first

    @override
    def execute(self, context: Context) -> Any:
        if self.number > int(self.plan["approvals"]):
            raise AirflowSkipException("The site does not ask for a second person.")
        if self.first is not None and self.first["chosen_options"] != [RETRACT]:
            raise AirflowSkipException("The first person did not approve it.")
        return super().execute(context)

    @override
    def page_to_show(self) -> tuple[str, str]:
        from airflow_capture360.tasks import retract

        return retract.page_of(self.capture, self.plan, self.number)


def _first_try(max_tries: int, retries: int) -> int:
    """Return the number of the first try since the task was created or cleared."""
    return max_tries - retries + 1


def _numbers(what: str) -> Param:
    return Param(
        "",
        type=["null", "string"],
        title=f"{what.capitalize()} single plates",
        description=f"Numbers of plates to {what} whatever becomes of the rest, such as 1, 3b, 5-8.",
        source="task",
    )
