"""Connection to a CDF project: its SDK client, created on first use, and the mapping of SDK errors to CdfError."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import traceback
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cache, cached_property
from itertools import dropwhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capture360.cdf.answers import count_answers
from capture360.cdf.json_answers import OddAnswerError
from capture360.cdf.project_mode import DEFAULT_MODE, ModeName, checked_mode
from capture360.cdf.throttle import pace_requests
from capture360.errors import CdfError, CdfUnavailableError, ConfigError
from capture360.model import is_id
from capture360.text import is_text

if TYPE_CHECKING:
    from cognite.client import CogniteClient

CLIENT_NAME = "capture360"
_RETRIES = 6
"""Retries of one request, over about half a minute; longer outages are left to the retries of the scheduler."""
FILES_AT_ONCE = 12
"""Files that one process sends to CDF, or reads from it, at once."""
_REQUIRED = ("base_url", "project", "token_url", "client_id", "client_secret")
RETRYABLE = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses that a later attempt may not meet again."""
_ABSENT = frozenset({400, 404})
"""Statuses of CDF's API for a file that it does not have, or of which it has no content."""
_TOKEN_REFUSALS = (
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
)
"""Error codes of an OAuth 2.0 token endpoint (RFC 6749, 5.2); any other did not come from one."""


_LONGEST_PROJECT = 100
_TEXTS = (*_REQUIRED, "audience", "cluster", "browser_url")
_LARGEST_FILE = 1_000_000
"""Bytes of a connection file, which may be a pipe."""
_CLUSTER = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9._:\[\]-]*")
_PRIVATE_ENDS = (
    ".corp", ".home", ".home.arpa", ".internal", ".intranet", ".lan", ".local", ".localhost", ".private", ".svc",
    ".test",
)  # fmt: skip
"""Ends of host names that no public server has."""


def _problem_of(name: str, url: str) -> str:
    """Return why an address cannot be used, with the fix; empty if it can."""
    try:
        parts = urllib.parse.urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is no address. Write it as https://host"
    if parts.scheme not in ("http", "https") or not host:
        return "is no address. Write it with https:// in front"
    if "@" in parts.netloc:
        return "holds a login. Name client_id and client_secret by themselves"
    if parts.fragment or (parts.query and name == "base_url"):
        return "holds more than scheme, host and path. Leave the rest out"
    if parts.scheme == "http" and not _is_local(host):
        fix = "Write it with https://, or name the host by its private address or a name that ends in .internal"
        return f"would send the client secret unencrypted. {fix}"
    return ""


def _is_local(host: str) -> bool:
    """Return whether a host is of this machine, a container's network or a private network."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.removesuffix(".")
        return "." not in name or name.endswith(_PRIVATE_ENDS)
    return not (getattr(address, "ipv4_mapped", None) or address).is_global


def _day(value: object, where: str) -> date | None:
    try:
        return None if value is None else date.fromisoformat(str(value))
    except ValueError:
        raise ConfigError(f"{where}: expires must be a date, such as 2027-03-31, or be left out.") from None


def _are_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)


@dataclass(frozen=True, slots=True)
class Connection:
    """Address and credentials of one CDF project; `scopes` and `audience` are sent to the token endpoint."""

    base_url: str
    project: str
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = ()
    audience: str | None = None
    mode: ModeName = DEFAULT_MODE
    cluster: str = ""
    """Distinguishes projects of one name where the address changes, such as a sandbox's port; the host if empty."""
    browser_url: str = ""
    """Where a browser opens the project's own pages, such as those of a sandbox in a container; `base_url` if empty."""
    expires: date | None = None
    """The last day of the client secret, as entered by the administrator: CDF has no endpoint for it."""

    @property
    def identity(self) -> tuple[str, str]:
        """Cluster and name of the project, equal for all addresses of the project."""
        return self.cluster or urllib.parse.urlsplit(self.base_url).netloc.lower(), self.project

    def __post_init__(self) -> None:
        for name in _REQUIRED:
            if not getattr(self, name):
                raise ConfigError(f"The CDF connection has no {name}. Fill it in.")
        for name in _TEXTS:
            if (value := getattr(self, name)) and (value != value.strip() or not is_text(value)):
                raise ConfigError(f"The CDF connection's {name} has a blank or line break around or in it. Remove it.")
        for name in ("base_url", "token_url"):
            if problem := _problem_of(name, getattr(self, name)):
                raise ConfigError(f'The CDF connection\'s {name} is "{getattr(self, name)}", which {problem}.')
        if not is_id(self.project, _LONGEST_PROJECT):
            raise ConfigError(f'The CDF connection\'s project is "{self.project}". Write its name, such as my-plant.')
        if self.cluster and not _CLUSTER.fullmatch(self.cluster):
            raise ConfigError(f'The CDF connection\'s cluster is "{self.cluster}". Write a name, or leave it out.')
        object.__setattr__(self, "base_url", self.base_url.rstrip("/"))
        object.__setattr__(self, "mode", checked_mode(self.mode))
        if not self.scopes and not self.audience:
            object.__setattr__(self, "scopes", (f"{self.base_url}/.default",))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], where: str) -> Connection:
        """Build a connection from plain values; ConfigError names `where` and the key that is wrong."""
        missing = [name for name in _REQUIRED if not values.get(name)]
        if missing:
            raise ConfigError(f"{where}: {missing[0]} is missing. A CDF connection needs {', '.join(_REQUIRED)}.")
        odd = [name for name in _TEXTS if values.get(name) and not isinstance(values[name], str)]
        if odd:
            raise ConfigError(f"{where}: {odd[0]} must be a text. Write it in quotes.")
        scopes = values.get("scopes") or ()
        if not isinstance(scopes, str) and not _are_texts(scopes):
            raise ConfigError(f"{where}: scopes must be a text or a list of texts.")
        return cls(
            **{name: values[name] for name in _REQUIRED},
            scopes=tuple(scopes.split() if isinstance(scopes, str) else scopes),
            audience=values.get("audience") or None,
            mode=checked_mode(values.get("mode") or DEFAULT_MODE),
            cluster=str(values.get("cluster") or ""),
            browser_url=str(values.get("browser_url") or ""),
            expires=_day(values.get("expires") or None, where),
        )

    @classmethod
    def from_file(cls, path: str | Path) -> Connection:
        """Read a connection from a JSON file such as the sandbox's `connection.json`."""
        try:
            with Path(path).open("rb") as stream:
                content = stream.read(_LARGEST_FILE + 1)
            if len(content) > _LARGEST_FILE:
                raise ConfigError(f"{path} is larger than {_LARGEST_FILE:,} bytes. Name the file of a connection.")
            document = json.loads(content)
        except FileNotFoundError:
            raise ConfigError(f"{path} is not there. Start the sandbox, or name your own connection file.") from None
        except (OSError, ValueError, RecursionError) as error:
            raise ConfigError(f"{path} is not a readable JSON file: {error}.") from None
        if not isinstance(document, dict):
            raise ConfigError(f"{path} must hold one JSON object with {', '.join(_REQUIRED)}.")
        return cls.from_mapping(document, str(path))


class CdfProject:
    """One CDF project. Its client is created on first use, inside the task that needs it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @cached_property
    def client(self) -> CogniteClient:
        """The synchronous SDK client; thread-safe, and safe to create after a fork."""
        from cognite.client import ClientConfig, CogniteClient, global_config
        from cognite.client.credentials import OAuthClientCredentials

        global_config.disable_pypi_version_check = True
        count_answers()
        configure_process()
        connection = self.connection
        more: dict[str, Any] = {"audience": connection.audience} if connection.audience else {}
        credentials = OAuthClientCredentials(
            token_url=connection.token_url,
            client_id=connection.client_id,
            client_secret=connection.client_secret,
            scopes=list(connection.scopes),
            **more,
        )
        config = ClientConfig(
            client_name=CLIENT_NAME, project=connection.project, credentials=credentials, base_url=connection.base_url
        )
        return CogniteClient(config)


@contextmanager
def cdf_errors(doing: str) -> Iterator[None]:
    """Raise errors of the SDK and its transport as CdfError or CdfUnavailableError; `doing` begins the sentence.

    Signed links to contents appear in the texts of transport errors and in the answers of stores, so neither these
    texts nor the errors themselves are passed on: only status, kind and host.
    """
    import httpx2
    from cognite.client.exceptions import (
        CogniteAPIError,
        CogniteConnectionError,
        CogniteFileUploadError,
        CogniteHTTPStatusError,
        CogniteOAuthError,
        CogniteProjectAccessError,
        CogniteReadTimeout,
        CogniteRequestError,
    )

    from capture360.cdf.answer_bounds import EndlessAnswerError

    try:
        yield
    except CogniteOAuthError as error:
        raise CdfError(f"{doing}: {_token_refusal(error.error, error.description)}") from None
    except CogniteAPIError as error:
        request = f", request {error.x_request_id}" if error.x_request_id else ""
        raised = error_of_status(doing, error.code, f": {error.message}{request}")
        if isinstance(raised, CdfError):
            raised.absent = error.code in _ABSENT
        raise raised from error
    except CogniteProjectAccessError as error:
        raise error_of_status(doing, 401, f': no access to project "{error.project}"') from None
    except CogniteFileUploadError as error:
        raise error_of_status(doing, error.code) from None
    except CogniteHTTPStatusError as error:
        raise error_of_status(doing, error.status_code) from None
    except httpx2.HTTPStatusError as error:
        raise error_of_status(doing, error.response.status_code) from None
    except (CogniteConnectionError, CogniteReadTimeout, CogniteRequestError, httpx2.HTTPError) as error:
        endless = next((each for each in (error, error.__cause__) if isinstance(each, EndlessAnswerError)), None)
        if endless is not None:
            raise OddAnswerError(f"{endless}{_host(error)}.", doing) from None
        raise CdfUnavailableError(f"{doing}: CDF did not answer ({type(error).__name__}{_host(error)}).") from None
    except httpx2.InvalidURL:
        raise OddAnswerError("CDF's answer holds a malformed address.", doing) from None
    except OddAnswerError as error:
        raise OddAnswerError(error.what, doing) from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        if _is_of_credentials(error):
            raise CdfError(f"{doing}: {_token_refusal(None)}") from None
        if not _is_of_sdk(error):
            raise
        raise OddAnswerError(f"CDF's answer cannot be read ({type(error).__name__}).", doing) from error


def error_of_status(doing: str, status: int, detail: str = "") -> CdfError | CdfUnavailableError:
    """Return the error for a status that CDF answered: CdfUnavailableError if a later attempt may succeed."""
    message = f"{doing}: CDF answered {status}{detail}."
    error = CdfUnavailableError(message) if status in RETRYABLE else CdfError(message)
    error.status = status
    return error


def _is_of_sdk(error: Exception) -> bool:
    """Whether it was raised within the SDK, which does not check the form of answers, and not in code of capture360."""
    names = (str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__))
    inside = list(dropwhile(lambda package: package != "cognite", (name.partition(".")[0] for name in names)))
    return bool(inside) and "capture360" not in inside


def _is_of_credentials(error: Exception) -> bool:
    """Whether the SDK raised it for a token endpoint's answer without a token, which it does not check."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    is_there = frame.f_globals.get("__name__") == "cognite.client.credentials"
    return is_there and isinstance(error, KeyError) and error.args == ("access_token",)


def _token_refusal(code: object, description: str = "") -> str:
    if code in _TOKEN_REFUSALS:
        return f"the token endpoint refused the client id or secret ({code}: {description})."
    return "the token endpoint gave no token. Is token_url right?"


def _host(error: Exception) -> str:
    """Return " at" and the scheme, host and port of the request; empty where the error does not name them."""
    for each in (error, error.__cause__):
        try:
            request = getattr(each, "request", None)
        except RuntimeError:  # what httpx raises where an error has no request
            continue
        if request is not None:
            return f" at {request.url.scheme}://{request.url.netloc.decode()}"
    return ""


@cache
def configure_process() -> None:
    """Configure the SDK once per process: retries, throttling, bounds of answers, and files side by side.

    Its event loop is made anew after a fork, which the loop's thread does not survive.
    """
    from cognite.client import global_config

    from capture360.cdf.answer_bounds import bound_answers

    global_config.max_retries = _RETRIES
    pace_requests()
    bound_answers()
    if not global_config.concurrency_settings.is_frozen:  # as it is once another client has sent a request
        global_config.concurrency_settings.files.upload = FILES_AT_ONCE
        global_config.concurrency_settings.files.download = FILES_AT_ONCE
    os.register_at_fork(after_in_child=_forget_background_loop)


def _forget_background_loop() -> None:
    from cognite.client.utils import _concurrency

    _concurrency._INTERNAL_EVENT_LOOP_THREAD_EXECUTOR_SINGLETON = None
