"""Whether the cause of an alert is over, by Airflow's runs, by the records, or since nothing is left to be done."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_capture360.context import register_and_records
from airflow_capture360.run_state import has_succeeded
from capture360 import dag_names

if TYPE_CHECKING:
    from capture360.steps.incidents import Occurrence

log = logging.getLogger(__name__)


def is_over(occurrence: Occurrence) -> bool:
    """Return whether a failed task no longer matters; False if that cannot be determined."""
    from capture360.steps.moot import is_moot
    from capture360.steps.overcome import is_overcome

    try:
        register, records = register_and_records()
        complains = occurrence.dag == dag_names.SENSE and occurrence.task == "complain"
        if not complains and has_succeeded(occurrence.dag, occurrence.run):
            return True
        now = datetime.now(UTC)
        return is_overcome(register, records, occurrence, now) or is_moot(register, records, occurrence, now)
    except Exception as error:  # noqa: BLE001 - Airflow and stores raise anything, and the other alerts must be sent
        log.warning("It is unknown whether %s is over: %s", occurrence.where, type(error).__name__)
        return False
