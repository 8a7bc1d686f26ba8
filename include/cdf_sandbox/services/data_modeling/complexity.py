"""Refusal of filters that exceed the limits of SQLite."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from sqlite3 import Connection

from cdf_sandbox.core.errors import BadRequest
from cdf_sandbox.core.sandbox import Sandbox

_LIMITS = (
    "parser stack overflow", "Expression tree is too large", "too many SQL variables", "tables in a join",
    "string or blob too big", "statement too long",
)  # fmt: skip


@contextmanager
def refuse_too_complex() -> Iterator[None]:
    """Turn errors about SQLite's limits into refusals."""
    try:
        yield
    except (sqlite3.OperationalError, sqlite3.DataError) as error:
        if not any(limit in str(error) for limit in _LIMITS):
            raise
        raise BadRequest("The filter is too complex: nest it less deeply or split it") from None


@contextmanager
def read_with_filters(sandbox: Sandbox) -> Iterator[Connection]:
    """A state to read from with filters that a request brings."""
    with sandbox.read() as db, refuse_too_complex():
        yield db
