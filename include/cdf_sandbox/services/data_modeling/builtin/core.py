"""The part of CDF's core data model (`cdf_cdm` v1) that is not about 3D.

Containers, types, constraints, defaults and filters as in a dump of the API (cognitedata/neat,
`tests_smoke/test_cdf_models/snapshots/cognite_core_{container,view}.yaml`). Not here: activities, equipment, time
series, units.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from cdf_sandbox.services.data_modeling.builtin.notation import (
    BOOLEAN,
    FLOAT64,
    INT64,
    TEXT,
    TEXTS,
    TIMESTAMP,
    container,
    data_model,
    direct,
    enum,
    index,
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
_DIAGRAM_ANNOTATION = (CDM, "CogniteDiagramAnnotation")
_DIAGRAM_TYPES = {"PageNumber": INT64, "Text": TEXT, **dict.fromkeys(("XMin", "XMax", "YMin", "YMax"), FLOAT64)}
_DIAGRAM = {f"{end}{part}": type_ for end in ("startNode", "endNode") for part, type_ in _DIAGRAM_TYPES.items()}
_ASSET_CLASS = (CDM, "CogniteAssetClass")
_ASSET_TYPE = (CDM, "CogniteAssetType")
_FILE_CATEGORY = (CDM, "CogniteFileCategory")

_describable = ("describablePresent", DESCRIBABLE)
_sourceable = ("sourceablePresent", SOURCEABLE)

SPACES = (space(CDM, "Core data model"),)
CONTAINERS = (
    container(
        *DESCRIBABLE, {"name": TEXT, "description": TEXT, "tags": TEXTS, "aliases": TEXTS}, used_for="all",
        indexes=(index("name"),),
    ),
    container(
        *SOURCEABLE,
        {
            "source": direct(_SOURCE_SYSTEM), "sourceId": TEXT, "sourceContext": TEXT, "sourceCreatedTime": TIMESTAMP,
            "sourceUpdatedTime": TIMESTAMP, "sourceCreatedUser": TEXT, "sourceUpdatedUser": TEXT,
        },
        used_for="all",
        indexes=(
            index("source"), index("sourceCreatedTime"), index("sourceId", cursorable=True),
            index("sourceUpdatedTime", cursorable=True),
        ),
    ),
    container(*_SOURCE_SYSTEM, {"version": TEXT, "manufacturer": TEXT}),
    container(
        *VISUALIZABLE, {"object3D": direct()}, unique={"uniqueObject3D": ("object3D",)}, indexes=(index("object3D"),)
    ),
    container(
        *_ANNOTATION,
        {"confidence": FLOAT64, "status": enum("Approved", "Rejected", "Suggested")},
        used_for="edge",
        requires=(_describable, _sourceable),
    ),
    container(
        *_DIAGRAM_ANNOTATION, _DIAGRAM, used_for="edge",
        requires=(("annotationPresent", _ANNOTATION), _describable, _sourceable),
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
        required=("code",), unique_in_space={"uniqueCodeConstraint": ("code", "standard")},
    ),
    container(
        *_ASSET_CLASS, {"code": TEXT, "standard": TEXT}, requires=(_describable,),
        unique_in_space={"uniqueCodeConstraint": ("code", "standard")},
    ),
    container(
        *_ASSET_TYPE, {"code": TEXT, "standard": TEXT, "assetClass": direct(_ASSET_CLASS)}, requires=(_describable,),
        indexes=(index("code", cursorable=True), index("standard", "standard", "code", cursorable=True)),
    ),
    container(
        *ASSET,
        {
            "assetHierarchy_parent": direct(), "assetHierarchy_root": direct(),
            "assetHierarchy_path": direct(many=100), "assetHierarchy_path_last_updated_time": TIMESTAMP,
            "assetClass": direct(_ASSET_CLASS), "type": direct(_ASSET_TYPE),
        },
        requires=(_describable, _sourceable, ("visualizablePresent", VISUALIZABLE)),
        indexes=(
            index("parent", "assetHierarchy_parent"), index("path", "assetHierarchy_path"),
            index("root", "assetHierarchy_root"),
        ),
    ),
)  # fmt: skip

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
        *_DIAGRAM_ANNOTATION, mapped(_DIAGRAM_ANNOTATION, *_DIAGRAM),
        implements=[DESCRIBABLE, SOURCEABLE, _ANNOTATION],
    ),
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
