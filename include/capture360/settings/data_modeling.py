"""Settings `data_modeling.*`: what only data modeling projects need."""

from __future__ import annotations

from capture360.settings.section import Section, SpaceId


class DataModelingSettings(Section):
    """What only data modeling projects need."""

    files_space: SpaceId | None = None
    """Instance space of the CogniteFile nodes of faces; the site's space if not given."""
    model: str | None = None
    """External id of a Cognite360ImageModel in the site's space that collections belong to; one is made for each
    capture if not given."""
    objects_space: SpaceId | None = None
    """Instance space of the Cognite3DObject nodes that CDF makes for linked assets; the site's space if not given."""
    links_space: SpaceId | None = None
    """Instance space of the links from images to assets; the site's space if not given. Links that are written already
    stay in the space before, which must remain readable and writable."""
    cdf_version: str = "20230101-beta"
    """Value of the `cdf-version` header where links are made, which is in beta."""
