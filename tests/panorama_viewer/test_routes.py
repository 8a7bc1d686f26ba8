"""The viewer's routes in Airflow's own web server: who may read them, and what they give."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from capture360.capture_state import Stage
from capture360.model import FACES, CaptureKey
from capture360.names import image_id
from capture360.pictures.small import SMALL, THUMBNAIL
from capture360.steps.retracted import RETRACTED
from shown_capture import FINGERPRINT, FIRST, SECOND

if TYPE_CHECKING:
    from conftest import Served

VIEW = f"views/{FIRST}"
FACE = f"faces/{FIRST}/{image_id(FIRST, 's-001')}/front"


@pytest.mark.parametrize("path", [f"view/{FIRST}", "static/main.js", VIEW, "captures/hall-7", FACE, "faces/a/b/c/d"])
def test_nobody_gets_anything_without_login(served: Served, path: str) -> None:
    answer = served.get(path, token=False)
    assert answer.status_code == 401
    assert len(answer.content) < 200


def test_the_page_asks_for_nothing_from_elsewhere(served: Served) -> None:
    answer = served.get(f"view/{FIRST}")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy
    assert set(re.findall(r'(?:href|src|content)="(\w+:[^"]*)"', answer.text)) == {"data:,"}
    for path in files("panorama_viewer").iterdir():
        if path.name.endswith((".js", ".css")):
            addresses = re.findall(r"\w+://[\w./]+", path.read_text(encoding="utf-8"))
            assert set(addresses) <= {"http://www.w3.org/2000/svg"}


def test_every_file_that_the_page_names_is_served(served: Served) -> None:
    named = set(re.findall(r'static/([a-z]+\.\w+)"', served.get(f"view/{FIRST}").text))
    there = {path.name for path in files("panorama_viewer").iterdir() if path.name.endswith((".js", ".css"))}
    assert named == there
    for name in named:
        answer = served.get(f"static/{name}")
        kind = "text/css" if name.endswith(".css") else "text/javascript"
        assert (answer.status_code, answer.headers["content-type"]) == (200, f"{kind}; charset=utf-8")
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_view_names_addresses_that_give_the_faces_of_cdf(served: Served) -> None:
    document = served.get(VIEW).json()
    assert [station["name"] for station in document["stations"]] == ["Hall stop 1", "Hall stop 2", "Hall stop 3"]
    station = document["stations"][0]
    for face in FACES:
        delivered = (served.shown.plant.folder / f"images/s-001/{face}.jpg").read_bytes()
        address = station["faces"][face].removeprefix("../../")
        full = served.get(f"{address}&size=full")
        assert hashlib.sha256(full.content).digest() == hashlib.sha256(delivered).digest()
        assert full.headers["content-type"] == "image/jpeg"
        assert full.headers["cache-control"] == "private, no-cache"
        small = served.get(f"{address}&size=small")
        assert Image.open(io.BytesIO(small.content)).size == (SMALL, SMALL)
        assert len(small.content) < len(full.content) / 2
        thumbnail = served.get(f"{address}&size=thumbnail")
        assert Image.open(io.BytesIO(thumbnail.content)).size == (THUMBNAIL, THUMBNAIL)
        assert thumbnail.headers["etag"] not in {full.headers["etag"], small.headers["etag"]}


def test_a_face_of_a_retracted_capture_is_kept_by_nobody(served: Served) -> None:
    """Neither by a cache of the server nor by that of a browser, which asks each time."""
    address = served.get(VIEW).json()["stations"][0]["faces"]["front"].removeprefix("../../")
    held = {"If-None-Match": served.get(address).headers["etag"]}
    again = served.get(address, headers=held)
    assert (again.status_code, again.content) == (304, b"")
    records = served.shown.records
    records.put(FIRST, FINGERPRINT, "retract", {"by": "Ada", "removed": {}}, run="a command")
    records.put_note(FIRST, RETRACTED, {"revision": 1})
    try:
        for headers in ({}, held):
            refused = served.get(address, headers=headers)
            assert refused.status_code == 404
            assert "was retracted" in refused.text
    finally:
        records.remove_note(FIRST, RETRACTED)
        records.store.remove(f"{FIRST}/{FINGERPRINT}/retract.json")
    assert served.get(address, headers=held).status_code == 304


def test_links_to_storage_and_tokens_stay_here(served: Served) -> None:
    text = served.get(VIEW).text
    assert served.shown.running.connection["client_secret"] not in text
    assert "/files/" not in text


def test_captures_of_the_site_are_found_by_a_part_of_their_names(served: Served) -> None:
    both = [{"name": str(key), "view": f"../views/{key}"} for key in (SECOND, FIRST)]
    assert served.get("captures/hall-7").json() == both
    assert served.get("captures/hall-7?like=WALK-2").json() == both[:1]
    assert served.get("captures/hall-7?like=none").json() == []


@pytest.mark.parametrize("stage", [Stage.REJECTED, Stage.RETRACTED])
def test_a_capture_without_panoramas_is_not_offered_beside_another(served: Served, stage: Stage) -> None:
    records, key = served.shown.records, CaptureKey("hall-7", "walk-3")
    records.put(key, "f3", "sense", {"announced": "2026-01-02T03:04:05+00:00"}, run="test")
    state = records.load(key)
    assert state is not None
    records.mark_done(replace(state, stage=stage))
    assert served.get("captures/hall-7?like=walk-3").json() == []
    shutil.rmtree(Path(records.url) / str(key))


def test_a_capture_whose_later_delivery_was_rejected_is_offered_beside_another(served: Served) -> None:
    records, key = served.shown.records, CaptureKey("hall-7", "walk-4")
    for fingerprint, step in (("f1", "publish"), ("f1", "verify"), ("f2", "sense")):
        records.put(key, fingerprint, step, {}, run="test")
    state = records.load(key)
    assert state is not None
    assert state.fingerprint == "f2"
    records.mark_done(replace(state, stage=Stage.REJECTED))
    assert [each["name"] for each in served.get("captures/hall-7?like=walk-4").json()] == [str(key)]
    shutil.rmtree(Path(records.url) / str(key))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("views/hall-7/never", 404),
        ("views/hall-8/walk-1", 404),
        ("captures/by-date", 404),
        (f"faces/{FIRST}/another/front", 404),
        (f"{FACE}s", 422),
        (f"{FACE}?size=huge", 422),
        (f"faces/{FIRST}/{'x' * 300}/front", 422),
        ("views/hall-7/%2e%2e", 422),
        ("views/hall-7/..%2fwalk-1", 404),
        ("view/hall-7/%3Cscript%3E", 422),
        ("static/viewer.html", 422),
        ("static/__init__.py", 422),
        ("static/..%2fmain.js", 404),
        ("static/absent.js", 404),
    ],
)
def test_what_is_not_there_or_no_name_is_refused(served: Served, path: str, status: int) -> None:
    answer = served.get(path)
    assert answer.status_code == status
    assert "Traceback" not in answer.text


def test_a_mistyped_capture_is_answered_by_those_that_are_meant(served: Served) -> None:
    for path, words in (("views", "has no images in CDF."), ("captures", "There are no records of hall-7/walk1.")):
        answer = served.get(f"{path}/hall-7/walk1")
        assert answer.status_code == 404
        assert words in answer.json()["detail"]
        assert answer.json()["detail"].endswith("Did you mean hall-7/walk-1 or hall-7/walk-2?")
