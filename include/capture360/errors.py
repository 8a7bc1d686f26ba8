"""The exceptions whose text is meant for a person: what is wrong, where, and how to fix it.

    Capture360Error               retryable  raised when
    ├── ConfigError               no         the site register, a connection or an option is wrong
    ├── RequestError              no         what a person entered is wrong: a capture key, a parameter of a run
    ├── BadInputError             no         a delivered file is wrong
    │   └── CaptureRejected       no         validation stopped the capture
    ├── MissingStepError          no         a step is run before the step that it builds on
    ├── RecordsError              no         records of this project are damaged or lost
    ├── LeaseHeldError            no         another run writes the capture
    ├── DriftError                no         records and CDF disagree
    ├── RetractionError           no         others hold on to a capture, or it changed since its plan
    ├── BackfillError             no         captures of a date did not reach their end
    ├── CdfError                  no         CDF refused a request (4xx other than 429)
    └── UnavailableError          yes        a service did not answer
        ├── AirflowUnavailableError
        ├── StoreUnavailableError
        └── CdfUnavailableError

Retry policy, alert and command line read `retryable`, `remedy` and `fixed_by` from the exception, so a new class needs
no other place. Packages derive their own classes (a damaged E57 file is a BadInputError) and inherit both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from capture360.text import printable, without_secrets

_RUN_AGAIN = "then run it again (in Airflow, clear the failed task)"
_LONGEST = 4_000
"""Characters of a message. Texts from outside may be as long as their files."""


class Capture360Error(Exception):
    """Base of all errors that are shown without a traceback. `message` says what is wrong and where.

    It is one printable line without secrets, whatever names, values and answers it quotes: terminals and logs show it
    as it is.
    """

    retryable: ClassVar[bool] = False
    """Whether the same call may succeed later with nothing changed."""
    remedy: str = f"Do what the message says, {_RUN_AGAIN}."
    """What to do next; `remedy=` replaces the sentence of the class."""
    fixed_by: ClassVar[str] = "platform team"
    """Who can usually fix it, as an alert says."""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        message = printable(without_secrets(message[: 2 * _LONGEST]), _LONGEST)
        super().__init__(message)
        self.message = message
        if remedy is not None:
            self.remedy = remedy

    @property
    def fix(self) -> str:
        """The remedy where no command or task failed, but something that is looked at again by itself."""
        return self.remedy.replace(f", {_RUN_AGAIN}", "").replace(f"; {_RUN_AGAIN}", "")


class ConfigError(Capture360Error):
    """The site register, a connection or an option of the command line is wrong."""

    remedy = f"Fix the named setting, {_RUN_AGAIN}."


class RequestError(Capture360Error):
    """An input is wrong: a capture key, or a parameter of a run triggered by hand."""

    remedy = "Correct what was entered and start again."
    fixed_by = "whoever started the run"


class BadInputError(Capture360Error):
    """A delivered file is wrong."""

    remedy = "Fix the named file and drop the capture again."
    fixed_by = "surveyor"


class CaptureRejected(BadInputError):
    """The validation stopped a capture. `report` is the path of its report among all reports; empty without one.

    `is_new` says whether the verdict was recorded now, not by an earlier step.
    """

    remedy = "Fix the delivery as the validation report says and drop it again."

    def __init__(self, message: str, *, remedy: str | None = None, report: str = "", is_new: bool = False) -> None:
        super().__init__(message, remedy=remedy)
        self.report = report
        self.is_new = is_new


class MissingStepError(Capture360Error):
    """A step runs before the step that it depends on; the input is not at fault."""

    def __init__(self, key: object, missing: str, step: str) -> None:
        super().__init__(f"{key}: {missing}. Run {step} first.", remedy=f"Run {step} first, {_RUN_AGAIN}.")
        self.key = str(key)
        self.missing = missing
        self.step = step


class RecordsError(Capture360Error):
    """Records of this project are damaged or lost."""

    remedy = f"Restore the named file from the newest backup, {_RUN_AGAIN}."


class LeaseHeldError(Capture360Error):
    """Another run writes this capture. `holder` names it."""

    remedy = (
        f"Wait for the named run to end, {_RUN_AGAIN}. If it never ends: a command that was killed is run again with "
        "--take-over, and a run of Airflow that hangs is marked as failed."
    )

    def __init__(self, key: object, holder: str, *, remedy: str | None = None) -> None:
        super().__init__(f"{key} is being written by {holder}. Wait for it, or stop it and run again.", remedy=remedy)
        self.key = str(key)
        self.holder = holder


class DriftError(Capture360Error):
    """Records and CDF differ. `sentences` holds every finding, of these `rules`; the message the first ones."""

    remedy = "Do what the sentences say. captures_reconcile compares again every night, or when it is triggered."
    fixed_by = "CDF administrator"
    SHOWN: ClassVar[int] = 5

    def __init__(self, sentences: Sequence[str], rules: Iterable[str] = ()) -> None:
        more = len(sentences) - self.SHOWN
        rest = [f"And {more} more in the log."] if more > 0 else []
        super().__init__(" ".join([*sentences[: self.SHOWN], *rest]))
        self.sentences = tuple(sentences)
        self.rules = frozenset(rules)


class RetractionError(Capture360Error):
    """A capture cannot be retracted: others attached something to it, or it changed after the plan was shown."""

    remedy = "Remove what is named, or ask those who made it; then start a new run, which plans anew."


class BackfillError(Capture360Error):
    """Captures of a date did not complete. The message names each with its reason."""

    remedy = "Do what the sentences say, then clear the failed run with all its tasks, or backfill the date again."


class CdfError(Capture360Error):
    """CDF refused a request, or is in a state that a retry does not change."""

    remedy = f"Fix what the message names, {_RUN_AGAIN}."
    fixed_by = "CDF administrator"
    status: int | None = None
    """HTTP status that CDF answered, if it answered one."""
    absent: bool = False
    """Whether CDF's API answered 400 or 404 for an item that does not exist; upload and download links do not count."""


class UnavailableError(Capture360Error):
    """A service did not answer."""

    retryable = True
    remedy = f"See whether the named service is up, {_RUN_AGAIN}."


class AirflowUnavailableError(UnavailableError):
    """Airflow did not answer, or answered that an item does not exist.

    Airflow answers the latter also while its database or secrets backend is down.
    """

    remedy = (
        f"See whether Airflow's database and secrets backend are up, and whether what is named exists; {_RUN_AGAIN}."
    )


class StoreUnavailableError(UnavailableError):
    """A store (of a landing zone, or of the records) did not answer, is full or read-only, or refuses."""

    remedy = f"See whether the store answers, has room, and lets capture360 read and write there; {_RUN_AGAIN}."

    def __init__(self, message: str, *, remedy: str | None = None, url: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.store = _store_of(url)
        """The store of the URL that was used: scheme and host or bucket, or where file systems are mounted."""


class CdfUnavailableError(UnavailableError):
    """CDF did not answer, or answered 429 or 5xx."""

    remedy = f"CDF did not answer in any try. See whether it is up, {_RUN_AGAIN}."
    status: int | None = None
    """HTTP status that CDF answered, if it answered one."""


def _store_of(url: str) -> str:
    """Return scheme and host or bucket of a URL, without a login; of a path its first two folders."""
    scheme, separator, rest = url.partition("://")
    host = rest.partition("/")[0].rpartition("@")[2]
    if separator and host:
        return f"{scheme}://{host}"
    return "/".join((rest if separator else url).split("/")[:3])
