"""What the last run left on the images of a capture, in modes where CDF does not show what people unlinked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from capture360.cdf.link_ports import ImageLinks, LeftLinks
from capture360.model import CaptureKey
from capture360.records import Records

LEFT = "left-links"
"""Name of the note beside the capture's records."""


def left_links(records: Records, key: CaptureKey) -> LeftLinks:
    """Return what the last run on each image of the capture left there, whichever delivery it was of."""
    note = records.note(key, LEFT) or {"images": {}}
    return {
        image: ImageLinks(
            each["created"], tuple(each["assets"]), each.get("objects", {}), tuple(each.get("spaces", ()))
        )
        for image, each in note["images"].items()
    }


def note_left(records: Records, key: CaptureKey, left: LeftLinks) -> None:
    """Note what a run left on these images; what was left on others stays noted."""
    images = {**left_links(records, key), **left}
    documents = {image: asdict(links) for image, links in sorted(images.items()) if links.assets}
    if documents or records.note(key, LEFT) is not None:
        records.put_note(key, LEFT, {"images": documents})


def forget_left(records: Records, key: CaptureKey, images: Iterable[str]) -> None:
    """Forget what was left on images whose links are about to be removed, before people seem to have removed them."""
    if known := left_links(records, key).keys() & set(images):
        note_left(records, key, {image: ImageLinks(0, ()) for image in known})
