"""The errors that a user reads. Each carries one sentence: what, where, how to mend it."""

from __future__ import annotations


class Capture360Error(Exception):
    """Base of all errors whose text is meant for a person; shown without a traceback."""


class ConfigError(Capture360Error):
    """The site register, a connection or a command line is wrong. A retry cannot heal it."""


class BadInputError(Capture360Error):
    """A delivered file is wrong. A retry cannot heal it."""


class CaptureRejected(BadInputError):
    """The validation stopped a capture."""


class LeaseHeldError(Capture360Error):
    """Another run is writing this capture."""


class CdfError(Capture360Error):
    """CDF refused a request for good (4xx other than 429)."""


class DriftError(Capture360Error):
    """Records and CDF no longer agree. A retry cannot heal it."""


class UnavailableError(Capture360Error):
    """A service did not answer. A retry may heal it."""


class AirflowUnavailableError(UnavailableError):
    """Airflow did not answer, or says of something that it is not there.

    Airflow also says so while its database or secrets backend is down: it is no proof.
    """


class CdfUnavailableError(UnavailableError):
    """CDF did not answer, or answered that it is overloaded or broken. A retry may heal it."""
