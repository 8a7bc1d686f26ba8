"""E57 captures where CDF extracts the panoramas: upload the scans, start one revision each, wait, find what came out.

`look` asks once, so that a deferred task and a command line can both wait. What came out is in `steps.collect`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from capture360 import names
from capture360.cdf.images.files import ClassicFiles
from capture360.cdf.preflight import ensure_space
from capture360.cdf.three_d.revisions import Revision, Revisions
from capture360.cdf.three_d.uploads import LargeFile, LargeUploads
from capture360.errors import BadInputError, CdfError, MissingStepError
from capture360.landing.folder import CaptureFolder
from capture360.landing.scans import open_scan, scan_exists, scan_size
from capture360.model import Capture, CaptureKey
from capture360.steps.context import StepContext
from capture360.steps.republish_guard import newer_revision_asked, refuse_silent_scans
from capture360.steps.validate import extraction_space, recorded_capture

UPLOAD = "upload"
REVISION = "revision"
_MIME_TYPE = "model/e57"
FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 15.0


@dataclass(frozen=True, slots=True)
class ScansUploaded:
    """Files in CDF by their internal ids, and their bytes together."""

    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Started:
    """The 3D model, its revisions and the space that CDF extracts into."""

    model: int
    revisions: tuple[int, ...]
    space: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Number of revisions that are done, and the statuses of the others."""

    done: int
    total: int
    statuses: tuple[str, ...]

    @property
    def over(self) -> bool:
        return self.done == self.total


def scan_file(folder: CaptureFolder, capture: Capture, path: str) -> LargeFile:
    """Describe the CDF file of a scan; BadInputError if the folder lacks it."""
    if not scan_exists(folder, path):
        raise BadInputError(f"{folder.url}/{path} was removed after it was validated. Deliver it again.")
    sha256 = capture.scans[path]
    return LargeFile(
        external_id=names.e57_id(capture.key, path, sha256),
        name=path.rpartition("/")[2],
        mime_type=_MIME_TYPE,
        size=scan_size(folder, path),
        sha256=sha256,
    )


def upload_scans(ctx: StepContext, key: CaptureKey, fingerprint: str) -> ScansUploaded:
    """Bring the capture's E57 files into CDF, in parts; files that are there already are found.

    BadInputError if a file is no longer what was validated, or differs from a published one without a new revision.
    """
    capture = recorded_capture(ctx.records, key, fingerprint)
    if not newer_revision_asked(ctx.records, capture):
        refuse_silent_scans(ctx.records, capture)
    folder = ctx.folder(key)
    uploads = LargeUploads(ctx.cdf, ctx.site.files, ctx.log)
    files: dict[str, int] = {}
    size = 0
    for path in sorted(capture.scans):
        file = scan_file(folder, capture, path)
        files[path] = uploads.put(file, lambda path=path: open_scan(folder, path))  # type: ignore[misc]
        size += file.size
    ctx.records.put(key, fingerprint, UPLOAD, {"files": files, "bytes": size}, run=ctx.run)
    return ScansUploaded(len(files), size)


def start_revisions(ctx: StepContext, key: CaptureKey, fingerprint: str) -> Started:
    """Find or start one revision for each file; the nonce of each session is used where it is created."""
    capture = recorded_capture(ctx.records, key, fingerprint)
    record = ctx.records.get(key, fingerprint, UPLOAD)
    if record is None:
        raise MissingStepError(key, "its scans have not been uploaded", "upload_scans")
    space = extraction_space(ctx.site, key)
    ensure_space(ctx.cdf, space, create=ctx.site.create_space)
    revisions = Revisions(ctx.cdf, ctx.site.e57)
    model = revisions.model(key, capture.label, ClassicFiles(ctx.cdf.client, ctx.site.files).data_set_id)
    started = {path: revisions.start(model, file, space) for path, file in record.body["files"].items()}
    done = Started(model, tuple(revision.id for revision in started.values()), space)
    body: dict[str, Any] = {
        "model": model,
        "revisions": {path: [each.id, each.created.isoformat()] for path, each in started.items()},
        "space": space,
        "began": datetime.now(UTC).isoformat(),
    }
    known = ctx.records.get(key, fingerprint, REVISION)
    if known is not None and known.body["revisions"] == body["revisions"]:
        body["began"] = known.body["began"]
    ctx.records.put(key, fingerprint, REVISION, body, run=ctx.run)
    ctx.log(f"model {model}: revisions {', '.join(map(str, done.revisions))}, into space {space}")
    return done


def poll_revisions(ctx: StepContext, key: CaptureKey, fingerprint: str) -> Waiting:
    """Return how far CDF is. CdfError with the log's words if a revision failed, or if the deadline is over."""
    body = recorded_revisions(ctx, key, fingerprint)
    revisions = Revisions(ctx.cdf, ctx.site.e57)
    states = [revisions.read(body["model"], revision) for revision, _ in body["revisions"].values()]
    for revision in states:
        if revision.status == "Failed":
            why = revisions.failure(revision.model, revision.id)
            raise CdfError(
                f"{key}: CDF could not extract revision {revision.id} of model {revision.model}: {why}. "
                f"To let CDF try again, clear the task that starts the extraction: it starts a new revision."
            )
    others = tuple(revision.status for revision in states if revision.status != "Done")
    if others:
        _within_deadline(ctx, key, states, datetime.fromisoformat(body["began"]))
    return Waiting(len(states) - len(others), len(states), others)


def wait(ctx: StepContext, key: CaptureKey, fingerprint: str, pause: Callable[[float], None] = time.sleep) -> None:
    """Poll at growing intervals until all revisions are done; log every change."""
    seconds = FIRST_PAUSE_S
    logged: Waiting | None = None
    while not (now := poll_revisions(ctx, key, fingerprint)).over:
        if now != logged:
            ctx.log(f"revisions done ({', '.join(now.statuses)}): {now.done} of {now.total}")
            logged = now
        pause(seconds)
        seconds = min(2 * seconds, _LONGEST_PAUSE_S)
    ctx.log(f"revisions done: {now.done} of {now.total}")


def recorded_revisions(ctx: StepContext, key: CaptureKey, fingerprint: str) -> dict[str, Any]:
    """What `start_revisions` recorded; MissingStepError if it did not run."""
    record = ctx.records.get(key, fingerprint, REVISION)
    if record is None:
        raise MissingStepError(key, "its revisions have not been started", "start_revisions")
    return dict(record.body)


def _within_deadline(ctx: StepContext, key: CaptureKey, states: Sequence[Revision], began: datetime) -> None:
    deadline = ctx.site.e57.deadline
    if datetime.now(UTC) - began > deadline:
        waiting = ", ".join(f"{revision.id} ({revision.status})" for revision in states if revision.status != "Done")
        raise CdfError(
            f"{key}: after {deadline} CDF has not ended revision {waiting}. Ask CDF support with the model id "
            f"{states[0].model}, or raise e57.deadline and clear this task."
        )
