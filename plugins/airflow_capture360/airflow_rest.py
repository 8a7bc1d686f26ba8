"""State that only Airflow's REST API shows: health, import errors, DAGs no longer parsed, and warnings."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk import BaseHook, conf
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowSecretsBackendAccessDenied

from capture360.tls import trusted

if TYPE_CHECKING:
    import httpx
    from airflow.sdk import Connection

log = logging.getLogger(__name__)

CONNECTION = "capture360_airflow"
_TIMEOUT_S = 10.0
_PAGE = 100
_NOT_FOUND = 404
_REFUSALS = (401, 403, _NOT_FOUND)
"""Statuses that another host, login or password changes."""

Part = Literal["health", "import errors", "missing DAGs", "warnings"]
OF_A_VIEWER: tuple[Part, ...] = ("import errors", "missing DAGs", "warnings")
_PARTS: tuple[Part, ...] = ("health", *OF_A_VIEWER)


@dataclass(frozen=True, slots=True)
class Unread:
    """Why a part cannot be read: a sentence, and whether Airflow refuses the connection or its login."""

    why: str
    refused: bool = False


@dataclass(frozen=True, slots=True)
class DagWarning:
    """A warning of Airflow about a DAG, of one of Airflow's types."""

    dag: str
    type: str
    message: str


@dataclass(frozen=True, slots=True)
class Reported:
    """What Airflow reports. `unhealthy` has a sentence by component, `import_errors` one by DAG.

    Parts that are `unread` are empty, and nobody knows what they would say. Without `is_viewer`, a connection that may
    read all of them, those of a Viewer are not asked for. `url` is where the REST API was asked.
    """

    unhealthy: Mapping[str, str] = field(default_factory=dict)
    import_errors: Mapping[str, str] = field(default_factory=dict)
    stale: Sequence[str] = ()
    warnings: Sequence[DagWarning] = ()
    unread: Mapping[Part, Unread] = field(default_factory=dict)
    is_viewer: bool = False
    url: str = ""


def ask(dags: Sequence[str]) -> Reported:
    """Ask Airflow about its components, and about these DAGs if there is a connection `capture360_airflow`.

    That connection holds host (default: Airflow's base URL), login and password of a user with the role Viewer. Health
    needs no login. The api-server has to be monitored from outside.
    """
    import httpx

    stored, unread = None, dict[Part, Unread]()
    try:
        stored = BaseHook.get_connection(CONNECTION)
    except AirflowNotFoundException:
        pass
    except AirflowSecretsBackendAccessDenied:
        unread = dict.fromkeys(OF_A_VIEWER, Unread("Airflow does not let capture360 read it.", refused=True))
    except Exception as error:  # noqa: BLE001 - secrets backends raise anything, and the health can be asked for
        unread = dict.fromkeys(OF_A_VIEWER, Unread(f"{CONNECTION} cannot be read ({type(error).__name__})."))
    is_viewer = stored is not None
    url = str(conf.get("api", "base_url", fallback=""))
    try:
        url = _address(stored) or url if stored is not None else url
        if not url and not is_viewer:
            return Reported(unread=unread)
        with httpx.Client(base_url=url.rstrip("/"), timeout=_TIMEOUT_S, verify=trusted()) as http:
            asked = _Asked(http, dags)
            asked.part("health", lambda: {"unhealthy": _unhealthy(_get(http, "monitor/health"))})
            if stored is not None:
                asked.as_viewer({"username": stored.login or "", "password": stored.password or ""})
    except (httpx.InvalidURL, UnicodeError) as error:
        why = Unread(f"The address of Airflow's REST API is none ({type(error).__name__}).")
        log.warning("%s", why.why)
        return Reported(unread={**dict.fromkeys(_PARTS, why), **unread}, is_viewer=is_viewer, url=url)
    return Reported(**asked.found, unread={**unread, **asked.unread}, is_viewer=is_viewer, url=url)


def _address(stored: Connection) -> str:
    """Return the base URL that a connection names: a URL as its host, or scheme, host and port in their own fields."""
    import httpx

    if not stored.host:
        return ""
    scheme = next((each for each in (stored.schema, stored.conn_type) if each in {"http", "https"}), "https")
    url = httpx.URL(stored.host if "://" in stored.host else f"{scheme}://{stored.host}")
    return str(url if url.port or not stored.port else url.copy_with(port=stored.port))


class _Asked:
    """Parts that were asked for, one after the other: one that does not answer hides no other."""

    def __init__(self, http: httpx.Client, dags: Sequence[str]) -> None:
        self._http = http
        self._dags = dags
        self.found: dict[str, Any] = {}
        self.unread: dict[Part, Unread] = {}

    def as_viewer(self, login: Mapping[str, str]) -> None:
        """Log in, and ask for what a Viewer may see."""
        asks: dict[Part, Callable[[], dict[str, Any]]] = {
            "import errors": self._import_errors,
            "missing DAGs": lambda: {"stale": tuple(dag for dag in self._dags if self._is_stale(dag))},
            "warnings": self._warnings,
        }
        if (why := self._try(lambda: self._log_in(login))) is not None:
            self.unread |= dict.fromkeys(OF_A_VIEWER, why)
            return
        for part, ask in asks.items():
            self.part(part, ask)

    def part(self, part: Part, ask: Callable[[], dict[str, Any]]) -> None:
        """Ask for a part."""
        why = self._try(lambda: self.found.update(ask()))
        if why is not None:  # everybody may read the health: no login is refused there
            self.unread[part] = Unread(why.why, why.refused and part in OF_A_VIEWER)

    def _try(self, ask: Callable[[], object]) -> Unread | None:
        """Return why it failed; None if it did not."""
        import httpx

        try:
            ask()
        except httpx.HTTPStatusError as error:
            status, path = error.response.status_code, error.request.url.path
            why = Unread(f"Airflow's REST API answers {status} to {error.request.method} {path}.", status in _REFUSALS)
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
            why = Unread(f"Airflow's REST API does not answer as expected ({type(error).__name__}).")
        else:
            return None
        log.warning("%s", why.why)
        return why

    def _log_in(self, login: Mapping[str, str]) -> None:
        answer = self._http.post("/auth/token", json=login).raise_for_status()
        self._http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"

    def _import_errors(self) -> dict[str, Any]:
        found = {}
        for each in _all(self._http, "importErrors", "import_errors"):
            name = PurePath(str(each["filename"])).stem
            if name in self._dags:
                found[name] = str(each["stack_trace"]).strip().rpartition("\n")[2]
        return {"import_errors": found}

    def _warnings(self) -> dict[str, Any]:
        found = _all(self._http, "dagWarnings", "dag_warnings")
        read = [DagWarning(str(each["dag_id"]), str(each["warning_type"]), str(each["message"])) for each in found]
        return {"warnings": [each for each in read if each.dag in self._dags]}

    def _is_stale(self, dag: str) -> bool:
        answer = self._http.get(f"/api/v2/dags/{dag}")
        return answer.status_code != _NOT_FOUND and bool(answer.raise_for_status().json()["is_stale"])


def _get(http: httpx.Client, path: str, **parameters: Any) -> Any:
    return http.get(f"/api/v2/{path}", params=parameters).raise_for_status().json()


def _all(http: httpx.Client, path: str, name: str) -> list[Any]:
    """Return all entries of a list, page by page."""
    found: list[Any] = []
    while True:
        answer = _get(http, path, limit=_PAGE, offset=len(found))
        found += answer[name]
        if not answer[name] or len(found) >= int(answer["total_entries"]):
            return found


def _unhealthy(health: Mapping[str, Any]) -> Mapping[str, str]:
    """Return when each unhealthy component was last seen. Components that were never started have no status.

    KeyError or TypeError if it is no answer about health, which names the scheduler in every case.
    """
    if not isinstance(health["scheduler"], Mapping):
        raise TypeError("The state of the scheduler is no object.")
    found = {}
    for name, state in health.items():
        if isinstance(state, Mapping) and state.get("status") not in {"healthy", None}:
            seen = next((str(value) for key, value in state.items() if key.startswith("latest_") and value), "")
            found[name] = f"was last seen at {_minute(seen)}" if seen else "does not answer"
    return found


def _minute(time: str) -> str:
    try:
        return f"{datetime.fromisoformat(time).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return time
