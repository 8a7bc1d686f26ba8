"""Settings `watch.*`: how long what captures_watch looks for may last before people are alerted."""

from __future__ import annotations

from datetime import timedelta

from capture360 import dag_names
from capture360.settings.section import Duration, Section


class WatchSettings(Section):
    """Deadlines of captures_watch. Those marked *all sites* count where they stand under `defaults`."""

    expected_within: Duration = timedelta(days=3)
    """How long a folder in the landing zone may wait for files, a marker or quiet after its last change."""
    begun_within: Duration = timedelta(hours=3)
    """How long after its first announcement a capture may be neither published nor written by a run."""
    contextualized_within: Duration = timedelta(days=1)
    """How long after its publication a capture may not be contextualized."""
    asked_within: Duration = timedelta(days=1)
    """How long suggested links may wait until people are asked about them."""
    reviewed_within: Duration = timedelta(days=7)
    """How long a review may wait for answers, and those for being written after it ended without that."""
    extracted_within: Duration = timedelta(hours=6)
    """How long CDF may take to extract panoramas from E57 files before people are alerted; `e57.deadline` ends it."""
    lease_within: Duration = timedelta(hours=24)
    """How long one run may hold a capture's lease, and how long a capture may wait for its turn in a space that
    captures share. For the lease of such a space the value under `defaults` counts."""
    sensed_within: Duration = timedelta(minutes=45)
    """How long no scan of the landing zones may have come to its end (all sites)."""
    watcher_within: Duration = timedelta(minutes=20)
    """How long the watcher of the landing zones may be silent, or unable to list them, while captures_sense is not
    paused (all sites)."""
    expires_within: Duration = timedelta(days=14)
    """How long before the day on which a CDF connection expires people are reminded (all sites)."""
    queued_within: Duration = timedelta(minutes=30)
    """How long runs of a DAG may wait in the queue while none of it is running, and how long Airflow's REST API may not
    answer (all sites)."""
    delivered_within: Duration = timedelta(hours=1)
    """How long an alert may be kept that an address does not take (all sites)."""
    may_be_paused: tuple[str, ...] = (dag_names.BACKFILL, dag_names.RETRACT)
    """DAGs of this project that may be paused (all sites)."""
