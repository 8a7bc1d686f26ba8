"""The review page in Airflow's own web server: who decides, what is stored, and who is not overwritten."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cognite.client.data_classes import AssetWrite
from fastapi.testclient import TestClient

import airflow_server
from airflow_capture360.web import reviews
from airflow_capture360.web.kept import Kept
from capture360.errors import CdfUnavailableError
from capture360.matching.documents import asset_document
from capture360.model import Asset, CaptureKey, Detection, Match
from capture360.records import Records
from capture360.steps.review import HEAD, picture_name
from capture360.steps.review_answers import answers
from capture360.steps.review_due import digest_of
from capture360.steps.review_plates import Question
from capture360.store import DocumentStore
from cdf_sandbox.core.options import ProjectMode
from local_cdf import fast_options, run_sandbox
from open_review import ask_in, asking, becomes, forget_runs, response

KEY = CaptureKey("hall-7", "walk-1")
PAGE = f"/capture360/review/{KEY}"
RUN = "manual__1+"
HOSTILE = '</script><script>alert(1)</script>"><img src=x onerror=alert(2)>'
LOOK = {"station": "Stop 1", "heading": 10.0, "pitch": -5.0}
ZERO, OH = Asset("1", "JB-602", ("JB-602",)), Asset("2", "JB-6O2", ("JB-6O2",))


@pytest.fixture(autouse=True)
def no_runs_are_left(client: TestClient) -> Iterator[None]:
    yield
    forget_runs()


def login(client: TestClient, role: str = "USER", name: str = "Ada") -> dict[str, str]:
    return airflow_server.login(client, role, name)


def plate(number: int, *assets: Asset, text: str = "JB-6O2") -> Question:
    """A plate with one view that names one of the assets."""
    box = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.2), (0.1, 0.2))
    seen = Detection(f"image-{number}", "front", text, 0.8, box)
    shares = tuple((asset, 0.5) for asset in assets)
    match = Match(seen, assets[0], 0.5, "suggested", "letters look alike", shares, f"plate {number}")
    return Question(match, (match,))


def ask(records: Records, *plates: Question, run: str = RUN) -> list[str]:
    """A review of these plates; their ids."""
    names = [picture_name(each.match.detection) for each in plates]
    body = {
        "match": "0" * 16,
        "questions": [each.document() for each in plates],
        "views": dict.fromkeys(names, LOOK),
        "pictures": names,
    }
    records.put(KEY, "f1", "annotate", {"plates": {"asked": len(plates)}, "match": "0" * 16}, run="test")
    by = f"Airflow run captures_review {run}"
    records.put(KEY, "f1", "review", body, run=by)
    records.put_note(KEY, HEAD, {"fingerprint": "f1", "digest": digest_of(body), "run": by})
    asking(run)
    return [each.id for each in plates]


def digest(client: TestClient) -> str:
    found = re.search(r'data-review="([0-9a-f]{16})"', client.get(PAGE, headers=login(client)).text)
    assert found
    return found[1]


def send(client: TestClient, *given: tuple[str, int, str, str | None], name: str = "Ada", **more: Any) -> Any:
    body = {
        "review": more.pop("review", None) or digest(client),
        "answers": [dict(zip(("plate", "version", "choice", "asset"), each, strict=True)) for each in given],
    }
    return client.post(f"{PAGE}/answers", json=body, headers={**login(client, name=name), **more})


def test_a_card_asks_in_words_with_a_button_for_each_candidate(client: TestClient, records: Records) -> None:
    ask(records, plate(1, ZERO, OH), plate(2, ZERO, text="JB-6O2"))
    text = client.get(PAGE, headers=login(client)).text
    assert re.findall(r"<h2>.*</span> (.*?)</h2>", text) == ["Digit 0 or letter O?", "Read as letter O: is it digit 0?"]
    assert re.findall(r'data-do="approve" data-asset="(\d)" data-answer="([^"]*)"', text) == [
        ("1", "digit 0"),
        ("2", "letter O"),
        ("1", "digit 0"),
    ]
    assert '<mark class="digit">0</mark>' in text
    assert '<mark class="letter">O</mark>' in text
    picture = picture_name(plate(1, ZERO).match.detection)
    assert f'src="../../reports/{KEY}/f1/{picture}"' in text
    assert f'href="../../view/{KEY}#station=image-1&amp;heading=10.0&amp;pitch=-5.0&amp;fov=30"' in text
    assert '<b id="done">0</b> of <b>2</b>' in text


def test_an_answer_is_stored_when_it_is_given_with_who_and_when(client: TestClient, records: Records) -> None:
    first, second = ask(records, plate(1, ZERO, OH), plate(2, ZERO, OH))
    answer = send(client, (first, 0, "approve", "1"), (second, 0, "reject", None))
    assert answer.status_code == 200
    stored = answers(records, KEY, {first, second})
    assert (stored[first].choice, stored[first].asset, stored[first].by) == ("approve", ZERO, "Ada")
    assert stored[first].at.endswith("+00:00")
    assert (stored[second].choice, stored[second].asset) == ("reject", None)
    text = client.get(PAGE, headers=login(client)).text
    assert '<b id="done">2</b> of <b>2</b>' in text
    assert re.findall(r'<p class="said">(.*?) by Ada', text) == ['<code class="tag">JB-602</code>', "None of them"]
    assert send(client, (first, 1, "open", None)).status_code == 200
    assert '<b id="done">1</b> of <b>2</b>' in client.get(PAGE, headers=login(client)).text
    assert response(RUN) == (None, None, "awaiting_input")


def test_an_answer_takes_the_same_work_in_a_review_of_any_size(
    client: TestClient, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[tuple[str, int]] = []

    def counted(name: str) -> None:
        real = getattr(DocumentStore, name)

        def count(store: DocumentStore, path: str, *content: bytes) -> Any:
            found = real(store, path, *content)
            moved.append((name, sum(map(len, content or ([] if found is None else [found])))))
            return found

        monkeypatch.setattr(DocumentStore, name, count)

    for name in ("read", "create", "put", "names"):
        counted(name)

    def work(plates: int, run: str) -> list[tuple[str, int]]:
        first, *others = ask(records, *(plate(number, ZERO, OH) for number in range(plates)), run=run)
        shown = digest(client)
        for each in others:
            assert send(client, (each, 0, "reject", None), review=shown).status_code == 200
        moved.clear()
        assert send(client, (first, 0, "approve", "1"), review=shown).status_code == 200
        forget_runs()
        for name in records.note_names(KEY, "notes/plates"):
            records.store.remove(f"{KEY}/notes/plates/{name}.json")
        return moved[: next(place for place, (name, _) in enumerate(moved) if name == "create") + 1]

    few = work(10, "manual__1")
    assert few == work(20, "manual__2")
    assert [name for name, _ in few].count("read") <= 8


def test_of_two_reviewers_the_second_is_shown_what_the_first_said(client: TestClient, records: Records) -> None:
    (only,) = ask(records, plate(1, ZERO, OH))
    assert send(client, (only, 0, "approve", "1"), name="Ada").status_code == 200
    late = send(client, (only, 0, "reject", None), name="Bo")
    assert late.status_code == 409
    (shown,) = late.json()["results"]
    assert (shown["taken"], shown["by"], shown["words"], shown["version"]) == (False, "Ada", "JB-602", 1)
    assert answers(records, KEY, {only})[only].choice == "approve"
    assert send(client, (only, 1, "reject", None), name="Bo").status_code == 200
    assert send(client, (only, 9, "approve", "1")).status_code == 409


def test_taking_back_restores_what_another_person_said_and_no_answer_of_another_is_taken_back(
    client: TestClient, records: Records
) -> None:
    (only,) = ask(records, plate(1, ZERO, OH))
    shown = digest(client)

    def back(version: int, before: int, name: str) -> Any:
        body = {"plate": only, "version": version, "choice": "open", "before": before}
        headers = login(client, name=name)
        return client.post(f"{PAGE}/answers", json={"review": shown, "answers": [body]}, headers=headers)

    send(client, (only, 0, "approve", "1"), name="Bo")
    first = answers(records, KEY, {only})[only]
    for version, choice in enumerate(("reject", "leave"), 1):
        assert send(client, (only, version, choice, None), name="Ann").status_code == 200
    refused = back(3, 0, "Ann")
    assert (refused.status_code, refused.json()["results"][0]["words"]) == (409, "Left as it is")
    (restored,) = back(3, 1, "Ann").json()["results"]
    assert (restored["taken"], restored["words"], restored["by"]) == (True, "JB-602", "Bo")
    assert answers(records, KEY, {only})[only] == replace(first, version=4)
    assert back(4, 3, "Ann").status_code == 409
    (withdrawn,) = back(4, 0, "Bo").json()["results"]
    assert not withdrawn["taken"]
    assert back(4, 3, "Bo").json()["results"][0]["words"] == "Left as it is"


def test_a_reader_sees_no_buttons_and_may_not_answer(client: TestClient, records: Records) -> None:
    (only,) = ask(records, plate(1, ZERO, OH))
    viewer = login(client, "VIEWER", "Vi")
    text = client.get(PAGE, headers=viewer).text
    assert "JB-" in text
    assert 'data-do="approve"' not in text
    assert '<button type="button" data-do="finish"' not in text
    body = {"review": digest(client), "answers": [{"plate": only, "version": 0, "choice": "reject", "asset": None}]}
    assert client.post(f"{PAGE}/answers", json=body, headers=viewer).status_code == 403
    assert client.post(f"{PAGE}/finish", json={"review": body["review"]}, headers=viewer).status_code == 403
    for path in (PAGE, f"{PAGE}/assets"):
        assert client.get(path).status_code == 401
    assert client.post(f"{PAGE}/answers", json=body).status_code == 401
    assert answers(records, KEY, {only}) == {}


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
    ],
)
def test_a_page_of_another_site_can_make_no_browser_answer(
    client: TestClient, records: Records, headers: dict[str, str]
) -> None:
    (only,) = ask(records, plate(1, ZERO, OH))
    answer = send(client, (only, 0, "reject", None), **headers)
    assert answer.status_code in {403, 422}
    assert answers(records, KEY, {only}) == {}


@pytest.mark.parametrize("content", ['{"review": NaN}', '{"review": 1e999}', '{"review": "\\ud800"}', "[1e999]"])
@pytest.mark.parametrize("route", ["answers", "finish"])
def test_an_answer_that_is_none_is_refused_without_repeating_it(client: TestClient, route: str, content: str) -> None:
    headers = {**login(client), "content-type": "application/json"}
    answer = client.post(f"{PAGE}/{route}", content=content, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("body")


def test_finishing_answers_every_required_action_and_closes_the_page(client: TestClient, records: Records) -> None:
    first, second = ask(records, plate(1, ZERO, OH), plate(2, ZERO, OH))
    send(client, (first, 0, "approve", "1"))
    finished = client.post(f"{PAGE}/finish", json={"review": digest(client)}, headers=login(client))
    assert finished.status_code == 200
    assert response(RUN) == (["Leave the rest"], "Ada", "scheduled")
    text = client.get(PAGE, headers=login(client)).text
    assert "Somebody has answered this review as a whole." in text
    assert 'data-do="approve"' not in text
    late = send(client, (second, 0, "approve", "1"))
    assert (late.status_code, late.json()["detail"][:27]) == (409, "Somebody has answered this ")
    again = client.post(f"{PAGE}/finish", json={"review": digest(client)}, headers=login(client))
    assert again.status_code == 409


def test_a_page_that_was_loaded_before_a_newer_review_changes_nothing(client: TestClient, records: Records) -> None:
    (only,) = ask(records, plate(1, ZERO, OH))
    before = digest(client)
    ask(records, plate(2, ZERO, OH), run="manual__2")
    answer = send(client, (only, 0, "reject", None), review=before)
    assert answer.status_code == 409
    assert "asked about again" in answer.json()["detail"]
    assert client.post(f"{PAGE}/finish", json={"review": before}, headers=login(client)).status_code == 409
    assert answers(records, KEY, {only}) == {}


def test_a_page_whose_answers_would_not_be_written_says_so(client: TestClient, records: Records) -> None:
    (only,) = ask(records, plate(1, ZERO, OH))
    shown = digest(client)
    records.put(KEY, "f1", "annotate", {"plates": {"asked": 0}, "match": "1" * 16}, run="another")
    text = client.get(PAGE, headers=login(client)).text
    assert f"The texts of {KEY} were matched again since this was asked." in text
    assert 'data-do="approve"' not in text
    answer = client.post(f"{PAGE}/finish", json={"review": shown}, headers=login(client))
    assert (answer.status_code, "matched again" in answer.json()["detail"]) == (409, True)
    assert response(RUN) == (None, None, "awaiting_input")
    assert send(client, (only, 0, "reject", None), review=shown).status_code == 409
    assert answers(records, KEY, {only}) == {}
    records.put(KEY, "f1", "retract", {"by": "Ada", "removed": {}}, run="another")
    assert f"{KEY} was retracted since this was asked." in client.get(PAGE, headers=login(client)).text


def test_what_was_answered_in_airflow_is_closed_here(client: TestClient, records: Records) -> None:
    first, second = ask(records, plate(1, ZERO, OH), plate(2, ZERO, OH))
    assert send(client, (second, 0, "approve", "2"), name="Ada").status_code == 200
    path = f"/api/v2/dags/captures_review/dagRuns/{RUN.replace('+', '%2B')}/taskInstances/ask/-1/hitlDetails"
    body = {"chosen_options": ["Reject the rest"], "params_input": {"approve": "", "reject": ""}}
    assert client.patch(path, json=body, headers=login(client, name="Bo")).status_code == 200
    assert send(client, (first, 0, "approve", "1")).status_code == 409
    assert client.post(f"{PAGE}/finish", json={"review": digest(client)}, headers=login(client)).status_code == 409
    record = {"by": "Bo", "answered_at": "2026-01-02T03:04:05+00:00", "approved": [], "rejected": [1, "1b"]}
    records.put(KEY, "f1", "reviewed", record, run=f"Airflow run captures_review {RUN}")
    text = client.get(PAGE, headers=login(client)).text
    assert "None of them by Bo, 2026-01-02 03:04 UTC" in text
    assert re.search(r"JB-6O2</code> by Ada", text)


def test_a_review_that_airflow_asks_about_again_is_open_again(client: TestClient, records: Records) -> None:
    (only,) = ask(records, plate(1, ZERO, OH))
    path = f"/api/v2/dags/captures_review/dagRuns/{RUN.replace('+', '%2B')}/taskInstances/ask/-1/hitlDetails"
    mistyped = {"chosen_options": ["Leave the rest"], "params_input": {"approve": "99"}}
    assert client.patch(path, json=mistyped, headers=login(client, name="Bo")).status_code == 200
    assert send(client, (only, 0, "approve", "1")).status_code == 409
    becomes(RUN, "ask", "success")
    text = client.get(PAGE, headers=login(client)).text
    assert "asked again in some seconds if the answer was not understood: load the page again." in text
    assert "This review is finished." not in text
    ask_in(RUN, "ask_again", approve="", reject="1b")
    assert (
        "Finish writes the others too, whatever stands below: reject 1b."
        in client.get(PAGE, headers=login(client)).text
    )
    assert send(client, (only, 0, "approve", "1")).status_code == 200
    assert client.post(f"{PAGE}/finish", json={"review": digest(client)}, headers=login(client)).status_code == 200
    assert response(RUN, "ask_again") == (["Leave the rest"], "Ada", "scheduled")


@pytest.mark.parametrize(
    "states",
    [{"ask_again": "skipped", "ask_once_more": "skipped"}, {"apply": "up_for_retry"}],
    ids=["nobody is asked again", "it is written"],
)
def test_a_review_that_is_not_asked_about_again_is_finished(
    client: TestClient, records: Records, states: dict[str, str]
) -> None:
    ask(records, plate(1, ZERO, OH))
    for task, state in {"ask": "success", **states}.items():
        becomes(RUN, task, state)
    text = client.get(PAGE, headers=login(client)).text
    assert "This review is finished. captures_review writes it to CDF." in text


def test_of_answers_that_cannot_all_be_taken_none_is_stored(
    client: TestClient, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviews, "assets_of", lambda site: ())
    first, second = ask(records, plate(1, ZERO, OH), plate(2, ZERO, OH))
    assert send(client, (first, 0, "approve", "1"), (second, 0, "approve", "9")).status_code == 422
    assert send(client, (first, 0, "approve", "1"), ("f" * 16, 0, "reject", None)).status_code == 404
    assert answers(records, KEY, {first, second}) == {}


def test_another_asset_is_found_by_search_and_no_other_is_taken(
    client: TestClient, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    (only,) = ask(records, plate(1, ZERO))
    site = (ZERO, OH, Asset("3", "Pump A", ("P-101A",)), Asset("4", "B\u202e101", ("P-101B",)))
    kept = {"digest": "d", "pages": ["https://cdf", "plant", ""], "assets": [asset_document(each) for each in site]}
    records.put_asset_list("hall-7", kept)  # CDF, which lists them for long, is not asked: there is no connection
    monkeypatch.setattr(reviews, "kept_assets", Kept(8, 60, 60))
    found = client.get(f"{PAGE}/assets", params={"like": "p 101"}, headers=login(client))
    assert [(each["name"], each["tag"]) for each in found.json()] == [("Pump A", "P-101A"), ("B\\u202e101", "P-101B")]
    assert client.get(f"{PAGE}/assets", params={"like": "-"}, headers=login(client)).json() == []
    assert send(client, (only, 0, "approve", None)).status_code == 422
    assert send(client, (only, 0, "approve", "3")).status_code == 200
    assert answers(records, KEY, {only})[only].asset == site[2]


def test_a_search_without_a_hit_waits_for_no_cdf_that_is_down(
    client: TestClient, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is CDF, which lists its assets for long, asked for the beginning of a word."""
    asked = []

    def lists(site: str) -> Iterator[Mapping[str, Asset]]:
        yield {}
        asked.append(site)
        raise CdfUnavailableError("CDF does not answer.")

    monkeypatch.setattr(reviews, "assets_of", lists)
    ask(records, plate(1, ZERO))
    for like, times in (("p-1", 0), ("p-101", 1)):
        found = client.get(f"{PAGE}/assets", params={"like": like}, headers=login(client))
        assert (found.status_code, found.json(), len(asked)) == (200, [], times)


def test_an_asset_that_is_newer_than_the_last_matching_is_found_in_cdf(
    client: TestClient, records: Records, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (only,) = ask(records, plate(1, ZERO))
    records.put_asset_list("hall-7", {"digest": "d", "pages": ["https://cdf", "plant", ""], "assets": []})
    monkeypatch.setattr(reviews, "kept_assets", Kept(8, 60, 60))
    with run_sandbox(fast_options(tmp_path / "sandbox", ProjectMode.ASSET_CENTRIC)) as sandbox:
        cdf = sandbox.connection
        extra = {name: cdf[name] for name in ("project", "token_url")}
        stored = {"conn_type": "cognite_cdf", "host": cdf["base_url"], "extra": extra}
        stored |= {"login": cdf["client_id"], "password": cdf["client_secret"]}
        monkeypatch.setenv("AIRFLOW_CONN_COGNITE_CDF_DEFAULT", json.dumps(stored))
        made = sandbox.client().assets.create(AssetWrite(name="21-PT-2001"))
        found = client.get(f"{PAGE}/assets", params={"like": "2001"}, headers=login(client))
        assert [each["tag"] for each in found.json()] == ["21-PT-2001"]
        assert send(client, (only, 0, "approve", "5")).status_code == 422
        assert send(client, (only, 0, "approve", str(made.id))).status_code == 200
    stored_answer = answers(records, KEY, {only})[only].asset
    assert stored_answer is not None
    assert stored_answer.name == "21-PT-2001"


def test_texts_from_outside_are_text(client: TestClient, records: Records) -> None:
    evil = Asset(HOSTILE, HOSTILE, (HOSTILE,))
    ask(records, plate(1, evil, text=HOSTILE))
    page = client.get(PAGE, headers=login(client, name=HOSTILE))
    assert page.text.count("<script") == 1
    assert "<img src=x" not in page.text
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "*" not in policy


def test_nobody_asked_is_said(client: TestClient, records: Records) -> None:
    assert "Nobody is asked about hall-7/walk-1 now." in client.get(PAGE, headers=login(client)).text
    assert client.get("/capture360/review/nowhere/walk-1", headers=login(client)).status_code == 404
