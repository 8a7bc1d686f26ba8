"""The site register as pages read it, kept for some seconds: each picture of a page asks for its site."""

from __future__ import annotations

from airflow_capture360.web.kept import Kept
from capture360.settings.register import Register

KEPT_S = 5.0
"""Seconds until changed rights and settings count."""
registers: Kept[str, Register] = Kept(4, KEPT_S, KEPT_S)


def site_register() -> Register:
    """Return the register, which may have been read some seconds ago; UnavailableError if it cannot be read soon."""
    url = Register().url
    return registers.get(url, lambda: _read(url))


def _read(url: str) -> Register:
    register = Register(url)
    _ = register.site_ids  # now, so that those who ask at once read it once
    return register
