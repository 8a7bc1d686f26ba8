"""Whether another run began an ingest after a run was created and brought it to its end, by the records alone."""

from __future__ import annotations

from datetime import datetime

from capture360.capture_state import STAGE_STEPS, VALIDATE, CaptureState, Stage
from capture360.landing.fingerprint import fingerprint
from capture360.landing.listing import capture_folder
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.settings.site import Site
from capture360.steps.inputs import BEGAN
from capture360.steps.retracted import comes_back


def ingested_since(site: Site, records: Records, key: CaptureKey, since: datetime, now: datetime) -> str | None:
    """Return the run that began after `since` and has brought what lies in the folder to its end; None if none has.

    A run that began before may have worked with earlier settings. A time in the future, from a clock that was ahead,
    says nothing.
    """
    state = records.load(key, only=STAGE_STEPS)
    if state is None or not state.stage.is_end:
        return None
    run = _last_run(state, since, now)
    if run is None:
        return None
    folder = capture_folder(site, key)
    here = fingerprint(folder, site.landing.ready_markers) == state.fingerprint
    return run if here and not comes_back(records, state, folder) else None


def _last_run(state: CaptureState, since: datetime, now: datetime) -> str | None:
    by_step = {record.step: record for record in state.records}
    if state.stage is Stage.RETRACTED:
        retracted = by_step["retract"]
        return retracted.run if since < retracted.at <= now else None
    validated = by_step.get(VALIDATE)
    last = validated if state.stage is Stage.REJECTED else by_step.get("verify")
    if validated is None or last is None or last.run != validated.run or BEGAN not in validated.body:
        return None
    began = datetime.fromisoformat(validated.body[BEGAN])
    return last.run if since < began and last.at <= now else None
