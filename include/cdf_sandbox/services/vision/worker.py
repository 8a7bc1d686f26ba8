"""Background work of Vision jobs: read the images in batches. A file that cannot be read fails its whole batch."""

import json
from collections.abc import Iterator, Sequence
from sqlite3 import Connection, Row
from typing import Any

from cdf_sandbox.core.ocr import CannotRead, Text, read_texts
from cdf_sandbox.core.sandbox import Sandbox

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
    files: list[int] = json.loads(job["files"])
    for number, start in enumerate(range(0, len(files), BATCH)):
        if number not in done:
            _do_batch(sandbox, job, number, files[start : start + BATCH])
    ended = max(sandbox.clock.now_ms(), job["started_time"] + int(sandbox.options.detection_processing * 1000))
    with sandbox.write() as db:
        db.execute("UPDATE vision_jobs SET ended_time = ? WHERE id = ?", (ended, job_id))


def _do_batch(sandbox: Sandbox, job: Row, number: int, files: Sequence[int]) -> None:
    items: list[dict[str, Any]]
    try:
        items, error = list(_seen(sandbox, files, job["threshold"])), None
    except CannotRead as problem:
        items, error = [{"fileId": file} for file in files], str(problem)
    at = max(sandbox.clock.now_ms(), job["started_time"])
    with sandbox.write() as db:
        db.execute(
            "INSERT INTO vision_batches VALUES (?, ?, ?, ?, ?)",
            (job["id"], number, at, json.dumps(items, ensure_ascii=False), error),
        )


def _seen(sandbox: Sandbox, files: Sequence[int], threshold: float) -> Iterator[dict[str, Any]]:
    for file in files:
        with sandbox.read() as db:
            row = db.execute("SELECT blob, external_id FROM files WHERE id = ?", (file,)).fetchone()
        if row is None or row["blob"] is None:
            raise CannotRead(f"File {file} does not exist any more")
        texts = [_prediction(text) for text in read_texts(sandbox.blobs.path(row["blob"])) if _counts(text, threshold)]
        named = {"fileExternalId": row["external_id"]} if row["external_id"] is not None else {}
        yield {"fileId": file, **named, "predictions": {"textPredictions": texts}}


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
