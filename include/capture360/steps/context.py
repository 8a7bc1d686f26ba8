"""What every step is handed: the site, the records, the CDF project, the name of the run and somebody to tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from capture360.cdf.client import CdfProject
from capture360.landing.folder import CaptureFolder
from capture360.landing.listing import capture_folder
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.settings.site import Site


@dataclass(frozen=True, slots=True)
class StepContext:
    """One per task. `run` names the run in leases and records; `say` takes one line of progress.

    `folder_url` is where the capture lies if that is not its folder in the site's landing zone.
    """

    site: Site
    records: Records
    cdf: CdfProject
    run: str
    say: Callable[[str], None]
    folder_url: str | None = None

    def __post_init__(self) -> None:
        """ConfigError if the records are those of another CDF project: they would steer what is changed in this one."""
        self.records.refuse_other_project(self.site.id, *self.cdf.connection.identity)

    def bind(self) -> None:
        """From the first record of a site on, its records belong to this CDF project."""
        self.records.bind(self.site.id, *self.cdf.connection.identity)

    def folder(self, key: CaptureKey) -> CaptureFolder:
        """The capture's folder, listed afresh."""
        if self.folder_url is not None:
            return CaptureFolder(self.folder_url, use_listings_cache=False)
        return capture_folder(self.site, key)
