"""Deployment of the container of people's decisions, as the Toolkit does it from cdf/modules/capture360."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capture360_local.stack.profile import PROJECT

if TYPE_CHECKING:
    from cognite.client import CogniteClient

_MODULE = PROJECT / "cdf" / "modules" / "capture360"
_PARTS = {"spaces": "schema.Space", "containers": "PlateDecision.Container", "views": "PlateDecision.View"}


def deploy_container(client: CogniteClient) -> None:
    """Create the space, the container and its view; what is there already stays as it is."""
    import yaml

    for kind, name in _PARTS.items():
        (path,) = _MODULE.rglob(f"{name}.yaml")
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        client.post(f"/api/v1/projects/{client.config.project}/models/{kind}", {"items": [document]})
