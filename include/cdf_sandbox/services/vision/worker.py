"""Background work of Vision jobs: read the images in batches. A file that cannot be read fails its whole batch."""

import json
from collections.abc import Iterator, Sequence
from sqlite3 import Connection, Row
from typing import Any

from cdf_sandbox.core.errors import NotFound
from cdf_sandbox.core.ocr import CannotRead, Text, read_texts
from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.services.files.store import open_content
from cdf_sandbox.services.vision.store import external_id_of

BATCH = 10
_MAX_TEXT = 128


def unfinished_jobs(db: Connection) -> list[int]:
    """The jobs whose end is open."""
    return [
        row["id"] for row in db.execute("SELECT id FROM vision_jobs WHERE ended_time IS NULL ORDER BY created_time")
    ]


def process_job(sandbox: Sandbox, job_id: int) -> None:
    """Process one job, except the batches that were finished before the sandbox was killed."""
    with sandbox.read() as db:
        job = db.execute("SELECT * FROM vision_jobs WHERE id = ?", (job_id,)).fetchone()
        done = {row["number"] for row in db.execute("SELECT number FROM vision_batches WHERE job = ?", (job_id,))}
    if job is None or job["ended_time"] is not None:
        return
    for number, files in _batches(job):
        if number not in done:
            _do_batch(sandbox, job, number, files)
    with sandbox.write() as db:
        _end(sandbox, db, job)


def fail(sandbox: Sandbox, job_id: int, reason: str) -> None:
    """End a job; the batches that it did not come to have failed."""
    with sandbox.write() as db:
        job = db.execute("SELECT * FROM vision_jobs WHERE id = ?", (job_id,)).fetchone()
        done = {row["number"] for row in db.execute("SELECT number FROM vision_batches WHERE job = ?", (job_id,))}
        for number, files in _batches(job):
            if number not in done:
                _add_batch(sandbox, db, job, number, [_named(db, file) for file in files], reason)
        _end(sandbox, db, job)


def _batches(job: Row) -> Iterator[tuple[int, Sequence[int]]]:
    files: list[int] = json.loads(job["files"])
    return ((start // BATCH, files[start : start + BATCH]) for start in range(0, len(files), BATCH))


def _end(sandbox: Sandbox, db: Connection, job: Row) -> None:
    """End a job no sooner than after the configured processing time."""
    ended = max(sandbox.clock.now_ms(), job["started_time"] + int(sandbox.options.detection_processing * 1000))
    db.execute("UPDATE vision_jobs SET ended_time = ? WHERE id = ?", (ended, job["id"]))


def _do_batch(sandbox: Sandbox, job: Row, number: int, files: Sequence[int]) -> None:
    error: str | None = None
    try:
        seen = list(_seen(sandbox, files, job["threshold"]))
    except CannotRead as problem:
        seen, error = [], str(problem)
    except NotFound as problem:
        seen, error = [], problem.message
    with sandbox.write() as db:
        items = [_named(db, file) for file in files]
        if error is None:
            items = [named | found for named, found in zip(items, seen, strict=True)]
        _add_batch(sandbox, db, job, number, items, error)


def _add_batch(
    sandbox: Sandbox, db: Connection, job: Row, number: int, items: Sequence[dict[str, Any]], error: str | None
) -> None:
    db.execute(
        "INSERT INTO vision_batches VALUES (?, ?, ?, ?, ?)",
        (
            job["id"], number, max(sandbox.clock.now_ms(), job["started_time"]),
            json.dumps(items, ensure_ascii=False), error,
        ),
    )  # fmt: skip


def _named(db: Connection, file: int) -> dict[str, Any]:
    """Return how an answer names a file, which may have been deleted meanwhile."""
    row = db.execute("SELECT external_id FROM files WHERE id = ?", (file,)).fetchone()
    return {"fileId": file} | ({} if row is None else external_id_of(row))


def _seen(sandbox: Sandbox, files: Sequence[int], threshold: float) -> Iterator[dict[str, Any]]:
    for file in files:
        _, stream = open_content(sandbox, file)
        with stream:
            content = stream.read()
        texts = [_prediction(text) for text in read_texts(content) if _counts(text, threshold)]
        yield {"predictions": {"textPredictions": texts}}


def _counts(text: Text, threshold: float) -> bool:
    (left, top), (right, bottom) = _bounds(text)
    return text.confidence >= threshold and left < right and top < bottom


def _prediction(text: Text) -> dict[str, Any]:
    (left, top), (right, bottom) = _bounds(text)
    region = {"xMin": left, "xMax": right, "yMin": top, "yMax": bottom}
    return {"text": text.text[:_MAX_TEXT], "textRegion": region, "confidence": text.confidence}


def _bounds(text: Text) -> tuple[tuple[float, float], tuple[float, float]]:
    xs, ys = zip(*text.corners, strict=True)
    return (min(xs), min(ys)), (max(xs), max(ys))
