"""The site register: which sites there are, where they deliver, and what they demand.

`CAPTURE360_CONFIG` names a YAML file on any fsspec store (default `config/sites.yaml`). It holds `defaults:` and
`sites:`; a site's own file `<site>.yaml` beside it, if there is one, is merged over both. A mistake is reported with
the file and the key, and only where it matters: reading the register never stops Airflow from importing a DAG.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from string import Template
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import fsspec
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from capture360.errors import ConfigError
from capture360.model import SITE_LENGTH, is_id
from capture360.settings.detection import DetectorName, JobSettings, OcrSettings, VisionSettings
from capture360.settings.matching import MatchingSettings

CONFIG_VARIABLE = "CAPTURE360_CONFIG"
DEFAULT_CONFIG = "config/sites.yaml"
READY_MARKERS = ("_READY", "_SUCCESS", ".done")
Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


_SPACE = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,41}[a-zA-Z0-9]?\Z")
"""What CDF allows as the id of a space."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Bounds(_Section):
    """Axis-aligned box of the site frame in metres."""

    minimum: tuple[float, float, float]
    """Least x, y and z."""
    maximum: tuple[float, float, float]
    """Greatest x, y and z."""


class Landing(_Section):
    """How a site delivers."""

    url: str
    """Folder of the site's captures on any fsspec store: `<url>/<capture>/...`."""
    ready_markers: tuple[str, ...] = READY_MARKERS
    """Names of files right in a capture's folder; one of them says that the capture is complete. An empty list: only
    counts and quiet do."""
    settle: timedelta = timedelta(minutes=10)
    """Time without a change, over two runs of captures_sense, after which a capture without a ready marker or a file
    count is complete."""

    @field_validator("ready_markers")
    @classmethod
    def _markers_are_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not name.strip() or "/" in name:
                raise ValueError(f'"{name}" is no file right in the folder of a capture; write a name such as _READY')
        return value


class CheckSettings(_Section):
    """Thresholds of the rules."""

    strict: bool = False
    """Whether a warning holds back its station, and a held-back station rejects the capture."""
    bounds: Bounds | None = None
    """Box that all positions must lie in; not checked if not given."""
    max_quarantine_fraction: Fraction = 0.2
    """Share of held-back stations above which the capture is rejected."""
    max_quarantined_stations: int | None = None
    """Number of held-back stations above which the capture is rejected; only the share counts if not given."""
    max_megapixels: float = 200
    """Largest picture that is decoded, in millions of pixels."""
    min_file_bytes: int = 1_000
    """Size below which a picture file is taken for broken."""
    max_file_bytes: int = 50_000_000
    """Largest picture file in bytes."""
    quaternion_tolerance: float = 1e-3
    """Largest difference of a quaternion's length from 1 that is accepted as it is."""
    quaternion_repairable: float = 1e-2
    """Largest difference of a quaternion's length from 1 that is normalised, with a note."""
    min_panorama_width: int = 2048
    """Least width of a panorama in pixels."""
    min_face_resolution: int = 512
    """Least edge length of a face in pixels."""
    max_face_resolution: int = 4096
    """Largest edge length of a face in pixels."""
    recommended_face_resolution: int = 2048
    """Edge length in pixels that a message about the size of a face recommends."""
    duplicate_distance_m: float = 0.05
    """Distance in metres within which two stations count as one place."""
    outlier_distance_m: float = 50
    """Distance in metres from all other stations beyond which a station is an outlier."""
    max_tilt_deg: float = 10
    """Largest angle in degrees between a camera's vertical axis and the vertical."""
    max_listed_images: int = 10_000
    """Largest number of images in a core collection, a limit of viewers."""
    max_span: timedelta = timedelta(days=7)
    """Longest time between the first and the last station."""
    privacy: Literal["any", "blurred"] = "any"
    """`blurred` takes only captures whose manifest says `privacy: blurred` or `no_people`."""
    max_table_rows: int = 2_000_000
    """Largest number of rows in a CSV or Parquet table."""
    max_excel_rows: int = 100_000
    """Largest number of rows in a workbook."""
    max_table_columns: int = 1_000
    """Largest number of columns in a table."""
    max_table_bytes: int = 2_000_000_000
    """Largest table file in bytes."""
    max_excel_bytes: int = 500_000_000
    """Largest workbook in bytes, unpacked: a workbook is a zip archive."""


class FileSettings(_Section):
    """Properties of face files and collections in CDF."""

    data_set: str | None = None
    """External id of the data set."""
    labels: tuple[str, ...] = ()
    """External ids of the labels that every face file gets."""
    source: str = "capture360"
    """Value of the `source` field of face files."""
    directory: Annotated[str, Field(pattern="^/", max_length=512)] | None = None
    """Directory of the files in CDF, an absolute path with forward slashes."""
    face_size: int | None = None
    """Pixels of a face cut from a panorama; a quarter of its width, at most 4096, if not given."""
    jpeg_quality: Annotated[int, Field(ge=50, le=100)] = 92
    """JPEG quality of faces that are cut here."""
    blur: str | None = None
    """Dotted path of a callable `(face: bytes, key: CaptureKey, station: str, face_name: str) -> bytes`, in a package
    of yours: every face passes through it before it is uploaded. Nothing is blurred here."""


class CoreSettings(_Section):
    """Settings of data modeling projects only."""

    files_space: str | None = None
    """Instance space of the CogniteFile nodes of faces; the site's space if not given."""
    model: str | None = None
    """External id of a Cognite360ImageModel in the site's space that collections belong to; one is made for each
    capture if not given."""
    objects_space: str | None = None
    """Instance space of the Cognite3DObject nodes that CDF makes for linked assets; the site's space if not given."""
    links_space: str | None = None
    """Instance space of the links from images to assets; the site's space if not given."""
    cdf_version: str = "20230101-beta"
    """Value of the `cdf-version` header where links are made, which is in beta."""


class SceneSettings(_Section):
    """The scene that a site's collections are shown in. Placement holds for new collections: what a person has moved in
    the scene stays as it is. A plain text is the external id."""

    external_id: str
    """External id of the scene."""
    space: str | None = None
    """Instance space of the scene; the site's space if not given."""
    name: str | None = None
    """What a scene made here is called; the site's name if not given."""
    camera_translation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Position of the scene's default camera in metres."""
    camera_rotation_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Euler angles X, Y, Z of the scene's default camera in degrees."""
    translation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Position of a collection in the scene in metres."""
    rotation_deg: tuple[float, float, float] = (90.0, 0.0, 0.0)
    """Euler angles X, Y, Z of a collection in degrees. Viewers change the axes twice in a scene, so a quarter turn
    about X leaves a collection as it is without one; for an alignment A write the angles of A Rx(90 degrees)."""
    scale: tuple[Positive, Positive, Positive] = (1.0, 1.0, 1.0)
    """Scale along x, y and z."""


def _scene(value: Any) -> Any:
    return {"external_id": value} if isinstance(value, str) else value


class E57Settings(_Section):
    """How E57 files become panoramas where the project mode leaves a choice."""

    route: Literal["mode", "extract"] = "mode"
    """`extract` cuts the panoramas out here in every mode; `mode` lets CDF do it where the project mode allows and the
    manifest states nothing that CDF's extraction cannot apply, such as `frame.transform`."""
    model_id: int | None = None
    """Id of the 3D model whose revisions are made; found or created for each capture if not given."""
    space: str | None = None
    """Instance space that CDF extracts into; a space of its own for each capture if not given."""
    flags: Literal["text", "boolean"] = "text"
    """Whether `extractPhotosphereImages` is sent as "true", as the guide prints it, or as true."""
    pipeline_version: str | None = None
    """Version of CDF's 3D processing pipeline to ask for; CDF's choice if not given."""
    cdf_version: str | None = None
    """Value of the `cdf-version` header, for options that are in beta."""
    indexing_options: Mapping[str, str | bool | int | float] = {}
    """Sent along with `extractPhotosphereImages` and `dmsInstancesSpaceId`."""
    deadline: timedelta = timedelta(hours=12)
    """Longest time to wait for CDF to process a revision."""


class LinkSettings(_Section):
    """Which assets a site's plates may name, and how texts become links."""

    enabled: bool = True
    """Whether published captures are contextualized."""
    asset_subtrees: tuple[str, ...] = ()
    """External ids of the classic assets below which the site's assets lie; all assets if none is named."""
    asset_spaces: tuple[str, ...] = ()
    """Instance spaces of the site's CogniteAsset nodes; all spaces if none is named."""
    match_on: Annotated[tuple[str, ...], Field(min_length=1)] = ("name",)
    """What stands on the plates: `name`, `externalId`, `aliases`, `metadata.<key>` (classic)."""
    manual: str | None = None
    """CSV file of links that a person laid down; they win over everything. Columns `text` (as read) and `asset` (its
    name, or its id or `<space>/<externalId>`; empty: link nothing), and `image` and `face` to limit a row."""
    matching: MatchingSettings = MatchingSettings()
    detector: DetectorName = "ocr"
    """What reads the faces: own OCR, or one of CDF's services where the project has it. Vision is deprecated by Cognite
    and will be removed; 3D jobs exist in data modeling projects."""
    ocr: OcrSettings = OcrSettings()
    vision: VisionSettings = VisionSettings()
    job: JobSettings = JobSettings()


class Site(_Section):
    """One row of the register."""

    id: str
    """The key of the site below `sites`; it is not written again inside."""
    name: str
    """Name of the site for people; the id if not given."""
    landing: Landing
    connection: str = "cognite_cdf_default"
    """Airflow connection of the CDF project; it also names the project mode."""
    space: str
    """Instance space of collections, stations and images."""
    create_space: bool = True
    """Whether to create the space if it does not exist."""
    frame: str = "site"
    """Name of the site's coordinate frame, which manifests state as `frame.name`."""
    time_zone: str = "UTC"
    """IANA time zone of capture dates, such as Europe/Oslo."""
    checks: CheckSettings = CheckSettings()
    files: FileSettings = FileSettings()
    core: CoreSettings = CoreSettings()
    links: LinkSettings = LinkSettings()
    e57: E57Settings = E57Settings()
    scene: Annotated[SceneSettings | None, BeforeValidator(_scene)] = None
    """The scene that published collections are added to; none if not given."""
    verify: Literal["off", "sample", "all"] = "sample"
    """Which faces are read back from CDF and compared byte by byte."""
    announce_again_after: timedelta = timedelta(hours=1)
    """Time after which a ready capture without a result is announced again."""

    @field_validator("id")
    @classmethod
    def _id_is_safe(cls, value: str) -> str:
        if not is_id(value, SITE_LENGTH):
            raise ValueError(f"use letters, digits, dot, underscore and minus, at most {SITE_LENGTH} characters")
        return value

    @field_validator("space")
    @classmethod
    def _space_is_allowed(cls, value: str) -> str:
        if not _SPACE.match(value):
            raise ValueError("use letters, digits, underscore and minus, a letter first, at most 43 characters")
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f'"{value}" is no IANA time zone such as Europe/Oslo')
        return value

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class Register:
    """The sites, read when first asked for."""

    def __init__(self, url: str | None = None, environment: Mapping[str, str] | None = None) -> None:
        """`environment` is what `$NAMES` are filled in from; that of the process if not given."""
        self._environment = os.environ if environment is None else environment
        self.url = url or self._environment.get(CONFIG_VARIABLE) or DEFAULT_CONFIG

    @cached_property
    def _document(self) -> Mapping[str, Any]:
        document = _load_yaml(self.url)
        unknown = sorted(set(document) - {"records", "defaults", "sites"})
        if unknown:
            raise ConfigError(f'{self.url}: "{unknown[0]}" is not known here. Use records, defaults and sites.')
        if not isinstance(document.get("sites"), Mapping):
            raise ConfigError(f"{self.url}: sites is missing. Name at least one site below it.")
        _refuse_no_settings(document.get("defaults"), f"{self.url}: defaults")
        return document

    @cached_property
    def _sites(self) -> Mapping[str, Any]:
        """What stands below each site, by the id in text: YAML reads an id such as 7 as a number."""
        return {str(site): values for site, values in self._document["sites"].items()}

    @property
    def records_url(self) -> str:
        """Folder of the records on any fsspec store."""
        url = self._document.get("records")
        if not isinstance(url, str) or not url:
            raise ConfigError(f"{self.url}: records is missing. Name the folder where the records are kept.")
        try:
            return str(_expanded(url, self._environment))
        except _UnsetError as error:
            raise ConfigError(f"{self.url}: records {error}") from None

    @property
    def site_ids(self) -> tuple[str, ...]:
        return tuple(self._sites)

    def site(self, site_id: str) -> Site:
        """The site's settings; ConfigError names the file and the key that is wrong."""
        if site_id not in self.site_ids:
            known = ", ".join(self.site_ids) or "none"
            raise ConfigError(
                f'{self.url}: site "{site_id}" is not in the register (known: {known}). Add it under sites.'
            )
        section = _Layer(f"{self.url}: sites.{site_id}", self._sites[site_id] or {})
        _refuse_no_settings(section.values, section.where)
        layers = [_Layer(f"{self.url}: defaults", self._document.get("defaults") or {}), section]
        own_url = posixpath.join(posixpath.dirname(self.url), f"{site_id}.yaml")
        if own_url != self.url and _exists(own_url):
            layers.append(_Layer(f"{own_url}: {site_id}", _load_yaml(own_url)))
        return _site(site_id, layers, section, self._environment)


_Location = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class _Layer:
    """Settings that stand in one place, which `where` names."""

    where: str
    values: Mapping[str, Any]

    def depth(self, location: _Location) -> int:
        """How much of the way to a setting is written down here."""
        value: Any = self.values
        for depth, part in enumerate(location):
            inside = range(len(value)) if isinstance(value, list) else value if isinstance(value, Mapping) else ()
            if part not in inside:
                return depth
            value = value[part]
        return len(location)


class _UnsetError(Exception):
    """A text names a variable that is not set."""

    def __init__(self, name: str, location: _Location) -> None:
        super().__init__(f"names ${name}, which is not set. Set it, or point {CONFIG_VARIABLE} at your site register.")
        self.location = location


def _site(site_id: str, layers: Sequence[_Layer], section: _Layer, environment: Mapping[str, str]) -> Site:
    """The later layers over the earlier ones. A mistake is reported where it stands, a gap in `section`."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = _merged(merged, layer.values)

    def place(location: _Location) -> str:
        deepest = max(layer.depth(location) for layer in layers)
        holders = [layer for layer in layers if layer.depth(location) == deepest] if deepest else [section]
        return ".".join((holders[-1].where, *(str(part) for part in location)))

    if "id" in merged:
        raise ConfigError(f'{place(("id",))} is not known here: the id of the site is "{site_id}". Remove it.')
    try:
        return Site.model_validate({"name": site_id, **_expanded(merged, environment), "id": site_id})
    except _UnsetError as error:
        raise ConfigError(f"{place(error.location)} {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigError(f"{place(first['loc'])}: {first['msg']}.") from None


def _refuse_no_settings(values: Any, where: str) -> None:
    if values is None:
        return
    if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
        raise ConfigError(f"{where} must hold settings by their names, as in config/sites.yaml of the project.")


def site_from_values(site_id: str, values: Mapping[str, Any], where: str) -> Site:
    """One site's settings; ConfigError names `where` and the key that is wrong."""
    only = _Layer(where, values)
    return _site(site_id, [only], only, os.environ)


def site_from_file(site_id: str, url: str) -> Site:
    """One site's settings from a YAML file of their own."""
    return site_from_values(site_id, _load_yaml(url), f"{url}: {site_id}")


def _exists(url: str) -> bool:
    fs, path = fsspec.core.url_to_fs(url)
    return bool(fs.exists(path))


def _load_yaml(url: str) -> dict[str, Any]:
    try:
        with fsspec.open(url, "r", encoding="utf-8") as stream:
            document = yaml.safe_load(stream)
    except FileNotFoundError:
        raise ConfigError(f"{url} is not there. Point {CONFIG_VARIABLE} at your site register.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{url} is not text in UTF-8 (byte {error.start}). Save it as UTF-8.") from None
    except (OSError, ValueError, ImportError) as error:
        raise ConfigError(f"{url} cannot be read: {error}. Point {CONFIG_VARIABLE} at your site register.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{url}{line} is not valid YAML: {getattr(error, 'problem', None) or error}.") from None
    if not isinstance(document, dict) or not all(isinstance(name, str) for name in document):
        raise ConfigError(f"{url} must hold keys and values, as in config/sites.yaml of the project.")
    return document


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        result[key] = _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


def _expanded(value: Any, environment: Mapping[str, str], location: _Location = ()) -> Any:
    """Environment variables in texts filled in, so that one register serves laptop and cluster.

    _UnsetError for one that is not set, or empty: its name would become that of a folder. `$$` is a dollar sign.
    """
    if isinstance(value, str):
        template = Template(value)
        for name in template.get_identifiers():
            if not environment.get(name):
                raise _UnsetError(name, location)
        return template.safe_substitute(environment)
    if isinstance(value, Mapping):
        return {key: _expanded(item, environment, (*location, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_expanded(item, environment, (*location, number)) for number, item in enumerate(value)]
    return value
