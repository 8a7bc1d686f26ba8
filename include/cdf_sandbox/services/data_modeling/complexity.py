"""Refusal of filters that exceed the limits of SQLite, and of reads that take too long."""

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from sqlite3 import Connection

from cdf_sandbox.core.errors import ApiError, BadRequest
from cdf_sandbox.core.sandbox import Sandbox

_LIMITS = (
    "parser stack overflow", "Expression tree is too large", "too many SQL variables", "tables in a join",
    "string or blob too big", "statement too long",
)  # fmt: skip


TOO_LONG = "Graph query timed out. Reduce load or contention, or optimise your query."
_STEPS = 10_000
"""How many steps of SQLite lie between two looks at how many there were."""


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
    """A state to read from with filters that a request brings; 408 once it took all steps that one request may take."""
    with sandbox.read() as db, refuse_too_complex(), _within(db, sandbox.options.query_steps):
        yield db


@contextmanager
def _within(db: Connection, steps: int) -> Iterator[None]:
    """Interrupt statements of the block once they took more than `steps` of SQLite's, alike on every machine."""
    looks = itertools.count(1)
    db.set_progress_handler(lambda: next(looks) * _STEPS > steps, _STEPS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if str(error) != "interrupted":
            raise
        raise ApiError(408, TOO_LONG) from None
    finally:
        db.set_progress_handler(None, _STEPS)
