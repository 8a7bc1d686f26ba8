"""The small picture by which people know a capture in a list, kept beside its report."""

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
    """Keep the front of the first image as CDF has it; the report's name, empty if it cannot be shown.

    One face is read from CDF. A capture is as good without a picture, so nothing fails here.
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
