"""Selection of a date's captures for a backfill: those that did not complete, and those whose inputs changed.

Captures have a date once they are validated. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from capture360.capture_state import STAGE_STEPS, VALIDATE, Stage
from capture360.cdf.registry import mode_of
from capture360.errors import RecordsError, RequestError
from capture360.landing.fingerprint import fingerprint
from capture360.matching.manual import manual_matches_of
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.steps import lease
from capture360.steps.annotate import STEP as ANNOTATE
from capture360.steps.context import StepContext
from capture360.steps.coverage import critical_of
from capture360.steps.folder_snapshot import last_snapshot
from capture360.steps.inputs import Inputs, changed_inputs, ingest_inputs, match_inputs
from capture360.steps.match import STEP as MATCH
from capture360.steps.publish import STEP as PUBLISH
from capture360.steps.retracted import is_broken_off
from capture360.steps.review_due import match_digest
from capture360.steps.settling import settling
from capture360.steps.turn_note import waiting_run
from capture360.steps.verify import STEP as VERIFY

_DONE = {Stage.PUBLISHED, Stage.CONTEXTUALIZED}


class What(StrEnum):
    """What a backfill does with each capture."""

    INGEST = "ingest"
    CONTEXTUALIZE = "contextualize"
    BOTH = "both"

    @classmethod
    def parse(cls, text: object) -> What:
        """Return the member with this value; RequestError if there is none."""
        if text in set(cls):
            return cls(str(text))
        raise RequestError(f'"{text}" cannot be backfilled. Choose {", ".join(cls)}.')

    @property
    def ingests(self) -> bool:
        """Whether captures are ingested."""
        return self is not What.CONTEXTUALIZE

    @property
    def contextualizes(self) -> bool:
        """Whether captures are contextualized."""
        return self is not What.INGEST


@dataclass(frozen=True, slots=True)
class Due:
    """Reasons to ingest or contextualize a capture; empty if there is none.

    `lacking` is the reason why a backfill cannot complete the capture, None if it can.
    """

    key: CaptureKey
    ingest: tuple[str, ...] = ()
    contextualize: tuple[str, ...] = ()
    lacking: str | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """State of the records before a run was requested: the completed work, and the number of the newest lease.

    `holder` is the run that held the capture; empty if none did.
    """

    end: str
    lease: int
    holder: str = ""


def parse_date(text: object) -> date:
    """Return the date written as YYYY-MM-DD; RequestError for any other text."""
    try:
        return datetime.strptime(str(text), "%Y-%m-%d").date()
    except ValueError:
        raise RequestError(f'"{text}" is not a date. Write it as YYYY-MM-DD, such as 2026-05-31.') from None


def captures_on(records: Records, day: date, site: str | None = None) -> list[CaptureKey]:
    """Return the captures taken on a date, of one site if it is named.

    A capture that was redelivered with another date belongs to the new one. Retracted captures are left out. One whose
    records are damaged belongs to each date that it ever had.
    """
    keys = [key for key in records.by_date.on(day) if site is None or key.site == site]
    return [key for key in keys if _belongs_to(records, key, day)]


def due_captures(ctx: StepContext, keys: Sequence[CaptureKey], what: What) -> list[Due]:
    """Return the work due for captures of one site, in their order. Assets are listed at most once.

    A capture whose records are damaged is lacking, and stops no other.
    """
    site = ctx.site
    now: list[Inputs] = []

    def matched_to() -> Inputs:
        if not now:
            manual = manual_matches_of(site.links)
            assets = list(mode_of(ctx.cdf).assets(ctx.cdf, site.links).assets())
            now.append(match_inputs(site.links, assets, manual, critical_of(site, assets).refs))
        return now[0]

    def due(key: CaptureKey) -> Due:
        try:
            return _due(ctx, key, what, matched_to)
        except RecordsError as error:
            return Due(key, lacking=f"{key}: {error}")

    return [due(key) for key in keys]


def lacks_end(records: Records, key: CaptureKey, what: What, *, links: bool = True) -> str | None:
    """Return what a capture still lacks after a backfill; None if nothing.

    `links` states whether captures of the site are contextualized. Damaged records are a lack.
    """
    try:
        return _lacks_end(records, key, what, links=links)
    except RecordsError as error:
        return f"{key}: {error}"


def _lacks_end(records: Records, key: CaptureKey, what: What, *, links: bool) -> str | None:
    if is_broken_off(records, key):
        return f"{key}: its retraction has begun and has not ended. Run captures_retract for it again."
    if not _is_published(records, key):
        return _why_not_published(records, key)
    if what.contextualizes and links and not _is_contextualized(records, key):
        return f"{key} is not contextualized."
    return None


def mark(records: Records, key: CaptureKey, what: What) -> Mark:
    """Return the recorded state of `what`, ingest or contextualize."""
    step = VERIFY if what is What.INGEST else ANNOTATE
    newest = records.newest_with(key, step)
    record = records.get(key, newest, step) if newest else None
    end = f"{newest} {record.at.isoformat()}" if record else ""
    return Mark(end, lease.last_run(records, key)[0], lease.holder(records, key) or "")


def outcome(
    records: Records,
    key: CaptureKey,
    what: What,
    before: Mark,
    run_has_ended: Callable[[str], bool],
) -> str | None:
    """Return "" once `what` is recorded as complete, a sentence if its run ended without that, else None.

    `run_has_ended` is called with the newest run that took the lease; it returns whether that run does `what` and
    ended. Damaged records are a sentence.
    """
    try:
        return _outcome(records, key, what, before, run_has_ended)
    except RecordsError as error:
        return f"{key}: {error}"


def _outcome(
    records: Records, key: CaptureKey, what: What, before: Mark, run_has_ended: Callable[[str], bool]
) -> str | None:
    number, run = lease.last_run(records, key)
    over = run is not None and number > before.lease and run_has_ended(run)
    if mark(records, key, what).end != before.end:  # read after the run's state, so that its last record is seen
        return ""
    if not over:
        return None
    rejected = _rejection(records, key) if what is What.INGEST else None
    return rejected or f"{key}: {run} ended without having {_DOES[what]} it. Fix the cause of its failure."


def held_by(records: Records, key: CaptureKey, before: Mark) -> str:
    """Return the run that has held the capture since `before`, so that no other could take it; empty if none has."""
    number, run = lease.last_run(records, key)
    return run or "" if number > before.lease else before.holder


def is_held(records: Records, key: CaptureKey, is_finished: Callable[[str], bool]) -> bool:
    """Return whether an unfinished run holds the capture, or waits for its turn with it. Damaged records hold none."""
    try:
        holder = lease.holder(records, key)
        return (holder is not None and not is_finished(holder)) or waiting_run(records, key, is_finished) is not None
    except RecordsError:
        return False


_DOES: Mapping[What, str] = {What.INGEST: "published", What.CONTEXTUALIZE: "contextualized"}


def _due(ctx: StepContext, key: CaptureKey, what: What, matched_to: Callable[[], Inputs]) -> Due:
    ingest, lacking = _ingest_due(ctx, key) if what.ingests else ((), None)
    if lacking or not what.contextualizes or not ctx.site.links.enabled:
        return Due(key, ingest, lacking=lacking)
    if ingest:  # captures_ingest hands on to contextualization itself
        return Due(key, ingest, ("it is ingested again",))
    if not _is_published(ctx.records, key):
        return Due(key, lacking=_why_not_published(ctx.records, key))
    return Due(key, (), _contextualize_due(ctx.records, key, matched_to))


def _ingest_due(ctx: StepContext, key: CaptureKey) -> tuple[tuple[str, ...], str | None]:
    """Return the reason to ingest a capture, and what prevents it."""
    records = ctx.records
    folder = ctx.folder(key)
    published = _is_published(records, key)
    if not folder.files:
        lost = f"{key} is not published, and its files are no longer at {folder.url}. Deliver it again."
        return (), None if published else lost
    seen = fingerprint(folder, ctx.site.landing.ready_markers)
    state = records.load(key, seen, only=STAGE_STEPS)
    if state is None:
        last = last_snapshot(records, key)
        waiting = settling(folder, last, ctx.site.landing, datetime.now(UTC)).waiting_for
        if waiting is not None and (last is None or last.fingerprint != seen):
            unseen = f"{key}: captures_sense has not looked at its files since they changed, and no marker is complete."
            return (), f"{unseen} Unpause captures_sense if it is paused: it announces them once they are complete."
        if waiting is not None:
            arriving = f"{key}: its new delivery is not complete, it waits for {waiting}."
            return (), f"{arriving} Wait: captures_sense announces it once it is complete."
    newest = records.load(key, only=STAGE_STEPS)
    went_back = newest is not None and newest.fingerprint != seen  # to what a later delivery has replaced
    validated = state.body(VALIDATE) if state is not None else None
    if state is None or validated is None or went_back:
        return ("its files have changed",), None
    changed = tuple(f"new {name}" for name in changed_inputs(validated, ingest_inputs(ctx.site)))
    if changed:
        return changed, None
    if state.stage is Stage.REJECTED:
        return (), f"{key}: {validated['headline']} Fix the delivery as its validation report says and drop it again."
    return (() if state.stage in _DONE else ("it is not published",)), None


def _contextualize_due(records: Records, key: CaptureKey, matched_to: Callable[[], Inputs]) -> tuple[str, ...]:
    newest = records.newest_with(key, PUBLISH)
    matched = records.get(key, newest, MATCH) if newest else None
    if newest is None or matched is None or not _is_contextualized(records, key):
        return ("it is not contextualized",)
    return tuple(f"new {name}" for name in changed_inputs(matched.body, matched_to()))


def _is_published(records: Records, key: CaptureKey) -> bool:
    """Return whether a delivery was published to its end, and that one was not retracted since."""
    newest = records.newest_with(key, VERIFY)
    state = records.load(key, newest, only=STAGE_STEPS) if newest else None
    return state is not None and state.stage is not Stage.RETRACTED


def _is_contextualized(records: Records, key: CaptureKey) -> bool:
    """Return whether the links of the published delivery were written from its newest matches."""
    newest = records.newest_with(key, PUBLISH)
    state = records.load(key, newest, only=STAGE_STEPS) if newest else None
    linked = state.body(ANNOTATE) if state is not None else None
    if state is None or linked is None or state.stage is not Stage.CONTEXTUALIZED:
        return False
    return bool(linked["match"] == match_digest(records, key, state.fingerprint))


def _why_not_published(records: Records, key: CaptureKey) -> str:
    return _rejection(records, key) or f"{key} is not published."


def _rejection(records: Records, key: CaptureKey) -> str | None:
    state = records.load(key, only=STAGE_STEPS)
    if state is None or state.stage is not Stage.REJECTED:
        return None
    return f"{key}: {(state.body(VALIDATE) or {}).get('headline', 'it was rejected.')}"


def _belongs_to(records: Records, key: CaptureKey, day: date) -> bool:
    try:
        return _date_of(records, key) in {None, day.isoformat()} and not _is_retracted(records, key)
    except RecordsError:
        return True


def _is_retracted(records: Records, key: CaptureKey) -> bool:
    state = records.load(key, only=STAGE_STEPS)
    return state is not None and state.stage is Stage.RETRACTED


def _date_of(records: Records, key: CaptureKey) -> str | None:
    """Return the date of the newest delivery that was validated; None if it is not known."""
    state = records.load(key, only={VALIDATE})
    body = state.body(VALIDATE) if state is not None else None
    return body.get("captured_on") if body else None
