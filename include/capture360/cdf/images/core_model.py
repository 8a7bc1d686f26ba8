"""The 360° model that a capture's collection belongs to, as CDF's 3D API makes it.

The API chooses the external id (`cog_3d_model_<id>`) and takes no key of ours, so a model is found by its name, which
is the capture's key: look, create, look.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.instances import Instances, View
from capture360.cdf.polling import wait_until
from capture360.errors import CdfError, CdfUnavailableError
from capture360.model import CaptureKey

if TYPE_CHECKING:
    from cognite.client import CogniteClient

MODEL = View("cdf_cdm", "Cognite360ImageModel")
_PREFIX = "cog_3d_model_"
_PAGE = 1000


class CoreModels:
    """The 360° models of one instance space."""

    def __init__(self, cdf: CdfProject, space: str) -> None:
        self._client: CogniteClient = cdf.client
        self._url = f"/api/v1/projects/{cdf.connection.project}/3d/models"
        self._space = space
        self._instances = Instances(cdf.client)

    def find(self, key: CaptureKey) -> str | None:
        """External id of the capture's model; of two that a lost answer left, the older one, which is everybody's."""
        return min(self.all(key), key=_number, default=None)

    def all(self, key: CaptureKey) -> list[str]:
        """External ids of all models that were made for the capture, from the 3D API: instance lists lag behind."""
        return [
            f"{_PREFIX}{item['id']}"
            for item in self._listed()
            if item["name"] == str(key) and item.get("space") == self._space
        ]

    def ensure(self, key: CaptureKey) -> tuple[str, int]:
        """External id of the capture's model, found or created, and how many were created."""
        found = self.find(key)
        if found is not None:
            return found, 0
        with cdf_errors(f"Creating a 360° model for {key}"):
            item = {"name": str(key), "space": self._space, "type": "Image360"}
            self._client.post(self._url, {"items": [item]})
        # Read back, lest two runs have made one each: the oldest is everybody's.
        if not wait_until(lambda: self._node_is_there(self.find(key))):
            raise CdfUnavailableError(f"The 360° model of {key} was created, but CDF does not show it yet.")
        made = self.find(key)
        assert made is not None
        return made, 1

    def _node_is_there(self, external_id: str | None) -> bool:
        """Whether the node that CDF makes for a model can be pointed at."""
        return external_id is not None and bool(self._instances.read(self._space, [external_id], MODEL))

    def _listed(self) -> Iterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            params = {"limit": _PAGE} | ({"cursor": cursor} if cursor else {})
            with cdf_errors("Listing 3D models"):
                answer = self._client.get(self._url, params=params).json()
            yield from answer["items"]
            cursor = answer.get("nextCursor")
            if not cursor:
                return

    def remove(self, external_ids: list[str]) -> None:
        """Delete models; their nodes go with them."""
        if external_ids:
            with cdf_errors("Removing 360° models"):
                self._client.post(f"{self._url}/delete", {"items": [{"id": _number(name)} for name in external_ids]})


def _number(external_id: str) -> int:
    number = external_id.removeprefix(_PREFIX)
    if not number.isdecimal():
        raise CdfError(f"{external_id} is not the id of a 3D model.")
    return int(number)
