"""The picture of a capture in a list: kept when the capture is published, by either route."""

from __future__ import annotations

import io
from collections.abc import Callable

from PIL import Image

from capture360.errors import CdfUnavailableError
from capture360.model import CaptureKey, FaceRef
from capture360.records import Records
from capture360.steps.captures import newest_deliveries
from capture360.steps.detect import images_of
from capture360.steps.ingest import ingest
from capture360.steps.thumbnail import keep_thumbnail
from ingest_world import World
from scans import write_scans


def shown(records: Records, key: CaptureKey) -> Image.Image:
    (newest,) = newest_deliveries(records, [key])
    delivery = newest.delivery
    assert delivery is not None
    fingerprint, name = delivery.thumbnail.removeprefix(f"{key}/").split("/")
    content = records.report(key, fingerprint, name)
    assert content is not None
    return Image.open(io.BytesIO(content))


def test_an_ingest_keeps_the_front_of_the_first_station(world: World) -> None:
    drop = world.drop("first", stations=2)
    world.ingest(drop)
    picture = shown(world.records, drop.key)
    delivered = Image.open(io.BytesIO((drop.folder / f"{drop.capture.media['001'].faces['front']}").read_bytes()))
    assert picture.format == "JPEG"
    assert picture.size == delivered.size
    there, wanted = (image.convert("RGB").resize((1, 1)).getpixel((0, 0)) for image in (picture, delivered))
    assert isinstance(there, tuple)
    assert isinstance(wanted, tuple)
    assert all(abs(one - other) < 12 for one, other in zip(there, wanted, strict=True))


def test_scans_that_cdf_extracted_have_one_too(make_world: Callable[..., World]) -> None:
    world = make_world()
    drop = write_scans(world.landing, "walk")
    ingest(world.ctx(), drop.key)
    assert min(shown(world.records, drop.key).size) > 0


def test_a_face_that_cannot_be_had_fails_no_capture(world: World) -> None:
    class Unread:
        """A store whose faces are out of reach; no fault of the sandbox strikes this request alone."""

        def face_content(self, ref: FaceRef) -> bytes:
            raise CdfUnavailableError(f"{ref.external_id} cannot be had now.")

    drop = world.drop("second", stations=1)
    world.ingest(drop)
    ctx = world.ctx()
    fingerprint = world.records.fingerprints(drop.key)[0]
    images = images_of(ctx, drop.key, fingerprint)
    assert keep_thumbnail(ctx, drop.key, fingerprint, Unread(), images) == ""
    assert "cannot be had now" in world.said[-1]
    assert keep_thumbnail(ctx, drop.key, fingerprint, Unread(), []) == ""
