"""Causes of failures and findings: names that are equal where one message is enough."""

from __future__ import annotations

import hashlib
import re

from capture360.errors import Capture360Error, CdfError, UnavailableError

_LONGEST_TEXT = 4000
_ID = r"(?:\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,})\b|\b[a-z_]+__\d{4}-\d\d-\d\dT\S+)"
"""A request that CDF refused is named by a UUID, contents by hexadecimal digests, runs of Airflow by kind and time."""
_VARIABLE = re.compile(
    rf"""https?://\S+ | {_ID} | "[^"]*" | '[^']*' | [^\s,;:()]*[/\\][^\s,;:()]* |
        \b\S+\.(?:jpe?g|png|e57|csv|json|yaml)\b | \d+""",
    re.VERBOSE | re.IGNORECASE,
)
"""Variable parts of messages of one cause: addresses, ids of requests, quoted names, paths, files and numbers."""
_NUMBERS = re.compile(rf"{_ID}|\d+", re.IGNORECASE)


def identity(*parts: str) -> str:
    """Return a name for documents about what the parts name."""
    return hashlib.sha256("\x00".join(parts).encode(errors="backslashreplace")).hexdigest()[:24]


def cause_of(error: BaseException | None, place: str, subject: str, service: str) -> str:
    """Return the cause of a failure.

    An unavailable service, named by `service`, is one cause wherever it appears. Any other cause is the `place`, a task
    of a DAG, and the message without its variable parts.
    """
    kind = type(error).__name__ if error is not None else "killed"
    if isinstance(error, UnavailableError) and service:
        return identity(kind, service)
    text = str(error)[:_LONGEST_TEXT] if error is not None else ""
    if subject:
        text = text.replace(subject, "")
    ours = isinstance(error, Capture360Error) and not isinstance(error, CdfError | UnavailableError)
    alike = (_NUMBERS if ours else _VARIABLE).sub("", text)
    return identity(kind, place, str(getattr(error, "status", "")), alike)
