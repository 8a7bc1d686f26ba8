"""Links into CDF's own pages."""

from __future__ import annotations

from capture360.cdf.client import Connection
from capture360.cdf.fusion import collection_link
from capture360.cdf.ports import Collection

COLLECTION = Collection("captures360", "c360_collection")
NEEDED = {"project": "plant", "token_url": "https://login/token", "client_id": "me", "client_secret": "mine"}


def link(base_url: str, **values: str) -> str:
    return collection_link(Connection.from_mapping({**NEEDED, "base_url": base_url, **values}, "a test"), COLLECTION)


def test_a_project_of_the_cloud_is_opened_in_fusion() -> None:
    wanted = (
        "https://fusion.cognite.com/plant/3d-models?cluster=westeurope-1.cognitedata.com#captures360/c360_collection"
    )
    assert link("https://westeurope-1.cognitedata.com") == wanted


def test_another_host_is_opened_where_a_browser_reaches_it() -> None:
    assert link("http://127.0.0.1:8765/") == "http://127.0.0.1:8765/?collection=captures360/c360_collection"
    inside = link("http://sandbox:8765", browser_url="http://localhost:8765/")
    assert inside == "http://localhost:8765/?collection=captures360/c360_collection"
