"""The part of CDF's core data model (`cdf_cdm` v1) that is not about 3D.

Containers, types, constraints, defaults and filters as in a dump of the API (cognitedata/neat,
`tests_smoke/test_cdf_models/snapshots/cognite_core_{container,view}.yaml`). Indexes are left out: they change no
answer. Not here: activities, equipment, time series, units, diagram annotations.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from cdf_sandbox.services.data_modeling.builtin.notation import (
    BOOLEAN,
    FLOAT64,
    TEXT,
    TEXTS,
    TIMESTAMP,
    container,
    data_model,
    direct,
    enum,
    mapped,
    reverse,
    space,
    view,
)  # fmt: skip

CDM = "cdf_cdm"
DESCRIBABLE = (CDM, "CogniteDescribable")
SOURCEABLE = (CDM, "CogniteSourceable")
VISUALIZABLE = (CDM, "CogniteVisualizable")
FILE = (CDM, "CogniteFile")
ASSET = (CDM, "CogniteAsset")
_SOURCE_SYSTEM = (CDM, "CogniteSourceSystem")
_ANNOTATION = (CDM, "CogniteAnnotation")
_ASSET_CLASS = (CDM, "CogniteAssetClass")
_ASSET_TYPE = (CDM, "CogniteAssetType")
_FILE_CATEGORY = (CDM, "CogniteFileCategory")

_describable = ("describablePresent", DESCRIBABLE)
_sourceable = ("sourceablePresent", SOURCEABLE)

SPACES = (space(CDM, "Core data model"),)
CONTAINERS = (
    container(
        *DESCRIBABLE, {"name": TEXT, "description": TEXT, "tags": TEXTS, "aliases": TEXTS}, used_for="all"
    ),
    container(
        *SOURCEABLE,
        {
            "source": direct(_SOURCE_SYSTEM), "sourceId": TEXT, "sourceContext": TEXT, "sourceCreatedTime": TIMESTAMP,
            "sourceUpdatedTime": TIMESTAMP, "sourceCreatedUser": TEXT, "sourceUpdatedUser": TEXT,
        },
        used_for="all",
    ),
    container(*_SOURCE_SYSTEM, {"version": TEXT, "manufacturer": TEXT}),
    container(*VISUALIZABLE, {"object3D": direct()}, unique={"uniqueObject3D": ("object3D",)}, indexed=("object3D",)),
    container(
        *_ANNOTATION,
        {"confidence": FLOAT64, "status": enum("Approved", "Rejected", "Suggested")},
        used_for="edge",
        requires=(_describable, _sourceable),
    ),
    container(
        *FILE,
        {
            "assets": direct(many=1200), "mimeType": TEXT, "directory": TEXT, "isUploaded": BOOLEAN,
            "uploadedTime": TIMESTAMP, "category": direct(),
        },
        requires=(_describable, _sourceable),
        defaults={"isUploaded": False},
    ),
    container(
        *_FILE_CATEGORY, {"code": TEXT, "standard": TEXT, "standardReference": TEXT}, requires=(_describable,),
        required=("code",),
    ),
    container(*_ASSET_CLASS, {"code": TEXT, "standard": TEXT}, requires=(_describable,)),
    container(
        *_ASSET_TYPE, {"code": TEXT, "standard": TEXT, "assetClass": direct(_ASSET_CLASS)}, requires=(_describable,)
    ),
    container(
        *ASSET,
        {
            "assetHierarchy_parent": direct(), "assetHierarchy_root": direct(),
            "assetHierarchy_path": direct(many=100), "assetHierarchy_path_last_updated_time": TIMESTAMP,
            "assetClass": direct(_ASSET_CLASS), "type": direct(_ASSET_TYPE),
        },
        requires=(_describable, _sourceable, ("visualizablePresent", VISUALIZABLE)),
    ),
)  # fmt: skip

# The snapshot makes these two unique within a space; the notation only knows uniqueness over all spaces.
for _definition in CONTAINERS:
    if (CDM, _definition["externalId"]) in (_ASSET_CLASS, _FILE_CATEGORY):
        _definition["constraints"]["uniqueCodeConstraint"] = {
            "constraintType": "uniqueness", "properties": ["code", "standard"], "bySpace": True,
        }  # fmt: skip

VIEWS = (
    view(*DESCRIBABLE, mapped(DESCRIBABLE, "name", "description", "tags", "aliases")),
    view(
        *SOURCEABLE,
        mapped(
            SOURCEABLE,
            "sourceId", "sourceContext", "source", "sourceCreatedTime", "sourceUpdatedTime", "sourceCreatedUser",
            "sourceUpdatedUser",
            sources={"source": _SOURCE_SYSTEM},
        ),
    ),
    view(*_SOURCE_SYSTEM, mapped(_SOURCE_SYSTEM, "version", "manufacturer"), implements=[DESCRIBABLE]),
    view(*VISUALIZABLE, mapped(VISUALIZABLE, "object3D", sources={"object3D": (CDM, "Cognite3DObject")})),
    view(*_ANNOTATION, mapped(_ANNOTATION, "confidence", "status"), implements=[DESCRIBABLE, SOURCEABLE]),
    view(
        *FILE,
        mapped(
            FILE, "assets", "mimeType", "directory", "isUploaded", "uploadedTime", "category",
            sources={"assets": ASSET, "category": _FILE_CATEGORY},
        ),
        implements=[DESCRIBABLE, SOURCEABLE],
    ),
    view(*_FILE_CATEGORY, mapped(_FILE_CATEGORY, "code", "standard", "standardReference"), implements=[DESCRIBABLE]),
    view(*_ASSET_CLASS, mapped(_ASSET_CLASS, "code", "standard"), implements=[DESCRIBABLE]),
    view(
        *_ASSET_TYPE,
        mapped(_ASSET_TYPE, "code", "standard", "assetClass", sources={"assetClass": _ASSET_CLASS}),
        implements=[DESCRIBABLE],
    ),
    view(
        *ASSET,
        {
            **mapped(
                ASSET, "assetClass", "type",
                sources={
                    "parent": ASSET, "root": ASSET, "path": ASSET, "assetClass": _ASSET_CLASS, "type": _ASSET_TYPE,
                },
                parent="assetHierarchy_parent", root="assetHierarchy_root", path="assetHierarchy_path",
                pathLastUpdatedTime="assetHierarchy_path_last_updated_time",
            ),
            "children": reverse(ASSET, "parent"),
            "files": reverse(FILE, "assets", targets_list=True),
        },
        implements=[VISUALIZABLE, DESCRIBABLE, SOURCEABLE],
    ),
)  # fmt: skip


def data_models(views: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """`CogniteCore` v1 over those of `views` that lie in `cdf_cdm`."""
    members = [(CDM, each["externalId"]) for each in views if each["space"] == CDM]
    return (data_model(CDM, "CogniteCore", members),)
