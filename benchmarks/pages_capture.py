"""A published capture for the benchmark of pages: full faces, a plate in front of each station, a review of some."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import simplejpeg

from capture360.cdf.client import CdfProject, Connection
from capture360.cdf.registry import mode_of
from capture360.matching.documents import match_document
from capture360.model import (
    FACES,
    Asset,
    Capture,
    CaptureKind,
    Detection,
    FaceName,
    Match,
    Pose,
    Station,
    StationMedia,
)
from capture360.names import image_id
from capture360.records import Records
from capture360.settings.landing import Landing
from capture360.settings.site import Site
from capture360.steps.context import StepContext
from capture360.steps.plates import image_documents
from capture360.steps.review import begin
from capture360.steps.view import viewed
from capture360.text import digest_of
from growth import sandbox
from growth_capture import KEY, tag_of

STATIONS, ASKED = 500, 200
RUN = "manual__review"
_FACE_SIZE = 1_536
_FINGERPRINT = "f" * 32
_BEGAN = datetime(2026, 5, 1, tzinfo=UTC)
_MODE = "asset_centric"


@contextmanager
def published(home: Path) -> Iterator[str]:
    """Serve a sandbox with the capture and record its review, for as long as the block; the address of CDF."""
    digests = _store(home / "faces" / KEY.capture)
    with sandbox(home / "cdf", _MODE, home / "faces") as connection:
        values = {**json.loads(connection.read_text()), "mode": _MODE}
        extra = {name: values[name] for name in ("project", "token_url", "mode")}
        airflow = {"conn_type": "cognite_cdf", "host": values["base_url"], "login": values["client_id"],
                   "password": values["client_secret"], "extra": extra}  # fmt: skip
        os.environ["AIRFLOW_CONN_COGNITE_CDF_DEFAULT"] = json.dumps(airflow)
        cdf = CdfProject(Connection.from_mapping(values, "benchmark"))
        site = Site(id=KEY.site, name="Bench", landing=Landing(url=str(home / "landing")), space="bench")
        ctx = StepContext(
            site, Records(str(home / "records")), cdf, f"Airflow run captures_review {RUN}", lambda _: None
        )
        _publish(ctx, digests)
        _review(ctx)
        yield values["base_url"]


def _store(folder: Path) -> dict[FaceName, str]:
    """Lay the files of all faces, six pictures that all stations share, where the sandbox takes them from."""
    noise = np.random.default_rng(7)
    digests: dict[FaceName, str] = {}
    for face in FACES:
        pixels = cv2.resize(noise.integers(0, 256, (96, 96, 3), np.uint8), (_FACE_SIZE, _FACE_SIZE))
        content = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), 90)
        digests[face] = hashlib.sha256(content).hexdigest()
        first: Path | None = None
        for number in range(STATIONS):
            file = folder / "images" / f"{number:05}" / f"{face}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            if first is None:
                file.write_bytes(content)
                first = file
            else:
                file.hardlink_to(first)
    return digests


def _publish(ctx: StepContext, digests: dict[FaceName, str]) -> None:
    stations = [
        Station(
            f"{number:05}",
            f"Stop {number + 1}",
            Pose((2.0 * (number % 25), 2.0 * (number // 25), 1.6), (1.0, 0.0, 0.0, 0.0)),
            _BEGAN + timedelta(minutes=number),
        )
        for number in range(STATIONS)
    ]
    media = {station.id: StationMedia() for station in stations}
    capture = Capture(KEY, CaptureKind.CUBEMAP, "Bench", "Big", tuple(stations), media)
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    refs = {
        station.id: {face: model.face_ref(KEY, station.id, face, sha256) for face, sha256 in digests.items()}
        for station in stations
    }
    model.publish(capture, refs)


def _review(ctx: StepContext) -> None:
    """Record the steps up to a review that asks about `ASKED` plates."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunType

    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    collections = [["bench", each.external_id] for each in model.collections(KEY)]
    matches = list(_matches())
    documents = [match_document(match) for match in matches]
    images = image_documents(ctx.records, KEY, viewed(ctx, KEY).images, matches)
    bodies = {
        "validate": {"verdict": "accepted", "headline": "Accepted.", "accepted": STATIONS, "quarantined": {},
                     "findings": [], "captured_on": "2026-05-01"},
        "publish": {"link": "", "collections": collections},
        "verify": {},
        "match": {"matches": documents, "images": images},
        "annotate": {"plates": {"linked": STATIONS - ASKED, "asked": ASKED, "missed": 0},
                     "match": digest_of(documents)},
    }  # fmt: skip
    for step, body in bodies.items():
        ctx.records.put(KEY, _FINGERPRINT, step, body, run="benchmark")
    begin(ctx, KEY, _FINGERPRINT)
    with create_session() as session:
        run = {"dag_id": "captures_review", "run_id": RUN, "run_type": DagRunType.MANUAL, "run_after": _BEGAN}
        session.add(DagRun(**run, state="running"))


def _matches() -> Iterator[Match]:
    polygon = ((0.4, 0.5), (0.6, 0.5), (0.6, 0.54), (0.4, 0.54))
    for number in range(STATIONS):
        tag = tag_of(number)
        asset = Asset(str(1_000 + number), tag, (tag,))
        detection = Detection(image_id(KEY, f"{number:05}"), "front", tag, 0.9, polygon)
        status, score = ("suggested", 0.8) if number < ASKED else ("approved", 0.99)
        yield Match(detection, asset, score, status, "the plate may go on", ((asset, score),), f"plate {number}")
