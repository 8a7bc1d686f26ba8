"""Tries of all CDF connections, so that an expired secret is found before a capture fails."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from airflow_capture360.background import in_background
from capture360.errors import (
    AirflowUnavailableError,
    Capture360Error,
    CdfUnavailableError,
    ConfigError,
    UnavailableError,
)

if TYPE_CHECKING:
    from capture360.settings.register import Register
    from capture360.settings.watch import WatchSettings
    from capture360.steps.incidents import Occurrence

LONGEST_TRY_S = 45.0
"""Seconds after which a CDF connection counts as not answering; its client alone would go on for minutes."""
_SILENT, _NOT_FOUND = "CDF does not answer", "Airflow does not find the connection"
_REFUSED, _UNTRIED = "CDF refuses the connection", "the connection cannot be tried"
_EXPIRES = "a connection is about to expire"


class Tries:
    """A try of each CDF connection that the register names, begun at once, in the background."""

    def __init__(self, register: Register) -> None:
        conn_ids = dict[str, None]()
        self._knows_all = True
        for site in register.site_ids:
            try:
                conn_ids[register.site(site).connection] = None
            except ConfigError:  # captures_sense reports it
                self._knows_all = False
        self._tries = [_Try.of(conn_id) for conn_id in conn_ids]

    @cached_property
    def _failed(self) -> dict[str, BaseException | None]:
        """Why connections do not work, or did not answer until LONGEST_TRY_S from now."""
        done, _ = wait([each.result for each in self._tries], LONGEST_TRY_S)
        return {
            each.conn_id: each.result.exception()
            if each.result in done
            else CdfUnavailableError(f"{each.conn_id}: CDF does not answer.")
            for each in self._tries
        }

    @property
    def not_found(self) -> list[str]:
        """The connections that Airflow does not find, which all may be while its secrets backend is down."""
        return [name for name, error in self._failed.items() if error is not None and _kind(error) == _NOT_FOUND]

    def findings(self, watch: WatchSettings, now: datetime) -> Iterator[Occurrence]:
        """Find the connections that are about to expire, and those that do not work."""
        from capture360.steps.causes import cause_of
        from capture360.steps.incidents import finding

        for each in self._tries:
            if each.expires is not None and each.expires - now.date() <= watch.expires_within:
                what = f"The client secret of {each.conn_id} expires on {each.expires}, as the connection says."
                fix = (
                    f"Make a new client secret, and put it into {each.conn_id} with the day on which that one expires."
                )
                yield finding(_EXPIRES, each.conn_id, what, fix, now, who="CDF administrator")
        for conn_id, error in self._failed.items():
            if isinstance(error, Capture360Error):
                kind, fix = _kind(error), error.fix
                cause = cause_of(error, "", "", conn_id) if kind == _SILENT else ""
                if kind == _UNTRIED:
                    fix = f"Correct {conn_id} in Airflow as the message says."
                elif kind == _REFUSED:
                    fix = f"Correct {conn_id} as the message says: its secret may have expired."
                yield finding(kind, conn_id, str(error), fix, now, who=error.fixed_by, cause=cause)
            elif error is not None:  # the SDK and secrets backends raise anything
                what = f"{conn_id} cannot be tried ({type(error).__name__})."
                fix = (
                    f"Correct {conn_id}: `capture360 doctor` says what is wrong with the same values in a file. If "
                    "nothing is, see whether Airflow's secrets backend is up."
                )
                yield finding(_UNTRIED, conn_id, what, fix, now)

    def is_decided(self, earlier: Occurrence) -> bool:
        """Return whether the tries show that an earlier finding is over, if they did not find it again.

        A connection that does not answer may be refused as well, and one that cannot be read may expire. One that no
        site names is nobody's, but for sites whose settings are wrong.
        """
        kind = earlier.where
        if kind not in {_SILENT, _NOT_FOUND, _REFUSED, _UNTRIED, _EXPIRES}:
            return False
        tried = next((each for each in self._tries if each.conn_id == earlier.subject), None)
        if tried is None:
            return self._knows_all
        if kind in {_EXPIRES, _NOT_FOUND}:
            return tried.is_read
        error = self._failed[tried.conn_id]
        return error is None or _kind(error) == _REFUSED


@dataclass(frozen=True, slots=True)
class _Try:
    """A try of a CDF connection. `expires` is the day that the connection names, if it `is_read`."""

    conn_id: str
    result: Future[str]
    expires: date | None = None
    is_read: bool = True

    @classmethod
    def of(cls, conn_id: str) -> _Try:
        from airflow_capture360.hooks import CogniteCdfHook
        from capture360.cdf.capabilities import inspect

        try:
            connection = CogniteCdfHook(conn_id).connection()
        except Exception as error:  # noqa: BLE001 - secrets backends raise anything, and the rest must be looked at
            failed: Future[str] = Future()
            failed.set_exception(error)
            return cls(conn_id, failed, is_read=False)
        return cls(conn_id, in_background(lambda: inspect(connection)), connection.expires)


def _kind(error: BaseException) -> str:
    if not isinstance(error, Capture360Error) or isinstance(error, ConfigError):
        return _UNTRIED
    if isinstance(error, AirflowUnavailableError):
        return _NOT_FOUND
    return _SILENT if isinstance(error, UnavailableError) else _REFUSED
