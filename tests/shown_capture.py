"""Two captures of the drawn plant in a sandbox, with links on their plates, shown by Airflow's own web server."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import uvicorn

from capture360.cdf.client import CdfProject, Connection
from capture360.matching.decisions import Decided
from capture360.matching.documents import match_document
from capture360.model import Asset, CaptureKey, Detection, Match
from capture360.names import image_id
from capture360.records import Records
from capture360.settings.register import Register, Site
from capture360.steps.context import StepContext
from capture360.steps.link_state import LinkMemory
from capture360.steps.plates import image_documents
from capture360.steps.view import viewed
from local_cdf import RunningSandbox, fast_options, run_sandbox
from plant_capture import Plant, create_asset_nodes, create_classic_assets, draw, publish
from waiting import eventually

FIRST, SECOND = CaptureKey("hall-7", "walk-1"), CaptureKey("hall-7", "walk-2")
FINGERPRINT = "f" * 32
_LEAST_VISIBLE = 0.6


@dataclass(frozen=True)
class Shown:
    """What is shown, and what the plant knows to be true of it."""

    running: RunningSandbox
    records: Records
    cdf: CdfProject
    site: Site
    plant: Plant
    matches: tuple[Match, ...]
    """Of FIRST; SECOND has none."""


@contextmanager
def shown_capture(home: Path, mode: str = "asset_centric") -> Iterator[Shown]:
    """Publish and link the captures, and have the register and Airflow's connection lead to them."""
    plant = draw(home)
    register = home / "sites.yaml"
    landing = home / "landing/hall-7"
    register.write_text(
        f"records: {home / 'records'}\nsites: {{hall-7: {{space: captures, landing: {{url: {landing}}}}}}}\n"
    )
    with run_sandbox(fast_options(home / "cdf", mode)) as running:
        values = {**running.connection, "mode": mode}
        extra = {name: values[name] for name in ("project", "token_url", "mode")}
        airflow = {
            "conn_type": "cognite_cdf",
            "host": values["base_url"],
            "login": values["client_id"],
            "password": values["client_secret"],
            "extra": extra,
        }
        environment = {
            "CAPTURE360_CONFIG": str(register),
            "AIRFLOW_CONN_COGNITE_CDF_DEFAULT": json.dumps(airflow),
        }
        cdf = CdfProject(Connection.from_mapping(values, "test"))
        site, records = Register(str(register)).site("hall-7"), Records(str(home / "records"))
        for key in (FIRST, SECOND):
            publish(cdf, site, key, plant)
        (create_classic_assets if mode == "asset_centric" else create_asset_nodes)(cdf, plant)
        matches = tuple(matches_of(FIRST, plant))
        _record(StepContext(site, records, cdf, "test", lambda _: None), matches)
        with mock.patch.dict("os.environ", environment):
            yield Shown(running, records, cdf, site, plant, matches)


def matches_of(key: CaptureKey, plant: Plant) -> Iterator[Match]:
    """The plates that the plant knows to be seen, as if they had been read without a fault."""
    names = {external_id: name for name, external_id in plant.assets}
    for number, plate in enumerate(json.loads((plant.truth / "plates.json").read_text())["plates"]):
        if plate["asset"] is None:
            continue
        asset = Asset(str(1000 + number), names[plate["asset"]], (plate["tag"],))
        for station, regions in plate["seen"].items():
            for region in regions:
                if region["visible"] * region["share"] < _LEAST_VISIBLE:
                    continue
                polygon = tuple((float(x), float(y)) for x, y in region["polygon"])
                detection = Detection(image_id(key, station), region["face"], plate["tag"], 0.9, polygon)
                status = "approved" if number % 3 else "suggested"
                yield Match(detection, asset, 0.99 if number % 3 else 0.8, status, "the same text")


def record_matches(ctx: StepContext, key: CaptureKey, matches: Sequence[Match]) -> None:
    """Record matches on the images that CDF has."""
    images = image_documents(ctx.records, key, viewed(ctx, key).images, matches)
    body = {"matches": [match_document(match) for match in matches], "images": images}
    ctx.records.put(key, FINGERPRINT, "match", body, run="test")


def _record(ctx: StepContext, matches: tuple[Match, ...]) -> None:
    """The match record, and a person's decision against the last link."""
    record_matches(ctx, FIRST, matches)
    record_matches(ctx, SECOND, ())
    images = {image.external_id: image for image in viewed(ctx, FIRST).images}
    rejected = Decided(matches[-1], "rejected", "Ada", "2026-01-02T03:04:05+00:00")
    LinkMemory(ctx.records, FIRST).decide([rejected.on(images[matches[-1].detection.image])])


@contextmanager
def airflow_server() -> Iterator[tuple[str, Callable[[str], str]]]:
    """Airflow's web application on a free port of this process: its address, and tokens by role."""
    from airflow.api_fastapi.app import create_app
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.utils.db import initdb

    initdb()
    app = create_app(apps="core")
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:

        def serves() -> bool:
            assert thread.is_alive(), "the server did not start"
            return server.started

        eventually(serves, "the server to start")
        port = server.servers[0].sockets[0].getsockname()[1]
        manager = app.state.auth_manager

        def token(role: str) -> str:
            return str(manager.generate_jwt(SimpleAuthManagerUser(username="somebody", role=role)))

        yield f"http://127.0.0.1:{port}", token
    finally:
        server.should_exit = True
        thread.join(10)
