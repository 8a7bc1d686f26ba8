"""What a plan compares: the links of an image with those of that image."""

from __future__ import annotations

from typing import Any

from capture360.cdf.link_ports import ImageLinks
from capture360.cdf.links.image360_plan import plan_links
from capture360.cdf.links.provenance import SOURCE, LinkEdge
from capture360.cdf.links.snapshot import LinkSnapshot

TYPE = ("cdf_cdm", "image-360-annotation")


def test_edges_without_an_asset_are_compared_with_the_links_of_their_image() -> None:
    compared: list[int] = []

    class Name(str):
        def __eq__(self, other: object) -> bool:
            compared.append(1)
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    counts = []
    for images in (30, 60):
        there = LinkSnapshot()
        before = {}
        for image in (Name(f"s/{number}") for number in range(images)):
            there.created[image] = 1
            before[image] = ImageLinks(1, ("plant/P-1",))
            ours: dict[str, Any] = {"sourceContext": SOURCE}
            end = ("s", image.removeprefix("s/"))
            there.orphans[image].append(LinkEdge("s", f"edge-{image}", 1, TYPE, ("s", "thing"), end, ours))
        plan = plan_links(before, {}, there)
        assert (len(plan.orphans), len(plan.left)) == (images, images)
        counts.append(len(compared))
        compared.clear()
    assert counts[1] <= 3 * counts[0], "sorting takes some of them"
