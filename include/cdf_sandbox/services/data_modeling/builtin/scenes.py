"""The `scene` space, views v1: scenes that Reveal-based clients open.

Names and kinds as the client that loads scenes reads them (cognitedata/reveal, `react-components/src/hooks/scenes`
before its removal in 2026). Assumed, since the containers are not public: one container a view in the same space, with
the properties that the client insists on not nullable, and a space that is not a system space, so that scenes may lie
in it.
"""

from cdf_sandbox.services.data_modeling.builtin.notation import (
    BOOLEAN,
    FLOAT64,
    INT64,
    TEXT,
    TIMESTAMP,
    container,
    data_model,
    direct,
    edges,
    mapped,
    space,
    view,
)  # fmt: skip

SPACE = "scene"
_CAMERA = tuple(f"camera{part}{axis}" for part in ("Translation", "EulerRotation") for axis in "XYZ")
_PLACEMENT = {f"{part}{axis}": FLOAT64 for part in ("translation", "eulerRotation", "scale") for axis in "XYZ"}

_SCENE = {
    "name": TEXT,
    "description": TEXT,
    **dict.fromkeys(_CAMERA, FLOAT64),
    **{f"cameraTarget{axis}": FLOAT64 for axis in "XYZ"},
    "skybox": direct(),
    "updatedAt": TIMESTAMP,
    "cadBudget": FLOAT64,
    "pointCloudBudget": FLOAT64,
    "maxRenderResolution": FLOAT64,
    "movingCameraResolutionFactor": FLOAT64,
    "pointCloudPointSize": FLOAT64,
    "pointCloudPointShape": TEXT,
    "pointCloudColor": TEXT,
}
_COLLECTION = {
    "image360CollectionExternalId": TEXT, "image360CollectionSpace": TEXT, **_PLACEMENT, "defaultVisible": BOOLEAN,
}  # fmt: skip
_REVISION = {"revisionId": INT64, **_PLACEMENT, "defaultVisible": BOOLEAN}
_ENVIRONMENT = {"label": TEXT, "file": TEXT, "isSpherical": BOOLEAN}

SPACES = (space(SPACE, "Scenes and how to place their parts", is_global=False),)
CONTAINERS = (
    container(SPACE, "SceneConfiguration", _SCENE, required=("name", *_CAMERA), is_global=False),
    container(
        SPACE, "Image360CollectionProperties", _COLLECTION, used_for="edge", is_global=False,
        required=("image360CollectionExternalId", "image360CollectionSpace", *_PLACEMENT),
    ),
    container(SPACE, "RevisionProperties", _REVISION, used_for="edge", required=("revisionId",), is_global=False),
    container(SPACE, "EnvironmentMap", _ENVIRONMENT, is_global=False),
)  # fmt: skip
VIEWS = (
    view(
        SPACE,
        "SceneConfiguration",
        {
            **mapped((SPACE, "SceneConfiguration"), *_SCENE, sources={"skybox": (SPACE, "EnvironmentMap")}),
            "images360Collections": edges(
                (SPACE, "SceneConfiguration.images360Collections"),
                ("cdf_360_image_schema", "Image360Collection"),
                (SPACE, "Image360CollectionProperties"),
            ),
        },
        is_global=False,
    ),
    view(
        SPACE,
        "Image360CollectionProperties",
        mapped((SPACE, "Image360CollectionProperties"), *_COLLECTION),
        is_global=False,
    ),
    view(SPACE, "RevisionProperties", mapped((SPACE, "RevisionProperties"), *_REVISION), is_global=False),
    view(SPACE, "EnvironmentMap", mapped((SPACE, "EnvironmentMap"), *_ENVIRONMENT), is_global=False),
)
DATA_MODELS = (
    data_model(SPACE, "SceneConfiguration", [(SPACE, each["externalId"]) for each in VIEWS], is_global=False),
)
