"""Data for the pages of captures, from the records alone. Reads only.

The index of a site takes two listings, however many captures it has; records are read for the captures that are shown,
and for those that a run may just have rejected.
Airflow's runs come from whoever has its database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from capture360 import dag_names
from capture360.capture_state import (
    ANNOTATE,
    FLOOR_PLAN,
    LOOKING_STEPS,
    MATCH,
    MATCH_REPORT,
    PUBLISH,
    STAGE_STEPS,
    VALIDATE,
    VALIDATION_REPORT,
    CaptureState,
    Stage,
)
from capture360.errors import Capture360Error
from capture360.model import CaptureKey, Verdict
from capture360.records import Records
from capture360.reports.captures import Delivery, Detail, LastRun, Newest, State, Wait
from capture360.rules.finding import Disposition, Finding
from capture360.steps.review_due import REVIEWED, last_counts, waiting_reviews
from capture360.steps.waits import waits

_SIDE_BY_SIDE = 16
_DELIVERIES_SHOWN = 20
_SUMMARY = frozenset({"sense", VALIDATE, PUBLISH, "verify", ANNOTATE, REVIEWED, "retract"})
"""Steps whose records make up a row; all of them are small."""
_AFTER = {
    dag_names.INGEST: State.PUBLISHED,
    dag_names.CONTEXTUALIZE: State.CONTEXTUALIZED,
    dag_names.REVIEW: State.CONTEXTUALIZED,
}
"""State after a run of these DAGs that did not fail; a review waits or has ended."""
UNTIL_SENSED = timedelta(hours=1)
"""How long the last run determines the state before sensing has marked it; without a mark after that, the folder holds
another delivery."""
_MOST_JUST_FAILED = 100
"""Captures whose last run has just failed of which records are read, since it may have rejected them: the newest."""
_UNDER_WAY = frozenset({"queued", "running"})


def index(records: Records, sites: Sequence[str], runs: Mapping[str, LastRun]) -> Mapping[CaptureKey, State]:
    """Return the states of all captures of the sites.

    `runs` are last runs by partition key: those that are under way, have failed, or ended within `UNTIL_SENSED`.
    """
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        ends = list(pool.map(records.ends, sites))
        states = {key: _state(stage, runs.get(str(key))) for of_site in ends for key, stage in of_site.items()}
        failed = [key for key, state in states.items() if state is State.FAILED and _may_reject(runs[str(key)])]
        newest = sorted(failed, key=lambda key: runs[str(key)].at, reverse=True)[:_MOST_JUST_FAILED]
        rejected = zip(newest, pool.map(lambda key: _is_rejected(records, key), newest), strict=True)
        return states | {key: State.REJECTED for key, is_rejected in rejected if is_rejected}


def under_review(records: Records, sites: Sequence[str]) -> Set[CaptureKey]:
    """Return the captures of the sites whose review waits for people. Takes a listing a site."""
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        return {key for keys in pool.map(lambda site: waiting_reviews(records, site), sites) for key in keys}


def newest_deliveries(records: Records, keys: Sequence[CaptureKey]) -> Sequence[Newest]:
    """Read the newest delivery of each capture, and what it waits for, concurrently."""

    def newest(key: CaptureKey) -> Newest:
        try:
            state = records.load(key, only=_SUMMARY)
            delivery = _delivery(state, matched=state.body(ANNOTATE) is not None) if state else None
            return Newest(delivery, _waits(records, key, delivery))
        except Capture360Error as error:
            return Newest(None, (), error)

    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        return list(pool.map(newest, keys))


def links_of(records: Records, key: CaptureKey) -> Mapping[str, str]:
    """Return the addresses that the newest delivery has, by name: of reports, relative to `reports/`, and in CDF."""
    state = records.load(key, only=_SUMMARY)
    if state is None:
        return {}
    newest = _delivery(state, matched=records.has(key, state.fingerprint, MATCH))
    found = {"Report": newest.validation_report, "Match report": newest.match_report}
    if newest.cdf.startswith(("https://", "http://")) and state.stage is not Stage.RETRACTED:
        found["CDF"] = newest.cdf
    return {name: address for name, address in found.items() if address}


def detail(records: Records, key: CaptureKey, last: LastRun | None = None) -> Detail | None:
    """Return the details of one capture, whose last run is `last`; None if neither runs nor sensing have seen it."""
    from capture360.checks.validation import PlanPoint
    from capture360.steps.coverage import capture_coverage
    from capture360.steps.validation_record import CAPTURE

    names = records.fingerprints(key)

    def read(only: Set[str], names: Sequence[str]) -> Sequence[CaptureState]:
        states = pool.map(lambda name: records.load(key, name, only=only), names)
        return sorted((state for state in states if state), key=lambda state: state.seen_at, reverse=True)

    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        shown = names
        if len(names) > _DELIVERIES_SHOWN:
            shown = [state.fingerprint for state in read(LOOKING_STEPS, names)[:_DELIVERIES_SHOWN]]
        known = read(_SUMMARY, shown)
        matched = list(pool.map(lambda state: records.has(key, state.fingerprint, MATCH), known))
    if not known:
        if last is None and not records.store.names(str(key)):
            return None
        return Detail(key, _state(None, last), "", [], 0, waits=_waits(records, key, None))
    newest = known[0].fingerprint
    capture, plan = records.get(key, newest, CAPTURE), records.get(key, newest, FLOOR_PLAN)
    deliveries = [_delivery(state, matched=is_matched) for state, is_matched in zip(known, matched, strict=True)]
    stands = _state(records.end_of(key, [state.fingerprint for state in known]), last)
    if stands is State.FAILED and last is not None and _may_reject(last) and known[0].stage is Stage.REJECTED:
        stands = State.REJECTED
    return Detail(
        key,
        stands,
        str(capture.body["label"]) if capture else "",
        deliveries,
        len(names) - len(shown),
        [PlanPoint(**point) for point in plan.body["points"]] if plan else [],
        _waits(records, key, deliveries[0]),
        *(capture_coverage(records, key) or ()),
    )


def _state(stage: Stage | None, last: LastRun | None) -> State:
    """Return the state to show: an active run takes precedence, then an end of the capture, then its last run.

    A review is no active run here: it waits for people, for weeks. Sensing marks an end some minutes after the run, and
    removes the mark as soon as another delivery lies in the folder.
    """
    if last is not None and last.state in _UNDER_WAY and last.dag != dag_names.REVIEW:
        return State.RUNNING
    if stage is not None:
        return State(stage.value)
    if last is None:
        return State.INCOMING
    if last.state == "failed":
        return State.FAILED
    if last.ended is not None and datetime.now(UTC) - last.ended > UNTIL_SENSED:
        return State.INCOMING
    return _AFTER.get(last.dag, State.INCOMING)


def _may_reject(last: LastRun) -> bool:
    """Return whether a failed run may have rejected its capture, which sensing has not marked yet."""
    return last.dag == dag_names.INGEST and (last.ended is None or datetime.now(UTC) - last.ended <= UNTIL_SENSED)


def _is_rejected(records: Records, key: CaptureKey) -> bool:
    try:
        state = records.load(key, only=STAGE_STEPS)
    except Capture360Error:
        return False  # its row says that its records cannot be read
    return state is not None and state.stage is Stage.REJECTED


def _waits(records: Records, key: CaptureKey, newest: Delivery | None) -> Sequence[Wait]:
    return tuple(waits(records, key, newest.stage, newest.asked) if newest else waits(records, key, None))


def _delivery(state: CaptureState, *, matched: bool) -> Delivery:
    validated = state.body(VALIDATE) or {}
    published = state.body(PUBLISH) or {}
    retracted = _retracted(state)
    verdict, quarantined = str(validated.get("verdict", "")), validated.get("quarantined", ())
    headline, fix = str(validated.get("headline", "")), _first_fix(validated.get("findings", ()))
    base = "" if retracted else f"{state.key}/{state.fingerprint}"  # its reports are gone
    return Delivery(
        fingerprint=state.fingerprint,
        stage=state.stage,
        seen_at=state.seen_at,
        changed_at=max(record.at for record in state.records),
        verdict=verdict,
        headline=headline,
        fix="" if fix in headline else fix,
        captured_on=str(validated.get("captured_on") or ""),
        stations=int(validated.get("accepted", 0)),
        held_back=len(quarantined) if quarantined or verdict != Verdict.REJECTED else None,
        plates=last_counts(state),
        cdf=str(published.get("link", "")),
        validation_report=f"{base}/{VALIDATION_REPORT}" if base and validated else "",
        match_report=f"{base}/{MATCH_REPORT}" if base and matched else "",
        thumbnail=f"{base}/{published['thumbnail']}" if base and published.get("thumbnail") else "",
        retracted=retracted,
    )


def _retracted(state: CaptureState) -> str:
    """Return who retracted a delivery, and when; empty if nobody did."""
    last = state.records[-1]
    return f"{last.body['by']}, {last.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if last.step == "retract" else ""


def _first_fix(findings: Sequence[Mapping[str, Any]]) -> str:
    """Return the message of the finding that holds back most stations; empty if there is none."""
    order = [Disposition.STOP, Disposition.QUARANTINE]
    worst = sorted((f for f in map(Finding.from_document, findings) if f.disposition in order),
                   key=lambda finding: order.index(finding.disposition))  # fmt: skip
    return worst[0].message if worst else ""
