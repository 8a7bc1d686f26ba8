"""The report pages in Airflow's own web server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.requests import Request

from airflow_capture360.web import refusals
from airflow_capture360.web.app import app as reports
from airflow_server import login, web_server
from capture360 import errors
from capture360.model import CaptureKey
from capture360.records import Records

KEY = CaptureKey("hall-7", "walk-1")
PAGE = "/capture360/reports/hall-7/walk-1/f1/validation.html"


@pytest.fixture(scope="module")
def anonymous() -> Iterator[TestClient]:
    with web_server() as client:
        yield client


@pytest.fixture
def reader(anonymous: TestClient) -> dict[str, str]:
    return login(anonymous, "VIEWER")


@pytest.fixture
def report(landing: Path) -> bytes:
    content = b"<!doctype html><title>walk-1</title>"
    Records(str(landing.parents[1] / "records")).put_report(KEY, "f1", "validation.html", content)
    return content


def test_nobody_reads_a_report_without_login(anonymous: TestClient, report: bytes) -> None:
    for path in (PAGE, PAGE.replace("validation", "absent")):
        answer = anonymous.get(path)
        assert answer.status_code == 401
        assert report not in answer.content


def test_the_picture_of_a_plate_is_shown_to_readers_alone(
    anonymous: TestClient, reader: dict[str, str], landing: Path
) -> None:
    records, picture = Records(str(landing.parents[1] / "records")), b"\xff\xd8 a picture"
    records.put_report(KEY, "f1", "plate-0123456789abcdef.jpg", picture)
    path = PAGE.replace("validation.html", "plate-0123456789abcdef.jpg")
    assert anonymous.get(path).status_code == 401
    answer = anonymous.get(path, headers=reader)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, picture, "image/jpeg")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-cache"
    held = {**reader, "If-None-Match": f'"another", W/{answer.headers["etag"]}'}
    again = anonymous.get(path, headers=held)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", answer.headers["etag"])
    records.store.remove(f"{KEY}/f1/plate-0123456789abcdef.jpg")
    assert anonymous.get(path, headers=held).status_code == 404


def test_every_route_asks_who_is_there() -> None:
    routes = [route for route in reports.routes if isinstance(route, APIRoute)]
    assert routes
    assert len(routes) == len(reports.routes)
    guards = {dependency.dependency for dependency in reports.router.dependencies}
    assert guards
    for route in routes:
        assert guards <= {dependency.call for dependency in route.dependant.dependencies}


def test_a_reader_sees_it_without_scripts(anonymous: TestClient, reader: dict[str, str], report: bytes) -> None:
    answer = anonymous.get(PAGE, headers=reader)
    assert answer.status_code == 200
    assert answer.content == report
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/capture360/reports/hall-7/walk-1/f1/validate.json",
        "/capture360/reports/hall-7/walk-1/f2/validation.html",
        "/capture360/reports/hall-7/walk-1/f1/plate-0.jpg",
        "/capture360/reports/hall-7/walk-1/f1/..%2fplate-1.jpg",
        "/capture360/reports/hall-7/walk-1/%2e%2e/validation.html",
        "/capture360/reports/hall-7/walk-1/f1/..%2fvalidation.html",
        "/capture360/reports/hall-7/%2e%2e/f1/validation.html",
        "/capture360/reports/by-date/walk-1/f1/validation.html",
    ],
)
def test_nothing_but_reports_is_served(
    anonymous: TestClient, reader: dict[str, str], report: bytes, landing: Path, path: str
) -> None:
    (landing.parents[1] / "records/hall-7/walk-1/f1/validate.json").write_text("{}")
    for outside in ("validation.html", "plate-1.jpg"):
        (landing.parents[1] / "records/hall-7/walk-1" / outside).write_text("outside")
    answer = anonymous.get(path, headers=reader)
    assert answer.status_code == 404


def test_airflow_shows_the_form_of_the_connection_type(anonymous: TestClient) -> None:
    answer = anonymous.get("/ui/connections/hook_meta", headers=login(anonymous, "ADMIN"))
    (form,) = (form for form in answer.json() if form["connection_type"] == "cognite_cdf")
    assert form["hook_name"] == "Cognite Data Fusion"
    assert set(form["extra_fields"]) == {"project", "token_url", "scopes", "audience", "mode", "expires"}
    assert form["standard_fields"]["password"]["title"] == "Client secret"


def test_the_plugin_is_loaded_without_errors(anonymous: TestClient) -> None:
    answer = anonymous.get("/api/v2/plugins/importErrors", headers=login(anonymous, "ADMIN"))
    assert answer.json()["total_entries"] == 0


SHOWN = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
"""What a browser sends for an address that a person opens."""


@pytest.mark.parametrize(
    "path",
    [
        "captures/nowhere/a",
        "review/nowhere/a",
        "views/nowhere/a",
        "digest/nowhere",
        "captures/nowhere",
    ],
)
def test_a_refusal_names_neither_files_nor_other_sites(
    anonymous: TestClient, reader: dict[str, str], landing: Path, path: str
) -> None:
    for more in ({}, SHOWN):
        answer = anonymous.get(f"/capture360/{path}", headers={**reader, **more})
        assert (answer.status_code, "There is no such site." in answer.text) == (404, True)
        assert "hall-7" not in answer.text
        assert "sites.yaml" not in answer.text


def test_an_error_in_the_register_is_for_its_operators(
    anonymous: TestClient, reader: dict[str, str], landing: Path, caplog: pytest.LogCaptureFixture
) -> None:
    register = landing.parents[1] / "sites.yaml"
    register.write_text(register.read_text().replace("space: captures", "spice: captures"))
    answer = anonymous.get("/capture360/captures/hall-7/walk-1", headers=reader)
    assert answer.status_code == 503
    assert answer.json()["detail"].startswith("The site register or a connection has an error.")
    assert "sites.yaml" in caplog.text


def test_records_that_cannot_be_read_are_named_in_the_log_alone(
    anonymous: TestClient, reader: dict[str, str], records: Records, caplog: pytest.LogCaptureFixture
) -> None:
    records.put(KEY, "f1", "validate", {"verdict": "accepted"}, run="test")
    records.store.put(f"{KEY}/f1/validate.json", b"{")
    answer = anonymous.get("/capture360/captures", headers=reader)
    assert "captures_reconcile and the API server" in answer.text
    assert ("validate.json" in answer.text, "validate.json" in caplog.text) == (False, True)


def test_whoever_opens_a_page_is_answered_by_a_page(
    anonymous: TestClient, reader: dict[str, str], landing: Path
) -> None:
    answer = anonymous.get("/capture360/captures/hall-7/walk-1", headers={**reader, **SHOWN})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "There are no records of hall-7/walk-1." in answer.text
    assert 'href="/capture360/captures"' in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_whoever_opens_a_page_without_a_login_is_led_to_it_and_back(anonymous: TestClient, landing: Path) -> None:
    answer = anonymous.get("/capture360/captures?site=hall-7", headers=SHOWN, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/api/v2/auth/login?next=%2Fcapture360%2Fcaptures%3Fsite%3Dhall-7"
    assert anonymous.get("/capture360/captures").status_code == 401
    assert anonymous.post("/capture360/review/hall-7/walk-1/finish", headers=SHOWN).status_code == 401


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (errors.RequestError("hall-7 is no capture."), 404, "hall-7 is no capture."),
        (errors.MissingStepError(KEY, "publish", "match"), 404, "publish"),
        (errors.BadInputError("hall-7/a has no images in CDF."), 404, "no images in CDF"),
        (errors.RecordsError("/records/a.json is broken."), 503, "Records are damaged."),
        (errors.StoreUnavailableError("s3://b cannot be read."), 503, "cannot be read now"),
        (errors.CdfError("assetsAcl is missing."), 502, "CDF refuses"),
        (errors.LeaseHeldError(KEY, "run-1"), 503, "cannot be made"),
    ],
)
def test_each_error_is_answered_for_readers(error: errors.Capture360Error, status: int, words: str) -> None:
    request = Request({"type": "http", "method": "GET", "path": "/x", "query_string": b"", "headers": []})
    answer = refusals.refuse_error(request, error)
    assert answer.status_code == status
    assert words in bytes(answer.body).decode()
    assert ("broken" in bytes(answer.body).decode(), "s3" in bytes(answer.body).decode()) == (False, False)
