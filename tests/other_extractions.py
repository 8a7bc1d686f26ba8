"""Extractions that somebody has CDF do by hand, into a space that is a capture's."""

from __future__ import annotations

from capture360.cdf.polling import wait_until
from capture360.cdf.registry import mode_of
from capture360.cdf.three_d.scans import UploadedScan
from capture360.model import CaptureKey
from ingest_world import World
from scans import scan


def extract_by_hand(world: World, space: str, *spheres: int, name: str = "theirs") -> set[tuple[str, str]]:
    """Have another scan extracted into the space, and return the nodes that came out."""
    before = nodes(world)
    scans = mode_of(world.cdf).scans(world.cdf, world.site)
    file = world.cdf.client.files.upload_bytes(
        scan(spheres, shade=90), name=f"{name}.e57", external_id=name, mime_type="model/e57"
    )
    uploaded = {file.name: UploadedScan(file.id, name)}
    started = scans.start(CaptureKey("elsewhere", name), name, uploaded, space)
    work = [each.id for each in started.work.values()]
    assert wait_until(lambda: scans.look(started.model, work, space)[0].status == "Done")
    return nodes(world) - before


def nodes(world: World) -> set[tuple[str, str]]:
    """Space and external id of all nodes."""
    found = world.cdf.client.data_modeling.instances.list("node", limit=None)
    return {(node.space, node.external_id) for node in found}
