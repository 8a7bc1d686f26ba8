"""The task that sends the digests of the sites."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360 import alerts
from airflow_capture360.context import page_url, register_and_records

if TYPE_CHECKING:
    from capture360.reports.digest import Digest

log = logging.getLogger(__name__)


def send_digests() -> int:
    """Send the digest of each site whose period has ended; return their number. Skip the task if none is due.

    A site in error is logged: sensing reports it, and the others get theirs.
    """
    from capture360.errors import Capture360Error
    from capture360.reports.digest import message
    from capture360.steps.digest import once

    register, records = register_and_records()

    def send(digest: Digest) -> None:
        days = (digest.last - digest.first).days + 1
        address = page_url(f"digest/{digest.site}?days={days}&last={digest.last}")
        alerts.keep(records, message(digest, {"Digest": address}))

    sent = 0
    for site in register.site_ids:
        try:
            sent += once(records, register.site(site), datetime.now(UTC), send)
        except Capture360Error as error:
            log.error("No digest of %s: %s", site, error)
    if not sent:
        raise AirflowSkipException("No digest is due.")
    alerts.send_kept(records)
    return sent
