"""Tasks that wait until a run releases what they need, without holding a worker."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.standard.decorators.python import _PythonDecoratedOperator
from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk.bases.decorator import task_decorator_factory
from typing_extensions import override

from airflow_capture360.triggers import SHORTEST_PAUSE_S
from capture360.errors import LeaseHeldError

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

LONGEST_PAUSE_S = 300.0


def call_again(task: BaseOperator, method: str, pause: float, longest: float, **values: Any) -> NoReturn:
    """Defer the task for `pause` seconds, then call its `method` with `values` and twice the pause, up to `longest`."""
    following = {"pause": min(2 * pause, longest), **values}
    task.defer(trigger=TimeDeltaTrigger(timedelta(seconds=pause)), method_name=method, kwargs=following)


class WhenReleased(_PythonDecoratedOperator):
    """Call a function; while another run holds the lease that it needs, defer and call it again.

    Leases are held for hours, so waiting has no end of its own and takes no tries: these are for what fails.
    """

    @override
    def execute(self, context: Context) -> Any:
        return self.call(context)

    def call(
        self,
        context: Context,
        event: Any = None,  # noqa: ARG002 - Airflow passes it, used or not
        pause: float = SHORTEST_PAUSE_S,
    ) -> Any:
        """Call the function once."""
        try:
            return super().execute(context)
        except LeaseHeldError as error:
            self.log.info("%s Trying again in %.0f s", error, pause)
        call_again(self, "call", pause, LONGEST_PAUSE_S)


when_released = partial(task_decorator_factory, decorated_operator_class=WhenReleased)
"""The decorator `task` for a function that waits for a lease."""
