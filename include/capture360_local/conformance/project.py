"""A project over plain HTTP, so that no client library changes the answers."""

from __future__ import annotations

import ipaddress
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from capture360.cdf.client import Connection
from capture360.errors import CdfError, CdfUnavailableError
from capture360_local.conformance.case import Upload

_TIMEOUT_S = 60.0
_TOO_MANY = 429
_TRIES_WHEN_TOO_MANY = 6
_REFRESH_BEFORE_S = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON body; status 0 if there was no answer, and then the body has the reason."""

    status: int
    body: Any

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return httpx.codes.is_success(self.status)

    @property
    def is_refusal(self) -> bool:
        """Whether the project refused the request."""
        return httpx.codes.is_client_error(self.status)


class Project:
    """One project behind a connection; a context manager that closes its sockets."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._http = httpx.Client(timeout=_TIMEOUT_S, trust_env=not _is_local(connection.base_url))
        self._token = ""
        self._fresh_until = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def send(self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> Answer:
        """Send one request, `path` relative to the project; repeated only after 429, which has no effect."""
        url = f"{self.connection.base_url}/api/v1/projects/{self.connection.project}{path}"
        headers = {"authorization": f"Bearer {self._bearer()}", "accept": "application/json"}
        for pause in range(1, _TRIES_WHEN_TOO_MANY + 1):
            try:
                answer = self._http.request(method, url, json=body, params=query, headers=headers)
            except httpx.HTTPError as error:
                return Answer(0, type(error).__name__)
            if answer.status_code != _TOO_MANY or pause == _TRIES_WHEN_TOO_MANY:
                break
            time.sleep(pause)  # CDF asked for fewer requests
        return Answer(answer.status_code, _json(answer))

    def upload(self, url: str, upload: Upload) -> int:
        """Put content to a link; return the status of the answer, 0 if there was none."""
        headers = {"content-type": upload.media_type} if upload.media_type else {}
        try:
            return self._http.put(url, content=upload.content, headers=headers).status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            return 0

    def _bearer(self) -> str:
        if time.monotonic() < self._fresh_until:
            return self._token
        connection = self.connection
        form = {
            "grant_type": "client_credentials",
            "client_id": connection.client_id,
            "client_secret": connection.client_secret,
            "scope": " ".join(connection.scopes),
            "audience": connection.audience or "",
        }
        asked = time.monotonic()
        try:
            answer = self._http.post(connection.token_url, data={name: value for name, value in form.items() if value})
        except httpx.HTTPError as error:
            raise CdfUnavailableError(
                f"The token endpoint {connection.token_url} did not answer ({type(error).__name__})."
            ) from None
        document = _json(answer)
        lives = document.get("expires_in", 0) if isinstance(document, dict) else None
        if not answer.is_success or "access_token" not in (document or ()) or not isinstance(lives, int | float):
            raise CdfError(
                f"The token endpoint {connection.token_url} answered {answer.status_code} and gave no token. "
                "Check the client id, its secret, and the scopes or the audience."
            )
        self._token = str(document["access_token"])
        self._fresh_until = asked + lives - _REFRESH_BEFORE_S
        return self._token


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _is_local(url: str) -> bool:
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
