"""Settings `landing.*`: where a site delivers, and when a delivery is complete."""

from __future__ import annotations

from datetime import timedelta

from pydantic import field_validator

from capture360.settings.section import Duration, Section
from capture360.store import password_in

READY_MARKERS = ("_READY", "_SUCCESS", ".done")


class Landing(Section):
    """How a site delivers."""

    url: str
    """Folder of the site's captures on any fsspec store: `<url>/<capture>/...`."""
    ready_markers: tuple[str, ...] = READY_MARKERS
    """Names of files directly in a capture's folder; one of them states that the capture is complete. With an empty
    list only counts and quiet time do."""
    quiet_period: Duration = timedelta(minutes=10)
    """How long a folder without a marker or a manifest count must stay unchanged, over two scans, to be complete."""

    @field_validator("url")
    @classmethod
    def _url_has_no_password(cls, value: str) -> str:
        if problem := password_in(value):
            raise ValueError(problem)
        return value

    @field_validator("ready_markers")
    @classmethod
    def _markers_are_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not name.strip() or "/" in name:
                raise ValueError(f'"{name}" is no file right in the folder of a capture; write a name such as _READY')
        return value
