"""E57 captures where CDF extracts the panoramas: upload the scans, start one revision or job each, and wait.

`poll_revisions` asks once, so that a deferred task and the command line can both wait. `steps.collect` finds the
results.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from capture360 import names
from capture360.cdf.polling import growing_pauses
from capture360.cdf.preflight import ensure_space, space_exists
from capture360.cdf.registry import mode_of
from capture360.cdf.three_d.extraction import ExtractedImage
from capture360.cdf.three_d.journals import LargeFile
from capture360.cdf.three_d.scans import Id, UploadedScan
from capture360.checks.republished import C07
from capture360.errors import BadInputError, CdfError, MissingStepError
from capture360.landing.folder import CaptureFolder
from capture360.landing.scans import open_scan, scan_exists, scan_size
from capture360.model import Capture, CaptureKey
from capture360.records import Records
from capture360.sources.base import still_there
from capture360.steps import lease
from capture360.steps.context import StepContext
from capture360.steps.outdated import capture_to_write
from capture360.steps.progress import ProgressLine
from capture360.steps.refusal import rejects_silent_changes
from capture360.steps.republish_guard import SilentChangeError, newer_revision_asked, published_revision
from capture360.steps.route import extraction_space
from capture360.steps.shared_space import take_turn
from capture360.steps.validate import unchanged_folder
from capture360.steps.validation_record import validated_capture

UPLOAD = "upload"
REVISION = "revision"
_MIME_TYPE = "model/e57"
_LONGEST_NAME = 255
"""Characters of a file's name in CDF."""
FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 15.0


@dataclass(frozen=True, slots=True)
class ScansUploaded:
    """Internal ids of the files in CDF by path, and their total size in bytes."""

    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Started:
    """The 3D model, its revisions (or jobs) and the space that CDF extracts into."""

    model: Id
    revisions: tuple[Id, ...]
    space: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Number of revisions that are done, and the statuses of the others."""

    done: int
    total: int
    statuses: tuple[str, ...]

    @property
    def over(self) -> bool:
        """Whether all are done."""
        return self.done == self.total


def scan_file(folder: CaptureFolder, capture: Capture, path: str) -> LargeFile:
    """Describe the CDF file of a scan; BadInputError if the folder lacks it."""
    if not scan_exists(folder, path):
        raise BadInputError(f"{folder.url}/{path} was removed after it was validated. Deliver it again.")
    sha256 = capture.scans[path]
    return LargeFile(
        external_id=names.e57_id(capture.key, path, sha256),
        name=path.rpartition("/")[2][-_LONGEST_NAME:],
        mime_type=_MIME_TYPE,
        size=scan_size(folder, path),
        sha256=sha256,
    )


@rejects_silent_changes
def upload_scans(ctx: StepContext, key: CaptureKey, fingerprint: str) -> ScansUploaded:
    """Upload the capture's E57 files in parts, unless CDF has them.

    BadInputError if a file is no longer what was validated, or if the capture was retracted meanwhile; CaptureRejected,
    once recorded, if a file differs from a published one without a new revision.
    """
    capture = capture_to_write(ctx.records, key, fingerprint)
    if not newer_revision_asked(ctx.records, capture):
        _refuse_silent_scans(ctx.records, capture)
    folder = unchanged_folder(ctx, key, fingerprint)
    scans = mode_of(ctx.cdf).scans(ctx.cdf, ctx.site)
    space = extraction_space(ctx.site, key)
    files: dict[str, int] = {}
    size = 0
    for path in sorted(capture.scans):
        file = scan_file(folder, capture, path)
        with still_there(folder, path):
            files[path] = scans.upload(file, partial(open_scan, folder, path), space, ctx.log)
        size += file.size
    ctx.records.put(key, fingerprint, UPLOAD, {"files": files, "bytes": size}, run=ctx.run)
    return ScansUploaded(len(files), size)


def start_revisions(
    ctx: StepContext,
    key: CaptureKey,
    fingerprint: str,
    *,
    is_finished: Callable[[str], bool] = lease.process_is_finished,
) -> Started:
    """Find or start one revision or job for each file; the nonce of each session is used where it is created.

    LeaseHeldError while another run extracts into a space that captures share. `collect` ends this run's turn.
    BadInputError if the capture was retracted meanwhile.
    """
    capture = capture_to_write(ctx.records, key, fingerprint)
    record = ctx.records.get(key, fingerprint, UPLOAD)
    if record is None:
        raise MissingStepError(key, "its scans have not been uploaded", "upload_scans")
    if differing := sorted(capture.scans.keys() ^ record.body["files"].keys()):
        raise MissingStepError(key, f"{differing[0]} is not among both its scans and its uploads", "upload_scans")
    space = extraction_space(ctx.site, key)
    take_turn(ctx, key, space, is_finished)
    ensure_space(ctx.cdf, space, create=ctx.site.create_space)
    uploaded = {
        path: UploadedScan(number, names.e57_id(key, path, capture.scans[path]))
        for path, number in record.body["files"].items()
    }
    scans = mode_of(ctx.cdf).scans(ctx.cdf, ctx.site)
    started = scans.start(key, capture.label, uploaded, space)
    done = Started(started.model, tuple(work.id for work in started.work.values()), space)
    body: dict[str, Any] = {
        "model": started.model,
        "revisions": {path: [work.id, work.created.isoformat()] for path, work in started.work.items()},
        "space": space,
        "began": datetime.now(UTC).isoformat(),
    }
    known = ctx.records.get(key, fingerprint, REVISION)
    if known is not None:
        before, this = spaces_of(known.body), [done.model, space]
        body["earlier"] = [each for each in before if each != this]
        if known.body["revisions"] == body["revisions"]:
            body["began"] = known.body["began"]
    ctx.records.put(key, fingerprint, REVISION, body, run=ctx.run)
    ctx.log(f"model {done.model}: {scans.noun}s {', '.join(map(str, done.revisions))}, into space {space}")
    return done


def poll_revisions(ctx: StepContext, key: CaptureKey, fingerprint: str) -> Waiting:
    """Return the progress of CDF. CdfError with CDF's reason if a revision or job failed, or the deadline is over."""
    body = recorded_revisions(ctx.records, key, fingerprint)
    scans = mode_of(ctx.cdf).scans(ctx.cdf, ctx.site)
    model = body["model"]
    states = scans.look(model, [work for work, _ in body["revisions"].values()], body["space"])
    for path, work in zip(body["revisions"], states, strict=True):
        if work.status == "Failed":
            why = scans.failure(model, work.id)
            raise CdfError(
                f"{key}: CDF could not extract {scans.describe(model, str(work.id))}: {why}. "
                f"To let CDF try again, clear the task that starts the extraction: it starts a new {scans.noun}."
                f"{_damaged_file(ctx.records, key, fingerprint, path)}"
            )
    others = tuple(work.status for work in states if work.status != "Done")
    if others:
        waiting = ", ".join(f"{work.id} ({work.status})" for work in states if work.status != "Done")
        _within_deadline(ctx, key, f"{scans.noun} {waiting}", model, datetime.fromisoformat(body["began"]))
    return Waiting(len(states) - len(others), len(states), others)


def _damaged_file(records: Records, key: CaptureKey, fingerprint: str, path: str) -> str:
    """Say how the stored file is replaced, which CDF reports as uploaded whatever happened to its bytes."""
    record = records.get(key, fingerprint, UPLOAD)
    if record is None or path not in record.body["files"]:
        return ""
    return (
        f" If {path} is sound as delivered, what CDF stored is not: delete file {record.body['files'][path]} in CDF "
        "and run captures_ingest again, which uploads it anew."
    )


def wait(ctx: StepContext, key: CaptureKey, fingerprint: str, pause: Callable[[float], None] = time.sleep) -> None:
    """Poll at growing intervals until all revisions are done; log every change."""
    pauses = growing_pauses(FIRST_PAUSE_S, _LONGEST_PAUSE_S)
    logged: Waiting | None = None
    while not (now := poll_revisions(ctx, key, fingerprint)).over:
        if now != logged:
            ctx.log(ProgressLine(f"revisions done ({', '.join(now.statuses)})", now.done, now.total))
            logged = now
        pause(next(pauses))
    ctx.log(ProgressLine("revisions done", now.done, now.total))


def recorded_revisions(records: Records, key: CaptureKey, fingerprint: str) -> Mapping[str, Any]:
    """What `start_revisions` recorded; MissingStepError if it did not run."""
    record = records.get(key, fingerprint, REVISION)
    if record is None:
        raise MissingStepError(key, "its revisions have not been started", "start_revisions")
    return record.body


def recorded_spaces(records: Records, key: CaptureKey) -> Mapping[str, Set[Id]]:
    """Return the spaces that scans of any delivery were extracted into, with the models of each."""
    found: dict[str, set[Id]] = {}
    for fingerprint in records.fingerprints(key):
        record = records.get(key, fingerprint, REVISION)
        for model, space in spaces_of(record.body) if record is not None else ():
            found.setdefault(space, set()).add(model)
    return found


def extracted_before(ctx: StepContext, key: CaptureKey, space: str, models: Set[Id]) -> list[ExtractedImage]:
    """Return the images that extractions made in a space, with those of other captures if it is shared."""
    if not space_exists(ctx.cdf, space):
        return []
    scans = mode_of(ctx.cdf).scans(ctx.cdf, ctx.site)
    found = (each for model in sorted(models, key=str) for each in scans.extracted(key, model, space).images())
    return list({each.image.external_id: each for each in found}.values())


def still_shown(ctx: StepContext, key: CaptureKey, images: Set[str]) -> Set[str]:
    """Return those of the capture's images, given by external id, that are there in any space it was extracted into."""
    spaces = recorded_spaces(ctx.records, key).items() if images else ()
    return {each.image.external_id for at in spaces for each in extracted_before(ctx, key, *at)} & images


def spaces_of(body: Mapping[str, Any]) -> list[list[Any]]:
    """Return model and space of a delivery's extraction, and of those that went elsewhere before."""
    return [*body.get("earlier", ()), [body["model"], body["space"]]]


def _within_deadline(ctx: StepContext, key: CaptureKey, waiting: str, model: Id, began: datetime) -> None:
    deadline = ctx.site.e57.deadline
    if datetime.now(UTC) - began > deadline:
        raise CdfError(
            f"{key}: after {deadline} CDF has not ended {waiting}. Ask CDF support with the model id "
            f"{model}, or raise e57.deadline and clear this task."
        )


def _refuse_silent_scans(records: Records, capture: Capture) -> None:
    """Raise SilentChangeError if an E57 file differs from the one of the same name in a published delivery."""
    highest = published_revision(records, capture.key)
    for fingerprint in records.fingerprints(capture.key):
        published = records.get(capture.key, fingerprint, "publish")
        if published is None or int(published.body["revision"]) < highest:
            continue
        earlier = validated_capture(records, capture.key, fingerprint)
        if earlier is None:
            raise MissingStepError(
                capture.key, f"published delivery {fingerprint} has lost its capture.json", "validate"
            )
        for path, sha256 in capture.scans.items():
            if earlier.scans.get(path, sha256) != sha256:
                raise SilentChangeError(C07.finding(path, message="scan", revision=highest + 1))
