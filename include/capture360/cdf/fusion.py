"""Links into CDF's own user interface."""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capture360.cdf.client import Connection
    from capture360.cdf.ports import Collection
    from capture360.model import Asset

_CLOUD = ".cognitedata.com"


@dataclass(frozen=True, slots=True)
class ProjectPages:
    """Where the pages of a CDF project are: what a connection says of it, without its credentials."""

    base_url: str
    project: str
    browser_url: str = ""

    @classmethod
    def of(cls, connection: Connection) -> ProjectPages:
        """Return the pages of a connection's project."""
        return cls(connection.base_url, connection.project, connection.browser_url)


def collection_link(connection: Connection, collection: Collection) -> str:
    """Return the address of a collection: Fusion's 3D page for a project in Cognite's cloud, else the project's host.

    Fusion has no documented address of a single 360° collection, so the link names it in its fragment. Another host is
    asked for it by name.
    """
    host = urllib.parse.urlsplit(connection.base_url).netloc
    name = f"{collection.space}/{collection.external_id}"
    if not host.endswith(_CLOUD):
        return f"{_browser_host(connection)}/?{urllib.parse.urlencode({'collection': name}, safe='/')}"
    project = urllib.parse.quote(connection.project)
    query = urllib.parse.urlencode({"cluster": host})
    return f"https://fusion.cognite.com/{project}/3d-models?{query}#{urllib.parse.quote(name)}"


def asset_link(connection: Connection | ProjectPages, asset: Asset) -> str:
    """Return the address of an asset: its page in Fusion's Data Explorer, or Fusion's search for a node.

    Fusion has no documented address of a single node, so its search is opened with the asset's name.
    """
    host = urllib.parse.urlsplit(connection.base_url).netloc
    if not host.endswith(_CLOUD):
        return f"{_browser_host(connection)}/?{urllib.parse.urlencode({'asset': asset.ref}, safe='/')}"
    project = f"https://fusion.cognite.com/{urllib.parse.quote(connection.project)}"
    if asset.ref.isdecimal():
        return f"{project}/explore/asset/{asset.ref}?{urllib.parse.urlencode({'cluster': host})}"
    return f"{project}/search?{urllib.parse.urlencode({'cluster': host, 'query': asset.name})}"


def _browser_host(connection: Connection | ProjectPages) -> str:
    """Return the project's host as a browser reaches it."""
    return (connection.browser_url or connection.base_url).rstrip("/")
