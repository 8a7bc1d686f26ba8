"""The site register: the sites, where they deliver, and the settings of each.

`CAPTURE360_CONFIG` names a YAML file on any fsspec store (default `config/sites.yaml`). It holds `defaults:` and
`sites:`; a site's own file `<site>.yaml` beside it, if there is one, is merged over both. An error names the file and
the key, and is raised only when that site is asked for: reading the register never stops Airflow from importing a DAG.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from string import Template
from typing import Any

from pydantic import ValidationError

from capture360.errors import ConfigError
from capture360.settings.readers import ReaderSettings
from capture360.settings.register_yaml import parsed_yaml, refused
from capture360.settings.site import Site
from capture360.settings.watch import WatchSettings
from capture360.settings.words import Location, sentence
from capture360.store import password_in, read_file, read_file_if_there

CONFIG_VARIABLE = "CAPTURE360_CONFIG"
DEFAULT_CONFIG = "config/sites.yaml"
MOST_BYTES = 10_000_000
_FIX = f"Point {CONFIG_VARIABLE} at your site register."


class UnknownSiteError(ConfigError):
    """The register has no such site."""


class Register:
    """The sites, each read when it is first asked for."""

    def __init__(self, url: str | None = None, environment: Mapping[str, str] | None = None) -> None:
        """`environment` is what `$NAMES` are filled in from; that of the process if not given."""
        self._environment = os.environ if environment is None else environment
        self._layers_of: dict[str, tuple[Sequence[_Layer], _Layer]] = {}
        self._settings: dict[str, Site] = {}
        self.url = url or self._environment.get(CONFIG_VARIABLE) or DEFAULT_CONFIG

    @cached_property
    def _document(self) -> Mapping[str, Any]:
        document = _load_yaml(self.url)
        unknown = sorted(set(document) - {"records", "defaults", "sites"})
        if unknown:
            raise refused(f'{self.url}: "{unknown[0]}" is not known here. Use records, defaults and sites.')
        if not isinstance(document.get("sites"), Mapping):
            raise refused(f"{self.url}: sites is missing. Name at least one site below it.")
        _refuse_no_settings(document.get("defaults"), f"{self.url}: defaults")
        return document

    @property
    def _sites(self) -> Mapping[str, Any]:
        sites: Mapping[str, Any] = self._document["sites"]
        return sites

    @property
    def records_url(self) -> str:
        """Folder of the records on any fsspec store."""
        url = self._document.get("records")
        if not isinstance(url, str) or not url:
            raise refused(f"{self.url}: records is missing. Name the folder where the records are kept.")
        try:
            expanded = str(_expanded(url, self._environment))
            if problem := password_in(expanded):
                raise refused(f"{self.url}: records {problem}.")
            return expanded
        except _UnsetError as error:
            raise refused(f"{self.url}: records {error}") from None

    @property
    def site_ids(self) -> tuple[str, ...]:
        """The ids of the sites, in the order of the file."""
        return tuple(self._sites)

    @property
    def watch(self) -> WatchSettings:
        """The deadlines of captures_watch for what belongs to no site; ConfigError names the key that is wrong."""
        values = (self._document.get("defaults") or {}).get("watch") or {}
        where = f"{self.url}: defaults.watch"
        _refuse_no_settings(values, where)
        try:
            return WatchSettings.model_validate(_expanded(values, self._environment))
        except _UnsetError as error:
            raise refused(f"{'.'.join((where, *map(str, error.location)))} {error}") from None
        except ValidationError as error:
            mistake = error.errors(include_url=False)[0]
            raise refused(sentence(mistake, f"{self.url}: defaults", ("watch", *mistake["loc"]))) from None

    def site(self, site_id: str) -> Site:
        """The site's settings; ConfigError names the file and the key that is wrong."""
        if site_id not in self._settings:
            self._settings[site_id] = _site(site_id, *self._layers(site_id), self._environment)
        return self._settings[site_id]

    def readers(self, site_id: str) -> ReaderSettings | None:
        """Who may see the site's pages; None for everybody. ConfigError if a site with readers has wrong settings."""
        named = any(layer.values.get("readers") is not None for layer in self._layers(site_id)[0])
        return self.site(site_id).readers if named else None

    def _layers(self, site_id: str) -> tuple[Sequence[_Layer], _Layer]:
        """Return the settings of a site by where they stand, the later ones over the earlier, and its section."""
        if site_id in self._layers_of:
            return self._layers_of[site_id]
        if site_id not in self._sites:
            known = ", ".join(self.site_ids) or "none"
            text = f'{self.url}: site "{site_id}" is not in the register (known: {known}). Add it under sites.'
            raise refused(text, UnknownSiteError)
        section = _Layer(f"{self.url}: sites.{site_id}", self._sites[site_id] or {})
        _refuse_no_settings(section.values, section.where)
        layers = [_Layer(f"{self.url}: defaults", self._document.get("defaults") or {}), section]
        own_url = _beside(self.url, f"{site_id}.yaml")
        own = read_file_if_there(own_url, MOST_BYTES, _FIX) if own_url != self.url else None
        if own is not None:
            layers.append(_Layer(f"{own_url}: {site_id}", parsed_yaml(own_url, own)))
        self._layers_of[site_id] = layers, section
        return layers, section


@dataclass(frozen=True, slots=True)
class _Layer:
    """Settings that stand in one place, which `where` names."""

    where: str
    values: Mapping[str, Any]

    def depth(self, location: Location) -> int:
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

    def __init__(self, name: str, location: Location) -> None:
        super().__init__(f"names ${name}, which is not set. Set it, or point {CONFIG_VARIABLE} at your site register.")
        self.location = location


def _site(site_id: str, layers: Sequence[_Layer], section: _Layer, environment: Mapping[str, str]) -> Site:
    """The later layers over the earlier ones. A mistake is reported where it stands, a gap in `section`."""
    layers = [replace(layer, values=_written_out(layer.values)) for layer in layers]
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = laid_over(merged, layer.values)

    def holder(location: Location) -> _Layer:
        deepest = max(layer.depth(location) for layer in layers)
        holders = [layer for layer in layers if layer.depth(location) == deepest] if deepest else [section]
        return holders[-1]

    def place(location: Location) -> str:
        return ".".join((holder(location).where, *(str(part) for part in location)))

    if "id" in merged:
        raise refused(f'{place(("id",))} is not known here: the id of the site is "{site_id}". Remove it.')
    try:
        return Site.model_validate({"name": site_id, **_expanded(merged, environment), "id": site_id})
    except _UnsetError as error:
        raise refused(f"{place(error.location)} {error}") from None
    except ValidationError as error:
        mistake = error.errors(include_url=False)[0]
        location = mistake["loc"]
        layer = holder(location)
        if mistake["type"] != "missing":  # behind the key, pydantic names the type that it tried of several
            location = location[: layer.depth(location) or len(location)]
        raise refused(sentence(mistake, layer.where, location)) from None


def _refuse_no_settings(values: Any, where: str) -> None:
    if values is None:
        return
    if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
        raise refused(f"{where} must hold settings by their names, as `capture360 sample-register` prints them.")


def site_from_values(site_id: str, values: Mapping[str, Any], where: str) -> Site:
    """One site's settings; ConfigError names `where` and the key that is wrong."""
    only = _Layer(where, values)
    return _site(site_id, [only], only, os.environ)


def site_from_file(site_id: str, url: str) -> Site:
    """One site's settings from a YAML file of their own."""
    return site_from_values(site_id, _load_yaml(url), f"{url}: {site_id}")


def _beside(url: str, name: str) -> str:
    """Return the URL of a file in the same folder; what follows a question mark, such as a signature, stays."""
    path, mark, query = url.partition("?") if url.startswith(("http://", "https://")) else (url, "", "")
    return posixpath.join(posixpath.dirname(path), name) + mark + query


def _load_yaml(url: str) -> dict[str, Any]:
    return parsed_yaml(url, read_file(url, MOST_BYTES, _FIX))


def _written_out(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return settings with a scene that is a plain text as what it stands for: it replaces that alone."""
    scene = values.get("scene")
    return {**values, "scene": {"external_id": scene}} if isinstance(scene, str) else values


def laid_over(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with the values of `over`, mappings within them merged the same way."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        result[key] = laid_over(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


def _expanded(value: Any, environment: Mapping[str, str], location: Location = ()) -> Any:
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
