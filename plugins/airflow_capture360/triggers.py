"""The watcher of the landing zones: it only wakes the sensing DAG, which then looks for itself."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

log = logging.getLogger(__name__)


class LandingZoneTrigger(BaseEventTrigger):
    """Fires when the landing zones' listing has changed, and once more when it has been quiet long enough to settle.

    It never ends and remembers nothing: after a restart it fires once, and sensing finds nothing new.
    """

    def __init__(self, poll_seconds: float = 5.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow gives it no annotation
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "airflow_capture360.triggers.LandingZoneTrigger", {"poll_seconds": self.poll_seconds}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        seen = None
        quiet_since = settle = 0.0
        trouble = ""
        while True:
            began = time.monotonic()
            try:
                digest, settle = await asyncio.to_thread(look)
            except Exception as error:  # noqa: BLE001 - a store out of reach must not end the watch
                if trouble != str(error):
                    trouble = str(error)
                    log.warning("The landing zones cannot be listed: %s", trouble)
            else:
                trouble = ""
                if digest != seen:
                    seen, quiet_since = digest, time.monotonic()
                    yield TriggerEvent({"reason": "the landing zone has changed"})
                elif quiet_since and time.monotonic() - quiet_since > settle:
                    quiet_since = 0.0
                    yield TriggerEvent({"reason": "the landing zone has settled"})
            # A landing zone that takes long to list is looked at less often, so that looking stays a tenth of the time.
            await asyncio.sleep(max(self.poll_seconds, 9 * (time.monotonic() - began)))


def look() -> tuple[str, float]:
    """A digest of what lies in every site's landing folder, two levels deep, and the longest settle time in seconds.

    A site in error is left out: sensing reports it.
    """
    from capture360.errors import ConfigError
    from capture360.settings import Register

    register = Register()
    digest = hashlib.sha256()
    settle = 0.0
    for site_id in register.site_ids:
        try:
            landing = register.site(site_id).landing
        except ConfigError:
            continue
        settle = max(settle, landing.settle.total_seconds())
        for line in _listing(landing.url):
            digest.update(f"{site_id} {line}\n".encode())
    return digest.hexdigest(), settle


def _listing(url: str) -> list[str]:
    import fsspec

    fs, root = fsspec.core.url_to_fs(url)
    fs.invalidate_cache()
    return sorted(
        f"{folder}/{name} {sorted((key, str(value)) for key, value in info.items())}"
        for folder, folders, files in fs.walk(root, maxdepth=2, detail=True)
        for name, info in (*folders.items(), *files.items())
    )
