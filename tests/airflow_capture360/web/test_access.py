"""Sites with readers: every route of a site refuses the others, and every list leaves the site out."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from airflow_capture360.web.app import app as pages
from airflow_server import login
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.steps.watch_life import Found, looked

OPEN, CLOSED = CaptureKey("hall-7", "walk-1"), CaptureKey("hall-8", "walk-1")
NO_SITE = "There is no such site."
VALUES = {"site": CLOSED.site, "capture": CLOSED.capture, "fingerprint": "f1", "name": "validation.html", "image": "i",
          "face": "front"}  # fmt: skip
ROUTES = [(method, route.path) for route in pages.routes if isinstance(route, APIRoute)
          for method in sorted(route.methods)]  # fmt: skip
OF_A_SITE = [each for each in ROUTES if "{site}" in each[1]]
OF_ALL = {"/captures", "/runs", "/health", "/static/{name}"}
"""Lists, which leave sites out; a run leads to the page of its capture."""
BODIES = {
    "answers": {"review": "0" * 16, "answers": [{"plate": "0" * 16, "version": 0, "choice": "leave"}]},
    "finish": {"review": "0" * 16},
}


@pytest.fixture(autouse=True)
def sites(landing: Path, records: Records) -> Path:
    """The register, whose second site may be seen by ada and by the role OP."""
    register = landing.parents[1] / "sites.yaml"
    readers = "{roles: [OP], users: [ada]}"
    site = f"hall-8: {{space: captures, landing: {{url: {landing.parent}/hall-8}}, readers: {readers}}}"
    register.write_text(register.read_text().rstrip().removesuffix("}") + f", {site}}}\n")
    for key in (OPEN, CLOSED):
        body = {"verdict": "accepted", "headline": "", "accepted": 1, "quarantined": {}, "findings": []}
        records.put(key, "f1", "validate", body, run="test")
        records.put_report(key, "f1", "validation.html", "<title>report</title>")
    return register


def ask(client: TestClient, path: str, role: str = "VIEWER", name: str = "bob", method: str = "GET") -> Any:
    headers = login(client, role, name)
    json = BODIES.get(path.rpartition("/")[2]) if method == "POST" else None
    return client.request(method, f"/capture360{path}", headers=headers, json=json)


@pytest.mark.parametrize(("method", "path"), OF_A_SITE)
def test_a_route_of_a_site_is_for_its_readers(client: TestClient, method: str, path: str) -> None:
    address = path.format(**VALUES)
    refused = ask(client, address, "USER", "bob", method)
    assert (refused.status_code, refused.json()) == (404, {"detail": NO_SITE})
    assert ask(client, address.replace("hall-8", "hall-9"), "USER", "bob", method).json() == {"detail": NO_SITE}
    for role, name in (("USER", "ada"), ("OP", "bob")):
        assert NO_SITE not in ask(client, address, role, name, method).text
    assert NO_SITE not in ask(client, address.replace("hall-8", "hall-7"), "USER", "bob", method).text


def test_every_other_route_is_known_here() -> None:
    assert {path for _, path in ROUTES} - {path for _, path in OF_A_SITE} == OF_ALL


def test_lists_leave_out_what_a_person_may_not_see(client: TestClient) -> None:
    for path in ("/captures", "/digest/hall-7"):
        assert "hall-8" not in ask(client, path).text
        assert "hall-8" in ask(client, path, name="ada").text
    counts = [re.findall(r"<b>(\d+)</b>all", ask(client, "/captures", name=name).text) for name in ("bob", "ada")]
    assert counts == [["1"], ["2"]]


def test_the_health_tells_nothing_of_a_site_that_a_person_may_not_see(client: TestClient, records: Records) -> None:
    found = [Found("late", str(key), f"{key} is late.", "Deliver it.", "surveyor") for key in (OPEN, CLOSED)]
    looked(records, datetime.now(UTC), found=found)
    seen = ask(client, "/health")
    assert "hall-8" not in seen.text
    assert [each["subject"] for each in seen.json()["waiting"]] == [str(OPEN), "a site"]
    assert str(CLOSED) in ask(client, "/health", name="ada").text


def test_a_site_whose_readers_are_wrong_is_shown_to_nobody(client: TestClient, sites: Path) -> None:
    sites.write_text(sites.read_text().replace("{roles: [OP], users: [ada]}", "{}"))
    assert "hall-8" not in ask(client, "/captures", name="ada").text
    assert ask(client, f"/captures/{CLOSED}", name="ada").status_code == 503
    assert ask(client, f"/captures/{OPEN}", name="ada").status_code == 200
