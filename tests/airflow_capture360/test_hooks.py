"""The connection type against a real sandbox."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from airflow.sdk import Connection, RetryAction
from airflow.sdk.bases.secrets_backend import BaseSecretsBackend
from airflow.sdk.exceptions import AirflowSecretsBackendAccessDenied

from airflow_capture360.hooks import CogniteCdfHook, base_url
from airflow_capture360.policies import RETRYING
from airflow_capture360.provider import get_provider_info
from capture360.errors import AirflowUnavailableError, ConfigError
from cdf_sandbox.core.options import Options
from local_cdf import RunningSandbox, run_sandbox

VARIABLE = "AIRFLOW_CONN_COGNITE_CDF_DEFAULT"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with run_sandbox(Options(data=tmp_path_factory.mktemp("sandbox"))) as running:
        yield running


def connection(sandbox: RunningSandbox, **changes: Any) -> str:
    values = sandbox.connection
    document = {
        "conn_type": "cognite_cdf",
        "host": values["base_url"],
        "login": values["client_id"],
        "password": values["client_secret"],
        "extra": {"project": values["project"], "token_url": values["token_url"]},
    }
    document["extra"].update(changes.pop("extra", {}))
    return json.dumps({**document, **changes})


def test_the_test_button_reaches_the_project(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, connection(sandbox))
    works, sentence = CogniteCdfHook().test_connection()
    assert works, sentence
    assert sandbox.connection["project"] in sentence


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"password": "wrong"}, "client id or secret"),
        ({"extra": {"project": "another"}}, '"another"'),
        ({"extra": {"token_url": ""}}, "token_url"),
        ({"extra": {"mode": "sideways"}}, "sideways"),
        ({"host": ""}, "base_url"),
    ],
)
def test_the_test_button_says_what_is_wrong(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], told: str
) -> None:
    monkeypatch.setenv(VARIABLE, connection(sandbox, **changes))
    works, sentence = CogniteCdfHook().test_connection()
    assert not works
    assert told in sentence
    assert sandbox.connection["client_secret"] not in sentence


def test_a_field_left_empty_is_named_with_the_connection(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, connection(sandbox, login=""))
    with pytest.raises(ConfigError, match=r"cognite_cdf_default: client_id is missing"):
        CogniteCdfHook().project()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("westeurope-1", "https://westeurope-1.cognitedata.com"),
        ("api.cognitedata.com", "https://api.cognitedata.com"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("", ""),
    ],
)
def test_a_cluster_s_name_is_enough(host: str, url: str) -> None:
    assert base_url(host) == url


def test_the_form_has_a_typed_field_for_every_value_that_is_read() -> None:
    (form,) = get_provider_info()["connection-types"]
    assert set(form["conn-fields"]) == {"project", "token_url", "scopes", "audience", "expires", "mode"}
    assert form["conn-fields"]["mode"]["schema"]["enum"]
    shown = json.dumps(form)
    assert "secret" not in json.dumps(form["conn-fields"])
    assert "Client secret" in shown


class Backend(BaseSecretsBackend):
    """A secrets backend whose database is down, or refuses."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def get_connection(self, conn_id: str, team_name: str | None = None) -> Connection | None:
        raise self.error


@pytest.mark.parametrize("error", [ConnectionRefusedError("database"), AirflowSecretsBackendAccessDenied("403")])
def test_not_found_is_no_proof_and_is_asked_again(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr("airflow.sdk.execution_time.supervisor.ensure_secrets_backend_loaded", lambda: [Backend(error)])
    with pytest.raises(AirflowUnavailableError, match="while its database or secrets backend is down") as raised:
        CogniteCdfHook().project()
    assert RETRYING["retry_policy"].evaluate(raised.value, 1, 3).action is RetryAction.RETRY
    works, sentence = CogniteCdfHook().test_connection()
    assert not works
    assert "add a connection of type Cognite Data Fusion" in sentence
