"""The views of CDF's core data model that are written and read, each by the name of what it describes.

Source: https://docs.cognite.com/cdf/dm/dm_reference/dm_core_data_model.
"""

from __future__ import annotations

from capture360.cdf.instances import View

SPACE = "cdf_cdm"

ANNOTATION = View(SPACE, "Cognite360ImageAnnotation")
ASSET = View(SPACE, "CogniteAsset")
DESCRIBABLE = View(SPACE, "CogniteDescribable")
FILE = View(SPACE, "CogniteFile")
IMAGE = View(SPACE, "Cognite360Image")
IMAGE_MODEL = View(SPACE, "Cognite360ImageModel")
MODEL_3D = View(SPACE, "Cognite3DModel")
"""What every model has, those of images among them."""
OBJECT_3D = View(SPACE, "Cognite3DObject")
REVISION_3D = View(SPACE, "Cognite3DRevision")
STATION = View(SPACE, "Cognite360ImageStation")
