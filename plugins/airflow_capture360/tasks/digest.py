"""The task that sends the digests of the sites."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360 import alerts
from airflow_capture360.context import page_url, register_and_records
from capture360.errors import Capture360Error, UnavailableError

if TYPE_CHECKING:
    from capture360.reports.digest import Digest

log = logging.getLogger(__name__)


def send_digests() -> int:
    """Send the digests of the periods that have ended, of each site; return their number. Skip the task if none is due.

    A site in error is logged: sensing reports it, and the others get theirs. So do they where a service does not answer
    about one of them; that error is raised at the end, so that the task is tried again.
    """
    from capture360.reports.digest import message
    from capture360.steps.digest import send_due

    register, records = register_and_records()

    def send(digest: Digest) -> None:
        days = (digest.last - digest.first).days + 1
        address = page_url(f"digest/{digest.site}?days={days}&last={digest.last}")
        if not alerts.keep(records, message(digest, {"Digest": address})):
            raise UnavailableError(
                f"The digest of {digest.site} is not sent: {alerts.MOST} messages that could not be sent are kept.",
                remedy="See whether the addresses of the connection capture360_alerts answer, then clear the task.",
            )

    sent = 0
    unavailable: UnavailableError | None = None
    for site in register.site_ids:
        try:
            sent += send_due(records, register.site(site), datetime.now(UTC), send)
        except Capture360Error as error:
            log.error("No digest of %s: %s", site, error)
            unavailable = unavailable or (error if isinstance(error, UnavailableError) else None)
    if sent:
        alerts.send_kept(records)
    if unavailable is not None:
        raise unavailable
    if not sent:
        raise AirflowSkipException("No digest is due.")
    return sent
