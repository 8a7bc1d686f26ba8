"""`cdf_360_image_schema` v1: the 360 degree images of asset-centric and hybrid projects.

Views and properties are those that the Reveal viewer and Cognite's Toolkit read (cognitedata/reveal,
`image-360-data-providers`; cognitedata/toolkit, `image_360_mappings`); faces are references to files, without which
the Toolkit's migration could not work. Assumed, since the containers are not
public: one container a view in the same space, the same property ids, everything nullable, 64-bit floats, and relations
without a container constraint, so that their targets can be auto-created.
"""

from cdf_sandbox.services.data_modeling.builtin.notation import (
    FILE,
    FLOAT64,
    TEXT,
    TIMESTAMP,
    container,
    data_model,
    direct,
    mapped,
    space,
    view,
)

SPACE = "cdf_360_image_schema"
FACES = ("Front", "Back", "Left", "Right", "Top", "Bottom")
TRANSFORM = tuple(f"{part}{axis}" for part in ("translation", "eulerRotation", "scale") for axis in "XYZ")

_IMAGE = {
    "label": TEXT,
    **dict.fromkeys(TRANSFORM, FLOAT64),
    **{f"cubeMap{face}": FILE for face in FACES},
    "collection360": direct(),
    "station": direct(),
    "timeTaken": TIMESTAMP,
}

SPACES = (space(SPACE, "Schema of 360 degree images"),)
CONTAINERS = (
    container(SPACE, "Image360Collection", {"label": TEXT}),
    container(SPACE, "Station360", {"label": TEXT}),
    container(SPACE, "Image360", _IMAGE),
)
VIEWS = (
    view(SPACE, "Image360Collection", mapped((SPACE, "Image360Collection"), "label")),
    view(SPACE, "Station360", mapped((SPACE, "Station360"), "label")),
    view(
        SPACE,
        "Image360",
        mapped(
            (SPACE, "Image360"),
            *_IMAGE,
            sources={"collection360": (SPACE, "Image360Collection"), "station": (SPACE, "Station360")},
        ),
    ),
)
DATA_MODELS = (
    data_model(SPACE, "Image360", [(SPACE, "Image360Collection"), (SPACE, "Station360"), (SPACE, "Image360")]),
)
