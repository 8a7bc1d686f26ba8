"""The schemas that every project has from the start, as plain definitions in CDF's own form."""

from typing import Any

from cdf_sandbox.services.data_modeling.builtin import core, core_3d, legacy_360, scenes

SPACES: tuple[dict[str, Any], ...] = (*core.SPACES, *core_3d.SPACES, *legacy_360.SPACES, *scenes.SPACES)
CONTAINERS: tuple[dict[str, Any], ...] = (
    *core.CONTAINERS, *core_3d.CONTAINERS, *legacy_360.CONTAINERS, *scenes.CONTAINERS,
)  # fmt: skip
VIEWS: tuple[dict[str, Any], ...] = (*core.VIEWS, *core_3d.VIEWS, *legacy_360.VIEWS, *scenes.VIEWS)
DATA_MODELS: tuple[dict[str, Any], ...] = (*core.data_models(VIEWS), *legacy_360.DATA_MODELS, *scenes.DATA_MODELS)
