"""Helpers of all tasks: the capture of a run, the context of steps, and addresses of pages.

Heavy packages are imported inside the functions: not where a DAG is parsed, but before a worker forks, if it preloads
what tasks import. So nothing starts a thread or opens a client while it is imported.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context

from airflow_capture360 import metrics
from airflow_capture360.run_state import is_by_hand, is_finished, name_of
from capture360.errors import Capture360Error, CaptureRejected, RequestError
from capture360.model import CaptureKey
from capture360.reports.addresses import WEB_PREFIX
from capture360.text import printable

if TYPE_CHECKING:
    from capture360.records import Records
    from capture360.settings.register import Register
    from capture360.steps.context import StepContext

log = logging.getLogger(__name__)

_LONGEST_LINE = 2000
LABEL = "label"
"""Key of a mapped task's context: what its map index template shows."""
CDF_LINK = "cdf_link"
"""XCom key of the address of a collection in CDF's own user interface."""


def key_of(context: Mapping[str, Any]) -> CaptureKey:
    """Return the capture of a run: its partition key, or Param `capture` of a run by hand without one."""
    text = context["dag_run"].partition_key or context["params"].get("capture")
    if not text:
        raise RequestError('This run names no capture. Trigger it with "capture" set to <site>/<capture>.')
    return CaptureKey.parse(str(text))


def capture_of_run() -> str:
    """Return the key of the run's capture; RequestError with suggestions if it is unknown in a run by hand."""
    from capture360.steps.near import refuse_unknown

    context = get_current_context()
    key = key_of(context)
    if is_by_hand(context["dag_run"]):
        register, records = register_and_records()
        refuse_unknown(register.site(key.site), records, key)
    return str(key)


@contextmanager
def capture_context(capture: str, *, lock: bool = True) -> Iterator[tuple[StepContext, CaptureKey]]:
    """Yield the context of steps for one capture.

    With `lock` the run takes the capture's lease first (again, if this task was cleared after the release) and
    LeaseHeldError names the run that holds it. A step that changes nothing of the capture in CDF needs no lock.
    """
    from capture360.steps import lease

    key = CaptureKey.parse(capture)
    ctx = site_context(key.site)
    with metrics.of_step(key.site):
        try:
            if lock:
                lease.take(ctx.records, key, ctx.run, is_finished=is_finished)
            yield ctx, key
        except Capture360Error as error:
            log.error("%s", error)
            if isinstance(error, CaptureRejected):
                _tell_rejected(key, error)
            raise


def _tell_rejected(key: CaptureKey, error: CaptureRejected) -> None:
    """Log where the report is; count the rejection unless an earlier step of a run recorded it."""
    if error.report:
        log.error("Validation report: %s", page_url(f"reports/{error.report}"))
    if error.is_new:
        metrics.REACHED.add(site=key.site, state="rejected")


def site_context(site: str, run: str = "") -> StepContext:
    """Return the context of steps for a site. Callbacks give their `run`: Airflow has no current context there."""
    from airflow_capture360.hooks import CogniteCdfHook
    from capture360.steps.context import StepContext

    register, records = register_and_records()
    settings = register.site(site)
    return StepContext(settings, records, CogniteCdfHook(settings.connection).project(), run or this_run(), _say)


def _say(line: str) -> None:
    """Log one line, with texts from outside in it escaped."""
    log.info("%s", printable(line, _LONGEST_LINE))


def register_and_records() -> tuple[Register, Records]:
    """Return the site register and the records that it names."""
    from capture360.records import Records
    from capture360.settings.register import Register

    register = Register()
    return register, Records(register.records_url)


def this_run() -> str:
    """Return how leases and records name this Airflow run."""
    return name_of(get_current_context()["dag_run"])


def emit(keys: Sequence[str]) -> None:
    """Add the keys as partitions of the asset that is the current task's outlet."""
    context = get_current_context()
    (asset,) = context["task"].outlets
    context["outlet_events"][asset].add_partitions(list(keys))


def set_label(text: str) -> None:
    """Set what the map index template of a mapped task shows."""
    get_current_context()[LABEL] = text  # type: ignore[literal-required]  # a key of our template


def page_url(path: str) -> str:
    """Return the address of one of capture360's pages in the Airflow UI."""
    return f"{airflow_url()}{WEB_PREFIX}/{path}"


def page_path(path: str) -> str:
    """Return the path of one of capture360's pages or pictures within Airflow, independent of the host name."""
    return f"{base_path()}{WEB_PREFIX}/{path}"


def base_path() -> str:
    """Return the path of Airflow's UI on its host; empty if it is the root."""
    from urllib.parse import urlsplit

    return urlsplit(airflow_url()).path


def run_url(dag_id: str, run_id: str) -> str:
    """Return the address of a run in the Airflow UI."""
    from urllib.parse import quote

    return f"{airflow_url()}/dags/{dag_id}/runs/{quote(run_id)}"


def dag_url(dag_id: str) -> str:
    """Return the address of a DAG in the Airflow UI."""
    return f"{airflow_url()}/dags/{dag_id}"


def airflow_url() -> str:
    """Return the address of the Airflow UI with which links begin; empty where it is not set."""
    from airflow.sdk import conf

    return str(conf.get("api", "base_url", fallback="")).rstrip("/")
