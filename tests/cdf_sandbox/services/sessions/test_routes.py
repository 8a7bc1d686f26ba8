"""Sessions: a nonce is valid for one minute and for one use."""

import pytest

from cdf_sandbox.core.errors import ApiError
from cdf_sandbox.services.sessions.store import spend_nonce


def spent(running, nonce):
    with running.sandbox.write() as db:
        return spend_nonce(running.sandbox, db, nonce)


def test_a_nonce_is_spent_once(running, client):
    session = client.iam.sessions.create()
    assert spent(running, session.nonce) == "capture360"
    with pytest.raises(ApiError, match="Failed to bind nonce"):
        spent(running, session.nonce)
    assert client.iam.sessions.retrieve(session.id).status == "ACTIVE"


def test_a_nonce_lives_a_minute(start_sandbox):
    with start_sandbox() as running:
        client = running.client()
        old, young = client.iam.sessions.create(), None
        running.advance(59)
        young = client.iam.sessions.create()
        running.advance(2)
        with pytest.raises(ApiError):
            spent(running, old.nonce)
        assert spent(running, young.nonce) == "capture360"
        assert {s.id: s.status for s in client.iam.sessions.list()} == {old.id: "EXPIRED", young.id: "ACTIVE"}
        assert [s.id for s in client.iam.sessions.list(status="active")] == [young.id]
        assert client.iam.sessions.revoke(young.id).status == "REVOKED"


def test_foreign_credentials_make_no_session(http):
    answer = http.post("/sessions", json={"items": [{"clientId": "x", "clientSecret": "y"}]})
    assert answer.status_code == 400
    assert http.post("/sessions", json={"items": [{"tokenExchange": True}]}).status_code == 200


def test_a_session_of_client_credentials_alone_names_its_client(running, http):
    of_client = {"clientId": running.connection["client_id"], "clientSecret": running.connection["client_secret"]}
    for wanted, shown in (({"tokenExchange": True}, None), (of_client, of_client["clientId"])):
        (made,) = http.post("/sessions", json={"items": [wanted]}).json()["items"]
        (read,) = http.post("/sessions/byids", json={"items": [{"id": made["id"]}]}).json()["items"]
        assert (made.get("clientId"), read.get("clientId")) == (shown, shown)


def test_who_may_not_list_sessions_revokes_them_by_ids_alone(running, http):
    made = [
        http.post("/sessions", json={"items": [{"tokenExchange": True}]}).json()["items"][0]["id"] for _ in range(2)
    ]
    grants = [{"sessionsAcl": {"actions": ["DELETE"], "scope": {"all": {}}}}]
    with running.http(*running.make_client("revokes", grants)) as session:
        answer = session.post("/sessions/revoke", json={"items": [{"id": each} for each in made]})
    assert answer.raise_for_status().json() == {"items": [{"id": each} for each in made]}
    shown = http.post("/sessions/byids", json={"items": [{"id": each} for each in made]}).json()["items"]
    assert [each["status"] for each in shown] == ["REVOKED", "REVOKED"]


def test_unknown_sessions_are_named(http):
    answer = http.post("/sessions/byids", json={"items": [{"id": 1}]})
    assert answer.status_code == 400
    assert answer.json()["error"]["missing"] == [{"id": 1}]


def test_sessions_are_counted_apart(start_sandbox):
    with start_sandbox() as running:
        running.client().iam.sessions.create()
        counted = running.sandbox.counters.snapshot()
        assert (counted["sessions"], counted["mutating"], counted["rowsChanged"]) == (1, 0, 0)
