"""The 360° model that a capture's collection belongs to, as CDF's 3D API makes it.

The API chooses the external id (`cog_3d_model_<id>`) and takes no key of the client, so a model is found by its name,
which is the capture's key: look it up, create it, look it up again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.core_views import MODEL_3D
from capture360.cdf.instances import Instances, relation
from capture360.cdf.paging import all_items
from capture360.cdf.polling import wait_until
from capture360.cdf.preflight import missing_space_behind_500
from capture360.errors import CdfError, CdfUnavailableError
from capture360.model import CaptureKey

if TYPE_CHECKING:
    from cognite.client import CogniteClient

ModelKind = Literal["Image360", "PointCloud"]
_PREFIX = "cog_3d_model_"
_PAGE = 1000


class CoreModels:
    """The 360° models of one instance space, or those of point clouds."""

    def __init__(self, cdf: CdfProject, space: str, kind: ModelKind = "Image360") -> None:
        self._kind = kind
        self._cdf = cdf
        self._client: CogniteClient = cdf.client
        self._url = f"/api/v1/projects/{cdf.connection.project}/3d/models"
        self._space = space
        self._instances = Instances(cdf.client)

    def find(self, key: CaptureKey) -> str | None:
        """Return the external id of the capture's model: of two that a lost answer left, the older one.

        One whose node was deleted is none: nothing can belong to it.
        """
        return self._with_node(self.all(key))

    def all(self, key: CaptureKey, listed: Iterable[Mapping[str, Any]] | None = None) -> list[str]:
        """Return the external ids of all models of the capture, from the 3D API: instance lists lag behind.

        `listed` are those of the project, if somebody has listed them already.
        """
        return [
            f"{_PREFIX}{item['id']}"
            for item in (self.listed() if listed is None else listed)
            if item["name"] == self._name(key) and item.get("space") == self._space
        ]

    def ensure(self, key: CaptureKey) -> tuple[str, int]:
        """Find or create the capture's model; return its external id and the number of models created."""
        models = self.all(key)
        if models and (found := wait_until(lambda: self._with_node(models))):  # CDF makes the node a little later
            return found, 0
        with missing_space_behind_500(self._cdf, [self._space]), cdf_errors(f"Creating a 360° model for {key}"):
            item = {"name": self._name(key), "space": self._space, "type": self._kind}
            self._client.post(self._url, {"items": [item]})
        made = wait_until(lambda: self.find(key))
        if made is None:
            raise CdfUnavailableError(f"The 360° model of {key} was created, but CDF does not show it yet.")
        return made, 1

    def _with_node(self, models: Sequence[str]) -> str | None:
        """Return the oldest of these models that has the node which CDF makes for it; None if none has."""
        return min(self._instances.read(self._space, models, MODEL_3D), key=_number, default=None)

    def _name(self, key: CaptureKey) -> str:
        """Return the name of the capture's model: the API shows no type, so the name tells the kinds apart."""
        return str(key) if self._kind == "Image360" else f"{key} (point cloud)"

    def made(self, key: CaptureKey, listed: Iterable[Mapping[str, Any]] | None = None) -> list[str]:
        """Return the external ids of the capture's models that have a node, and of nodes whose model was deleted.

        A model whose node was deleted is left out: CDF has no other name for it, so that nothing can remove it.
        `listed` as in `all`.
        """
        models = self._instances.read(self._space, self.all(key, listed), MODEL_3D)
        name = [MODEL_3D.space, MODEL_3D.versioned_id, "name"]
        kind = [*name[:2], "type"]
        left = self._instances.matching(
            {"equals": {"property": ["node", "space"], "value": self._space}},
            {"prefix": {"property": ["node", "externalId"], "value": _PREFIX}},
            {"equals": {"property": name, "value": self._name(key)}},
            {"equals": {"property": kind, "value": self._kind}},
        )
        ours = {name for name in left if name.removeprefix(_PREFIX).isdecimal()}
        return sorted({*models, *ours})

    def remove(self, external_ids: Sequence[str]) -> None:
        """Delete models, each in a request of its own as CDF wants it, then their nodes, which may stay behind.

        Those without a node are passed over, see `made`.
        """
        there = {item["id"] for item in self.listed()} if external_ids else set()
        for name in self._instances.read(self._space, external_ids, MODEL_3D):
            if _number(name) in there:
                with cdf_errors("Removing 360° models"):
                    item = {"instanceId": relation(self._space, name)}
                    self._client.post(f"{self._url}/delete", {"items": [item]})
        self._instances.remove(self._space, external_ids)

    def listed(self) -> Iterator[Mapping[str, Any]]:
        """Yield all models of the project."""
        return all_items(
            "Listing 3D models", lambda cursor: self._client.get(self._url, params={"limit": _PAGE, **cursor})
        )


def _number(external_id: str) -> int:
    number = external_id.removeprefix(_PREFIX)
    if not number.isdecimal():
        raise CdfError(f"{external_id} is not the id of a 3D model.")
    return int(number)
