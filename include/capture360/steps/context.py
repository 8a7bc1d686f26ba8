"""Context of every step: the site, the records, the CDF project, the name of the run and a log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from capture360.cdf.client import CdfProject
from capture360.landing.folder import CaptureFolder
from capture360.landing.listing import capture_folder
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.settings.site import Site
from capture360.steps.mode_guard import refuse_other_mode


@dataclass(frozen=True, slots=True)
class StepContext:
    """Context of the steps of one task. `run` names the run in leases and records; `log` takes a line of progress.

    `folder_url` is the capture's folder if it is not in the site's landing zone.
    """

    site: Site
    records: Records
    cdf: CdfProject
    run: str
    log: Callable[[str], None]
    folder_url: str | None = None

    def __post_init__(self) -> None:
        """Raise ConfigError if the records belong to another CDF project or mode: they steer what is changed in it."""
        connection = self.cdf.connection
        self.records.bindings.refuse_other(self.site.id, *connection.identity)
        refuse_other_mode(self.records, self.site.id, connection.mode)

    def bind(self) -> None:
        """Bind the records of the site to this CDF project."""
        self.records.bindings.bind(self.site.id, *self.cdf.connection.identity)

    def bind_mode(self) -> None:
        """Note the mode in which the site is written now in its records, which are bound to this CDF project."""
        self.records.bindings.bind_mode(self.site.id, self.cdf.connection.mode)

    def folder(self, key: CaptureKey) -> CaptureFolder:
        """Return the capture's folder, listed anew."""
        if self.folder_url is not None:
            return CaptureFolder(self.folder_url, use_listings_cache=False)
        return capture_folder(self.site, key)
