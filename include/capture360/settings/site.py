"""The settings of one site, checked."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from capture360.model import SITE_LENGTH, is_id
from capture360.records import RESERVED
from capture360.settings.checks import CheckSettings
from capture360.settings.data_modeling import DataModelingSettings
from capture360.settings.e57 import E57Settings
from capture360.settings.files import FileSettings
from capture360.settings.landing import Landing
from capture360.settings.links import LinkSettings
from capture360.settings.readers import ReaderSettings
from capture360.settings.scene import SceneSettings
from capture360.settings.section import Duration, Positive, Section, SpaceId, of_defaults
from capture360.settings.watch import WatchSettings
from capture360.time_zones import zone_problem


class Site(Section):
    """One site of the register."""

    id: str
    """Id of the site: its key under `sites`, and part of every external id. It cannot be set."""
    name: str
    """Name of the site for people; its id if not given."""
    landing: Landing
    connection: str = "cognite_cdf_default"
    """Airflow connection of the CDF project; it also says the project's mode."""
    space: SpaceId
    """Instance space of collections, stations and images."""
    create_space: bool = True
    """Whether a space that does not exist is created."""
    frame: str = "site"
    """Name of the coordinate system that the site's 3D models stand in; captures in another frame are reported."""
    camera_height: Positive | None = None
    """Height of the camera above the floor in metres, where a manifest does not state it; not checked if nobody does.
    Viewers draw the marker of a station 1.45 m below its image."""
    time_zone: str = "UTC"
    """IANA name of the site's time zone, such as Europe/Oslo: it decides which day a capture belongs to."""
    checks: CheckSettings = of_defaults()
    files: FileSettings = of_defaults()
    data_modeling: DataModelingSettings = of_defaults()
    links: LinkSettings = of_defaults()
    e57: E57Settings = of_defaults()
    scene: SceneSettings | None = None
    """The scene that published collections are added to; none if not given."""
    watch: WatchSettings = of_defaults()
    readers: ReaderSettings | None = None
    """Who may see the site's pages in Airflow; everybody who may read captures if not given."""
    verify: Literal["off", "sample", "all"] = "sample"
    """How many of the published faces are downloaded and compared: none, a sample, or all."""
    retrigger_after: Duration = timedelta(hours=1)
    """How long a complete capture may lack a result before its DAG is triggered again: each time twice as long, up to a
    day, where a run failed after the checks, and a day while runs of that DAG wait in Airflow's queue."""
    digest: Literal["off", "daily", "weekly"] = "off"
    """How often people get a message with what happened at the site, through the addresses of alerts: after each day,
    after each week (Monday to Sunday), or never. captures_reconcile sends it."""
    extraction_pipeline: Annotated[str | None, Field(min_length=1, max_length=255)] = None
    """External id of an extraction pipeline in CDF that every ingest and contextualization is reported to, and that
    sensing reports itself to as alive; none if not given."""
    retract_approvals: Literal[1, 2] = 1
    """How many people have to approve before captures_retract removes a capture from CDF."""

    @field_validator("id")
    @classmethod
    def _id_is_safe(cls, value: str) -> str:
        if not is_id(value, SITE_LENGTH):
            raise ValueError(
                f'"{value[:80]}" cannot be an id; use letters, digits, dot, underscore and minus, '
                f"at most {SITE_LENGTH} characters"
            )
        if value.casefold() in RESERVED:
            raise ValueError(f'"{value}" is the name of a folder of the records themselves; give the site another id')
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        problem, fix = zone_problem(value)
        if problem:
            raise ValueError(f'"{value}" {problem}; {fix[:1].lower() + fix[1:] or "name one such as Europe/Oslo"}')
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.time_zone)
