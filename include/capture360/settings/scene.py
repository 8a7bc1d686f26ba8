"""Settings `scene.*`: the scene that a site's collections are shown in."""

from __future__ import annotations

from capture360.settings.section import Number, Positive, Section, SpaceId


class SceneSettings(Section):
    """The scene that a site's collections are shown in.

    Placement holds for new collections: what a person has moved in the scene stays as it is. A plain text is the
    external id, with the rest as the defaults of all sites have it.
    """

    external_id: str
    """External id of the scene."""
    space: SpaceId | None = None
    """Instance space of the scene; the site's space if not given."""
    name: str | None = None
    """Name of a scene that is created here; the site's name if not given."""
    camera_translation: tuple[Number, Number, Number] = (0.0, 0.0, 0.0)
    """Position X, Y, Z of the default camera of a scene that is created here."""
    camera_rotation_deg: tuple[Number, Number, Number] = (0.0, 0.0, 0.0)
    """Euler angles X, Y, Z in degrees of the default camera of a scene that is created here."""
    translation: tuple[Number, Number, Number] = (0.0, 0.0, 0.0)
    """Translation X, Y, Z of a collection in the scene, in metres."""
    rotation_deg: tuple[Number, Number, Number] = (90.0, 0.0, 0.0)
    """Euler angles X, Y, Z in degrees. Viewers change the axes twice in a scene, so a quarter turn about X leaves a
    collection as it is without one; for an alignment A write the angles of A Rx(90 degrees)."""
    point_clouds: bool = False
    """Whether point clouds that CDF's extraction makes beside the images are added too, placed as collections are. Only
    in data modeling projects."""
    scale: tuple[Positive, Positive, Positive] = (1.0, 1.0, 1.0)
    """Scale X, Y, Z of a collection in the scene."""
