"""POST without retries, for endpoints that are not idempotent.

The SDK (8.22) repeats even these when the connection breaks before the answer (`_http_client.py`: a `NetworkError`
counts as an attempt to connect), though CDF may have carried them out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx

from capture360.cdf.answer_bounds import bounded_content
from capture360.cdf.client import CdfProject, cdf_errors, error_of_status
from capture360.cdf.json_answers import AnswerObject, json_object
from capture360.cdf.polling import wait_until
from capture360.errors import CdfUnavailableError
from capture360.tls import trusted

LOST_ANSWER_S = 10.0
"""How long to look for what may have been created though no answer came."""
_TIMEOUT_S = 60.0

_Found = TypeVar("_Found")


def post_without_retry(
    cdf: CdfProject, doing: str, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> AnswerObject:
    """Return the JSON answer to one POST below the project; `doing` begins the sentence of an error.

    CdfUnavailableError if it is not known whether CDF did it, CdfError if CDF refused.
    """
    connection = cdf.connection
    with cdf_errors(doing):
        name, value = cdf.client.config.credentials.authorization_header()
    url = f"{connection.base_url}/api/v1/projects/{connection.project}{path}"
    try:
        with (
            httpx.Client(timeout=_TIMEOUT_S, verify=trusted()) as http,
            http.stream("POST", url, json=body, headers={name: value, **(headers or {})}) as answer,
        ):
            content = bounded_content(answer, doing)
    except httpx.HTTPError as error:
        raise CdfUnavailableError(f"{doing}: CDF did not answer ({type(error).__name__}).") from error
    if not answer.is_success:
        raise error_of_status(doing, answer.status_code, f": {_message(content) or answer.reason_phrase}")
    with cdf_errors(doing):
        return json_object(content)


def found_after_all(look: Callable[[], _Found | None]) -> _Found | None:
    """Return what was created although its answer was lost, once CDF shows it."""
    return wait_until(look, LOST_ANSWER_S)


def _message(content: bytes) -> str:
    try:
        return str(json.loads(content)["error"]["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
