"""The forms in which a capture is delivered."""

from __future__ import annotations

from enum import StrEnum


class Delivered(StrEnum):
    """Form of a delivery."""

    CUBEMAP = "cubemap"
    PANORAMA = "panorama"
    NAVVIS = "navvis"
    E57 = "e57"
    E57_PINHOLE = "e57-pinhole"

    @property
    def panoramic(self) -> bool:
        """Whether a station is one full panorama, not six pictures."""
        return self not in {Delivered.CUBEMAP, Delivered.E57_PINHOLE}

    @property
    def scanned(self) -> bool:
        """Whether all of it is in one E57 file."""
        return self in {Delivered.E57, Delivered.E57_PINHOLE}

    @property
    def usual_tilt(self) -> float:
        """Usual tilt in degrees: small for a tripod, larger for a device on a person's back."""
        return {"cubemap": 1.5, "panorama": 4.0, "navvis": 6.0, "e57": 5.0, "e57-pinhole": 5.0}[self.value]
