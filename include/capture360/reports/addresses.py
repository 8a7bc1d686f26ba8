"""Addresses of capture360's pages within Airflow."""

from __future__ import annotations

from urllib.parse import urlencode

from capture360.model import CaptureKey

WEB_PREFIX = "/capture360"
"""Path of capture360's pages within Airflow."""
_FOV = 30
"""Field of view in degrees of the panorama that a link to a plate opens."""


def panorama_path(key: CaptureKey, image: str, heading: object, pitch: object) -> str:
    """Path below `WEB_PREFIX` of the panorama viewer that looks from an image in a direction (degrees, as there)."""
    look = {"station": image, "heading": heading, "pitch": pitch, "fov": _FOV}
    return f"view/{key}#{urlencode(look)}"
