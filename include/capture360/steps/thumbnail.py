"""Thumbnail of a capture for lists, kept beside its report."""

from __future__ import annotations

from collections.abc import Iterable

from capture360.cdf.ports import Image360Store
from capture360.errors import Capture360Error
from capture360.model import CaptureKey, PublishedImage
from capture360.pictures.small import THUMBNAIL, small_copy
from capture360.steps.context import StepContext

NAME = "thumbnail.jpg"


def keep_thumbnail(
    ctx: StepContext, key: CaptureKey, fingerprint: str, model: Image360Store, images: Iterable[PublishedImage]
) -> str:
    """Keep the front face of the first image in CDF; return the report's name, empty if that is not possible.

    One face is read from CDF. Failures are logged only, since the picture is optional.
    """
    image = min(images, key=lambda each: each.external_id, default=None)
    ref = image.faces.get("front") if image else None
    if ref is None:
        return ""
    try:
        content = small_copy(model.face_content(ref), THUMBNAIL, ref.external_id)
    except Capture360Error as error:
        ctx.log(f"The list of captures shows no picture of {key}: {error}")
        return ""
    ctx.records.put_report(key, fingerprint, NAME, content)
    return NAME
