"""Move a site's published captures to another CDF project, with people's decisions on their plates.

Each capture is ingested again, from its delivery in the landing zone or from the faces in the old project, then
contextualized with the decisions of people. The old project is only read. A moved capture is skipped until the old
project has another delivery of it or more decisions. A run that is killed can be repeated with the same result.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from capture360 import dag_names
from capture360.cdf.registry import mode_of
from capture360.errors import (
    Capture360Error,
    CaptureRejected,
    ConfigError,
    LeaseHeldError,
    MissingStepError,
    RecordsError,
    RetractionError,
)
from capture360.landing.fingerprint import fingerprint as fingerprint_of
from capture360.matching.decisions import Decided
from capture360.model import Capture, CaptureKey, PublishedImage, Verdict
from capture360.steps import lease
from capture360.steps.annotate import STEP as ANNOTATE
from capture360.steps.context import StepContext
from capture360.steps.contextualize import contextualize
from capture360.steps.decisions_in_cdf import memory_of
from capture360.steps.detect import images_of
from capture360.steps.ingest import ingest
from capture360.steps.move_assets import Counterparts
from capture360.steps.move_decisions import Carried, NotCarried, carry, decisions_in_old, new_to, without_overruled
from capture360.steps.move_faces import deliver_faces, whole_images
from capture360.steps.move_note import NOTE, is_noted, noted, of_people
from capture360.steps.publish import STEP as PUBLISH
from capture360.steps.published import earlier_captures, image_ids, published_capture
from capture360.steps.retracted import RETRACTED
from capture360.steps.validate import preflight

Source = Literal["landing zone", "faces of the old project"]


@dataclass(frozen=True, slots=True)
class Move:
    """Both projects of one site. `work` is a folder for deliveries made of the old project's faces."""

    old: StepContext
    new: StepContext
    work: Path
    counterparts: Counterparts

    @classmethod
    def between(cls, old: StepContext, new: StepContext, work: Path) -> Move:
        """ConfigError if both are one project."""
        if old.cdf.connection.identity == new.cdf.connection.identity:
            cluster, project = new.cdf.connection.identity
            raise ConfigError(
                f"Both connections lead to project {project} on {cluster}. Name the new project's in --to."
            )
        assets = (mode_of(ctx.cdf).assets(ctx.cdf, ctx.site.links) for ctx in (old, new))
        return cls(old, new, work, Counterparts(*assets))


@dataclass(frozen=True, slots=True)
class Outcome:
    """Planned or finished work on one capture: `unchanged` was done before; `failed` has a `problem`.

    A capture that was retracted is kept out of the new project too; one that people of the new project retracted stays
    `retracted`. `left` are decisions that are not carried over, `sentences` name what else stays behind.
    """

    key: CaptureKey
    state: Literal["to move", "moved", "to keep out", "kept out", "retracted", "unchanged", "failed"]
    source: str = ""
    stations: int = 0
    approved: int = 0
    rejected: int = 0
    left: tuple[NotCarried, ...] = ()
    sentences: tuple[str, ...] = ()
    problem: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the capture stays behind."""
        return not (self.left or self.sentences or self.problem)

    def document(self) -> dict[str, Any]:
        """As a value that JSON can hold."""
        return {**asdict(self), "key": str(self.key)}


@dataclass(frozen=True, slots=True)
class _There:
    """A capture in the old project: what is published of it, and the decisions on it."""

    capture: Capture
    fingerprint: str
    images: Mapping[str, PublishedImage]
    """By station."""
    decisions: Sequence[Decided]
    sentences: Sequence[str]
    folder_url: str | None
    """Folder of the published delivery, None if it no longer exists."""

    @property
    def source(self) -> Source:
        return "faces of the old project" if self.folder_url is None else "landing zone"

    @property
    def stations(self) -> list[str]:
        """The stations that a move can publish."""
        all_stations = [station.id for station in self.capture.stations]
        return whole_images(self.capture, self.images) if self.folder_url is None else all_stations


def captures_to_move(move: Move) -> Sequence[CaptureKey]:
    """Return what is published of the site in the old project, as it was taken, and then what was retracted there.

    Captures whose notes are damaged come last: their move fails.
    """
    records, site = move.old.records, move.old.site.id
    published, damaged = earlier_captures(records, site)
    retracted, damaged_too = records.notes(site, RETRACTED, lambda key, _: key)
    return list(dict.fromkeys([*(each.capture.key for each in published), *retracted, *damaged, *damaged_too]))


def refuse_unready(move: Move, keys: Sequence[CaptureKey]) -> None:
    """Raise ConfigError that names everything the new project lacks for captures not moved yet."""
    published = [each.capture for each in earlier_captures(move.old.records, move.old.site.id)[0]]
    moving = set(keys)
    waiting = [each for each in published if each.key in moving and not _is_begun(move, each.key)]
    if waiting:
        preflight(move.new, waiting[0].key, sum(len(each.stations) for each in waiting), "faces")


def _is_begun(move: Move, key: CaptureKey) -> bool:
    try:
        return move.new.records.note(key, NOTE) is not None
    except RecordsError:
        return True  # its own move fails


def plan_move(move: Move, key: CaptureKey) -> Outcome:
    """Return what would be done with one capture. Nothing is written, neither to a project nor to records."""
    return _outcome_of(key, lambda: _to_keep_out(move, key) or _retracted_there(move, key) or _planned(move, key))


def move_capture(move: Move, key: CaptureKey, *, is_finished: Callable[[str], bool]) -> Outcome:
    """Move one capture, or what is left to do for it. Errors that are meant for people become its `problem`."""
    return _outcome_of(
        key,
        lambda: _kept_out(move, key, is_finished) or _retracted_there(move, key) or _moved(move, key, is_finished),
    )


def _outcome_of(key: CaptureKey, work: Callable[[], Outcome]) -> Outcome:
    try:
        return work()
    except Capture360Error as error:
        return Outcome(key, "failed", problem=f"{error.message} How to fix it: {error.remedy}")


def _to_keep_out(move: Move, key: CaptureKey) -> Outcome | None:
    """Return what is to be done with a capture that was retracted; None for one that is published.

    Its delivery may still lie in the landing zone, where the new project's sensing would find it. RetractionError if it
    was moved before it was retracted: nothing is deleted by a move.
    """
    note, known = move.old.records.note(key, RETRACTED), move.new.records.note(key, RETRACTED)
    here = published_capture(move.old.records, key)
    if note is None or (here is not None and here.revision > int(note["revision"])):
        return None  # a lower one is what a retraction that broke off has not removed yet
    if published_capture(move.new.records, key) is not None:
        raise RetractionError(
            f"{key} was retracted in the old project after it was moved, and is still published in the new one.",
            remedy=f"Retract it there as well: capture360 retract {key} --connection FILE (that of the new project).",
        )
    is_known = known is not None and int(known["revision"]) >= int(note["revision"])
    return Outcome(key, "unchanged" if is_known else "to keep out")


def _kept_out(move: Move, key: CaptureKey, is_finished: Callable[[str], bool]) -> Outcome | None:
    planned, note = _to_keep_out(move, key), move.old.records.note(key, RETRACTED)
    if planned is None or note is None or planned.state == "unchanged":
        return planned
    move.new.bind()
    with lease.held(move.new.records, key, move.new.run, is_finished=is_finished):
        move.new.records.put_note(key, RETRACTED, {"revision": note["revision"]})
    return Outcome(key, "kept out")


def _retracted_there(move: Move, key: CaptureKey) -> Outcome | None:
    """Return the outcome of a capture that people of the new project retracted: it is left to them."""
    records = move.new.records
    note, here = records.note(key, RETRACTED), published_capture(move.old.records, key)
    is_newer = note is not None and here is not None and here.revision > int(note["revision"])
    return Outcome(key, "retracted") if note and not is_newer and published_capture(records, key) is None else None


def _planned(move: Move, key: CaptureKey) -> Outcome:
    there = _in_old(move, key)
    note = move.new.records.note(key, NOTE)
    if note is not None and note["delivery"] == there.fingerprint:
        images = _in_new(move, there)
    else:
        images = {station: there.images[station] for station in there.stations if station in there.images}
    carried = _carried(move, there, images, note)
    is_done = note is not None and is_noted(note, there.fingerprint, carried)
    return _outcome(
        "unchanged" if is_done else "to move", move, there, carried, list(images) if is_done else there.stations
    )


def _moved(move: Move, key: CaptureKey, is_finished: Callable[[str], bool]) -> Outcome:
    there = _in_old(move, key)
    note = move.new.records.note(key, NOTE)
    staged = move.work / there.fingerprint / key.site / key.capture
    if note is None or note["delivery"] != there.fingerprint:
        _ingest(move, there, staged, is_finished)
    images = _in_new(move, there)
    carried = _carried(move, there, images, note)
    is_done = note is not None and is_noted(note, there.fingerprint, carried)
    if not is_done:
        identity = move.old.cdf.connection.identity
        with lease.held(move.new.records, key, move.new.run, is_finished=is_finished):
            # Noted first: decisions of a move that is killed here do not count as those of the new project's people.
            begun = noted(identity, there.fingerprint, carried)
            both = [*(note or {}).get("carried", ()), *begun["carried"]]
            move.new.records.put_note(key, NOTE, {**begun, "decisions": "", "carried": both})
            memory = memory_of(move.new, key)
            if decided := new_to(of_people(memory.decisions(), note), carried.decisions):
                memory.decide(decided)
        if _has_links(move, there, carried) and move.new.site.links.enabled:
            contextualize(move.new, key, is_finished=is_finished)
        move.new.records.put_note(key, NOTE, noted(identity, there.fingerprint, carried))
    shutil.rmtree(staged.parent.parent, ignore_errors=True)
    return _outcome("unchanged" if is_done else "moved", move, there, carried, list(images))


def _in_new(move: Move, there: _There) -> dict[str, PublishedImage]:
    key, records = there.capture.key, move.new.records
    fingerprint = records.newest_with(key, PUBLISH)
    if fingerprint is None:
        raise MissingStepError(key, "it is not published in the new project", "capture360 move")
    return _by_station(move.new, fingerprint, there.capture, images_of(move.new, key, fingerprint))


def _ingest(move: Move, there: _There, staged: Path, is_finished: Callable[[str], bool]) -> None:
    key = there.capture.key
    if there.folder_url is None:
        deliver_faces(move.old, there.capture, there.images, staged)
    ctx = replace(move.new, folder_url=there.folder_url or str(staged))
    done = ingest(ctx, key, is_finished=is_finished)
    if done.validated.verdict is Verdict.REJECTED:
        raise CaptureRejected(
            done.validated.headline, remedy=f"See {done.validated.report}, and the site's checks in the new register."
        )


def _in_old(move: Move, key: CaptureKey) -> _There:
    """Read everything that a move needs; LeaseHeldError while a run of the old project writes the capture.

    Its lease is never taken over: the old records are only read. That of a process which has ended is passed over.
    """
    old = move.old
    holder = lease.holder(old.records, key)
    if holder is not None and not lease.process_is_finished(holder):
        how = "In the old project wait for that run to end, with its DAGs unpaused if it is one of Airflow; there, "
        remedy = f"{how}{lease.if_it_hangs(holder, 'capture')} Then move again."
        raise LeaseHeldError(key, holder, remedy=remedy)
    capture, fingerprint = published_capture(old.records, key), old.records.newest_with(key, PUBLISH)
    if capture is None or fingerprint is None:
        raise MissingStepError(key, "it is not published in the old project", dag_names.INGEST)
    shown = images_of(old, key, fingerprint)
    images = _by_station(old, fingerprint, capture, shown)
    decisions, sentences = decisions_in_old(old, key, list(images.values()))
    if len(shown) > len(images):
        sentences.append(f"images in its collections that belong to no published station: {len(shown) - len(images)}")
    return _There(capture, fingerprint, images, decisions, sentences, _delivery(move, capture, fingerprint))


def _by_station(
    ctx: StepContext, fingerprint: str, capture: Capture, images: Sequence[PublishedImage]
) -> dict[str, PublishedImage]:
    there = {image.external_id: image for image in images}
    ids = image_ids(ctx.records, capture.key, fingerprint, (station.id for station in capture.stations))
    return {station: there[name] for station, name in ids.items() if name in there}


def _delivery(move: Move, capture: Capture, fingerprint: str) -> str | None:
    """Return the folder of the delivery in the old project if it is complete and unchanged; else None."""
    record = move.old.records.get(capture.key, fingerprint, "capture")
    delivered = {station["id"] for station in record.body["stations"]} if record is not None else set()
    if delivered != {station.id for station in capture.stations}:
        return None
    for ctx in (move.new, move.old):
        folder = ctx.folder(capture.key)
        if folder.files and fingerprint_of(folder, move.old.site.landing.ready_markers) == fingerprint:
            return folder.url
    return None


def _carried(move: Move, there: _There, after: Mapping[str, PublishedImage], note: Mapping[str, Any] | None) -> Carried:
    stations = {image.external_id: station for station, image in there.images.items()}
    before = {image.external_id: image for image in there.images.values()}
    carried = carry(there.decisions, stations, before, after, move.counterparts)
    names = {image.external_id: station for station, image in after.items()}
    return without_overruled(carried, of_people(memory_of(move.new, there.capture.key).decisions(), note), names)


def _has_links(move: Move, there: _There, carried: Carried) -> bool:
    """Return whether there is anything to contextualize in the new project."""
    return bool(carried.decisions) or move.old.records.has(there.capture.key, there.fingerprint, ANNOTATE)


def _outcome(
    state: Literal["to move", "moved", "unchanged"],
    move: Move,
    there: _There,
    carried: Carried,
    stations: Sequence[str],
) -> Outcome:
    found = set(stations)
    lost = [station.id for station in there.capture.stations if station.id not in found]
    why = "have no whole image in the old project" if state == "to move" else "are not published in the new project"
    absent = [f"stations that {why}: {', '.join(lost)}"] if lost else []
    unlinked = []
    if _has_links(move, there, carried) and not move.new.site.links.enabled:
        unlinked = [
            f"links.enabled is false for the site in the new project: {len(carried.decisions)} decisions are "
            "remembered, and nothing is linked before the capture is contextualized"
        ]
    return Outcome(
        there.capture.key,
        state,
        there.source,
        len(stations),
        sum(each.status == "approved" for each in carried.decisions),
        sum(each.status == "rejected" for each in carried.decisions),
        carried.left,
        (*there.sentences, *absent, *unlinked),
    )
