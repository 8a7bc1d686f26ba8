"""The 3D part of CDF's core data model: views in `cdf_cdm`, containers in `cdf_cdm_3d`.

Source as for `core`. The filter of the collection view tests the container
`Cognite3DModel`, in which a collection has no data: so it is in CDF, and so a collection that was written as a
revision is not listed through that view.
"""

from typing import Any

from cdf_sandbox.services.data_modeling.builtin.core import ASSET, CDM, DESCRIBABLE, FILE, SOURCEABLE
from cdf_sandbox.services.data_modeling.builtin.notation import (
    BOOLEAN,
    FLOAT64,
    FLOAT64S,
    TEXT,
    TIMESTAMP,
    container,
    container_ref,
    direct,
    edges,
    enum,
    index,
    mapped,
    reverse,
    space,
    view,
)  # fmt: skip

CDM_3D = "cdf_cdm_3d"
IMAGE_ANNOTATION_TYPE = (CDM, "image-360-annotation")
_TRANSFORM = tuple(f"{part}{axis}" for part in ("translation", "eulerRotation", "scale") for axis in "XYZ")
_FACES = ("front", "back", "left", "right", "top", "bottom")
_BOX = ("xMin", "xMax", "yMin", "yMax", "zMin", "zMax")
_MODEL_TYPE = enum("CAD", "PointCloud", "Image360")


def _there(name: str) -> tuple[str, str]:
    return CDM_3D, name


def _here(name: str) -> tuple[str, str]:
    return CDM, name


def _typed(name: str, prop: str, value: str) -> dict[str, Any]:
    return {"equals": {"property": [CDM_3D, name, prop], "value": value}}


def _has(name: str) -> dict[str, Any]:
    return {"hasData": [container_ref(CDM_3D, name)]}


SPACES = (space(CDM_3D, "Core data model for 3D"),)
CONTAINERS = (
    container(*_there("Cognite3DTransformation"), dict.fromkeys(_TRANSFORM, FLOAT64), used_for="all"),
    container(*_there("CogniteCubeMap"), dict.fromkeys(_FACES, direct(FILE))),
    container(*_there("Cognite3DModel"), {"type": _MODEL_TYPE, "thumbnail": direct(FILE)}),
    container(*_there("Cognite3DObject"), dict.fromkeys(_BOX, FLOAT64)),
    container(*_there("Cognite3DGroup"), {"groupType": enum("Station360")}),
    container(
        *_there("Cognite3DRevision"),
        {
            "status": enum("Queued", "Processing", "Done", "Failed"),
            "published": BOOLEAN,
            "type": _MODEL_TYPE,
            "model3D": direct(_there("Cognite3DModel")),
            "sourceFile": direct(FILE),
        },
    ),
    container(
        *_there("Cognite360Image"),
        {
            "collection360": direct(_there("Cognite3DRevision")),
            "group3d": direct(_there("Cognite3DGroup")),
            "takenAt": TIMESTAMP,
        },
        indexes=(index("collection360"),),
    ),
    container(
        *_there("Cognite360ImageAnnotation"), {"polygon": FLOAT64S, "formatVersion": TEXT}, used_for="edge"
    ),
)  # fmt: skip
VIEWS = (
    view(*_here("Cognite3DTransformation"), mapped(_there("Cognite3DTransformation"), *_TRANSFORM)),
    view(
        *_here("CogniteCubeMap"),
        mapped(_there("CogniteCubeMap"), *_FACES, sources=dict.fromkeys(_FACES, FILE)),
    ),
    view(
        *_here("Cognite3DModel"),
        mapped(_there("Cognite3DModel"), "type", "thumbnail", sources={"thumbnail": FILE}),
        implements=[DESCRIBABLE],
    ),
    view(
        *_here("Cognite3DRevision"),
        mapped(
            _there("Cognite3DRevision"), "status", "published", "type", "model3D",
            sources={"model3D": _here("Cognite3DModel")},
        ),
    ),
    view(
        *_here("Cognite3DObject"),
        {
            **mapped(_there("Cognite3DObject"), *_BOX),
            "asset": reverse(ASSET, "object3D", single=True),
            "images360": edges(
                IMAGE_ANNOTATION_TYPE, _here("Cognite360Image"), _here("Cognite360ImageAnnotation")
            ),
        },
        implements=[DESCRIBABLE],
    ),
    view(
        *_here("Cognite360Image"),
        mapped(
            _there("Cognite360Image"), "collection360", "takenAt", station360="group3d",
            sources={
                "collection360": _here("Cognite360ImageCollection"), "station360": _here("Cognite360ImageStation"),
            },
        ),
        implements=[_here("Cognite3DTransformation"), _here("CogniteCubeMap")],
    ),
    view(
        *_here("Cognite360ImageCollection"),
        mapped(
            _there("Cognite3DRevision"), "model3D", sources={"model3D": _here("Cognite360ImageModel")},
        ),
        implements=[DESCRIBABLE, _here("Cognite3DRevision")],
        filter={"and": [_has("Cognite3DRevision"), _typed("Cognite3DModel", "type", "Image360")]},
    ),
    view(
        *_here("Cognite360ImageModel"),
        {
            "collections": reverse(
                _here("Cognite360ImageCollection"), "model3D", through_source=_here("Cognite3DRevision")
            )
        },
        implements=[DESCRIBABLE, _here("Cognite3DModel")],
        filter={"and": [_has("Cognite3DModel"), _typed("Cognite3DModel", "type", "Image360")]},
    ),
    view(
        *_here("Cognite360ImageStation"),
        mapped(_there("Cognite3DGroup"), "groupType"),
        implements=[DESCRIBABLE],
        filter={"and": [_has("Cognite3DGroup"), _typed("Cognite3DGroup", "groupType", "Station360")]},
    ),
    view(
        *_here("Cognite360ImageAnnotation"),
        mapped(_there("Cognite360ImageAnnotation"), "polygon", "formatVersion"),
        implements=[DESCRIBABLE, SOURCEABLE, _here("CogniteAnnotation")],
    ),
)  # fmt: skip
