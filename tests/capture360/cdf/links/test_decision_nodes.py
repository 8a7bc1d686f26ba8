"""The nodes in which CDF keeps decisions of people: the module's container, its bounds, and what is not a decision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Literal

import pytest
from cognite.client.data_classes.data_modeling import NodeId, SpaceApply

from capture360.cdf.client import CdfProject
from capture360.cdf.links.decision_nodes import PROPERTIES, VIEW, DecisionNodes
from capture360.errors import CdfError
from capture360.matching.decisions import Decided
from capture360.model import Asset, CaptureKey, Detection, Match
from capture360_local.demo.container import deploy_container
from ingest_world import World
from suggested_links import outline, world_of

KEY, OTHER = CaptureKey("hall-7", "walk-1"), CaptureKey("hall-7", "walk_1")
AT = "2026-01-02T03:04:05+00:00"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with ExitStack() as stack:
        made = world_of(stack, "data_modeling", tmp_path_factory.mktemp("decisions"))
        made.cdf.client.data_modeling.spaces.apply(SpaceApply(made.site.space))
        yield made


@pytest.fixture
def store(world: World) -> DecisionNodes:
    deploy_container(world.cdf.client)
    return DecisionNodes(world.cdf, world.site)


def decided(tag: str, status: Literal["approved", "rejected"] = "rejected", x: float = 0.2, at: str = AT) -> Decided:
    seen = Detection("image", "front", tag, 0.7, outline(x, 0.2, 0.1), outline=outline(x, 0.1, 0.3), cap_px=14.5)
    link = Match(seen, Asset(f"plant/{tag}", tag, (tag,)), 0.61, "suggested", "similar", ((Asset("a", "b", ()), 0.5),))
    return Decided(link, status, "Ada", at)


def test_a_project_without_the_container_is_named_and_so_is_an_older_view(world: World) -> None:
    fresh = DecisionNodes(CdfProject(world.connection), world.site)
    models = world.cdf.client.data_modeling
    models.views.delete(VIEW.id)
    assert "view capture360/PlateDecision/v1 is not there in project capture360. Deploy the module" in fresh.missing()
    deploy_container(world.cdf.client)
    assert not fresh.missing()
    assert set(models.views.retrieve(VIEW.id)[0].properties) == set(PROPERTIES)


def test_what_is_written_is_read_and_captures_are_apart(store: DecisionNodes) -> None:
    late, early = decided("P-1").bare(), decided("P-2", at="2026-01-02T04:00:00+02:00").bare()
    written = store.write(KEY, dict(enumerate([late, early])))
    store.write(OTHER, dict(enumerate([late])))
    assert list(store.read(KEY).values()) == [early, late]
    assert set(store.read(KEY)) == set(written)
    store.remove(list(store.read(KEY)))
    assert (list(store.read(KEY)), list(store.read(OTHER).values())) == ([], [late])


def test_another_decision_on_the_same_place_replaces_the_first_and_the_same_is_not_written(
    world: World, store: DecisionNodes
) -> None:
    first = store.write(KEY, dict(enumerate([decided("P-1").bare()])))
    assert store.write(KEY, dict(enumerate([decided("P-1", "approved").bare()]))) == first
    assert [each.status for each in store.read(KEY).values()] == ["approved"]
    quiet = world.running.mutating()
    store.write(KEY, dict(enumerate([decided("P-1", "approved").bare()])))
    assert world.running.mutating() == quiet


def test_any_decision_fits_into_a_node(store: DecisionNodes) -> None:
    """Names, tags and candidates of assets have no bound in CDF, values in JSON have one of 10,240 bytes."""
    asset = Asset("plant/long", "n" * 50_000, ("t" * 50_000,))
    one = decided("Ø" * 128)
    long = replace(one, match=replace(one.match, asset=asset, candidates=((asset, 0.5),), reason="r" * 50_000))
    store.write(KEY, dict(enumerate([long.bare()])))
    assert long.bare() in store.read(KEY).values()


def test_a_node_that_somebody_spoilt_is_named(world: World, store: DecisionNodes) -> None:
    key = CaptureKey("hall-7", "spoilt")
    (name,) = store.write(key, dict(enumerate([decided("P-1").bare()])))
    instances = world.cdf.client.data_modeling.instances
    (node,) = instances.retrieve(nodes=NodeId(world.site.space, name), sources=VIEW.id).nodes
    spoilt = node.as_write()
    spoilt.sources[0].properties = {"status": "perhaps"}
    instances.apply(spoilt)
    with pytest.raises(CdfError, match=rf"Node {world.site.space}/{name} in project capture360 holds no decision"):
        store.read(key)
