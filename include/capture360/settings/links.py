"""Settings `links.*`: which assets a site's plates may name, and how texts become links."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from capture360.settings.detection import DetectorName, JobSettings, OcrSettings, VisionSettings
from capture360.settings.matching import MatchingSettings
from capture360.settings.section import Section, SpaceId, of_defaults
from capture360.validation_words import near_key, quoted

ALIASES, METADATA = "aliases", "metadata."
_FIELDS = ("name", "externalId", ALIASES)


def _field(value: str) -> str:
    if value in _FIELDS or (value.startswith(METADATA) and value != METADATA):
        return value
    fix = near_key(value, _FIELDS) or f"one of {', '.join(_FIELDS)} and {METADATA}<key>"
    raise ValueError(f"{quoted(value)} is nothing that an asset's tag is taken from; write {fix}")


class LinkSettings(Section):
    """Which assets a site's plates may name, and how texts become links."""

    enabled: bool = True
    """Whether published captures are contextualized."""
    asset_subtrees: tuple[str, ...] = ()
    """External ids of the classic assets below which the site's assets lie; all assets if none is named.
    Of asset-centric projects."""
    asset_spaces: tuple[SpaceId, ...] = ()
    """Instance spaces of the site's CogniteAsset nodes; all spaces if none is named. Of the other projects."""
    match_on: Annotated[tuple[Annotated[str, AfterValidator(_field)], ...], Field(min_length=1)] = ("name",)
    """What stands on the plates: `name`, `externalId`, `aliases` (data modeling and hybrid projects), `metadata.<key>`
    (asset-centric projects)."""
    manual: str | None = None
    """CSV file of links that a person has decided. They win over the machine and over approvals; a link that a person
    rejected in its place stays away. Columns `text` (as read) and `asset` (its name, or its id or
    `<space>/<externalId>`; empty: link nothing), and `image` and `face` to limit a row. One that
    names no image is about whole texts that were read well; about others it asks."""
    matching: MatchingSettings = of_defaults()
    critical_assets: str | None = None
    """CSV file with one column of tags: assets whose coverage is reported apart. A path or any fsspec URL."""
    asset_positions: bool = False
    """Whether linked assets get the places of their plates as bounding boxes of their Cognite3DObject, in metres in the
    frame of the images. Boxes that others set stay. Data modeling projects only."""
    detector: DetectorName = "ocr"
    """What reads the faces: own OCR (`ocr`), or one of CDF's services where the project has it. `vision` is deprecated
    by Cognite and will be removed; `cdf_3d_job` exists in data modeling projects."""
    ocr: OcrSettings = of_defaults()
    vision: VisionSettings = of_defaults()
    cdf_3d_job: JobSettings = of_defaults()
