"""Refuse to go on where a capture is published in another space than the site's: it would not be found there."""

from __future__ import annotations

from capture360 import names
from capture360.capture_state import PUBLISH
from capture360.cdf.instances import Instances
from capture360.cdf.preflight import space_exists
from capture360.errors import ConfigError
from capture360.model import CaptureKey
from capture360.steps.context import StepContext


def refuse_other_space(ctx: StepContext, key: CaptureKey) -> None:
    """ConfigError if CDF holds the capture's collection in a space that the site named before.

    CDF is only asked about spaces that records name and the site does not.
    """
    records = (ctx.records.get(key, each, PUBLISH) for each in ctx.records.fingerprints(key))
    own = names.collection_id(key)
    named = {
        space
        for record in records
        if record is not None
        for space, collection in record.body["collections"]
        if collection.startswith(own)
    }
    for space in sorted(named - {ctx.site.space}):
        if space_exists(ctx.cdf, space) and Instances(ctx.cdf.client).found(space, own):
            raise ConfigError(
                f"Capture {key.capture} is published in space {space}, but site {key.site} names space: "
                f"{ctx.site.space}, where nothing of it would be found. Set space: {space} again; to use another one, "
                "retract the site's captures first."
            )
