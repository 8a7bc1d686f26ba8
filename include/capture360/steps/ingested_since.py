"""Whether a delivery came to the end of its ingest since a run was created for it, by the records alone."""

from __future__ import annotations

from datetime import datetime

from capture360.capture_state import STAGE_STEPS, Stage
from capture360.landing.fingerprint import fingerprint
from capture360.landing.listing import capture_folder
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.settings.site import Site

_LAST_STEPS = frozenset({"verify", "retract"})
"""Steps that end an ingest, or what is left of it. A rejection ends it too."""


def ingested_since(site: Site, records: Records, key: CaptureKey, since: datetime, now: datetime) -> str | None:
    """Return the run that has brought what lies in the folder to its end since then; None if none has.

    A time in the future, from a clock that was ahead, says nothing.
    """
    state = records.load(key, only=STAGE_STEPS)
    if state is None or not state.stage.is_end:
        return None
    ends = [each for each in state.records if each.step in _LAST_STEPS or each.stage is Stage.REJECTED]
    run = next((each.run for each in reversed(ends) if since < each.at <= now), None)
    if run is None or fingerprint(capture_folder(site, key), site.landing.ready_markers) != state.fingerprint:
        return None
    return run
