"""Entries whose content never came: CDF deletes them after a week."""

from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.services.files import store


class AbandonedFiles:
    """Deletes them before the first request that comes after their week, so that none can see them.

    Entries made from now on have a week, so the oldest of those that are there tells when to look again.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._due = 0

    @property
    def are_due(self) -> bool:
        """Whether the week of an entry may be over."""
        return self._sandbox.clock.now_ms() >= self._due

    def delete(self) -> None:
        """Delete those whose week is over; what CDF does by itself counts as no client's change."""
        now = self._sandbox.clock.now_ms()
        with self._sandbox.storage.write() as db:
            blobs = store.purge_abandoned(db, now)
            oldest = store.oldest_without_content(db)
        self._due = (now if oldest is None else oldest) + store.KEPT_WITHOUT_CONTENT_MS
        self._sandbox.blobs.remove(blobs)
