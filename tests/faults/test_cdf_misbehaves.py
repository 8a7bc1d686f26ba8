"""CDF refuses, breaks, forgets to answer or keeps other bytes: with retries the end is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from capture360.cdf.registry import mode_of
from capture360.errors import CdfError, CdfUnavailableError
from capture360.names import image_id
from capture360.steps.ingest import Ingested
from captures import Drop
from ingest_world import IMAGE_VIEW, World
from local_cdf import PLAIN, RunningSandbox

UPLOAD = {"method": "PUT", "path": "/links/*"}
LINKS = {"method": "POST", "path": "*/files/downloadlink"}
CREATE = {"method": "POST", "path": "*/files"}
READ_BACK = {"method": "POST", "path": "*/files/byids"}
INSTANCES = {"method": "POST", "path": "*/models/instances"}
QUERY = {"method": "POST", "path": "*/models/instances/query"}
TOKEN = {"method": "POST", "path": "*/oauth2/token"}


@pytest.fixture
def order(running: RunningSandbox) -> Iterator[Callable[..., None]]:
    faults = f"{running.base_url}/sandbox/faults"

    def give(**fault: object) -> None:
        PLAIN.post(faults, json=fault).raise_for_status()

    yield give
    assert PLAIN.get(faults).json()["items"] == [], "a fault that never struck proves nothing"


def with_retries(world: World, drop: Drop, tries: int = 4) -> tuple[Ingested, int]:
    """What a scheduler does: try again after what may heal, and only then. The outcome and the tries it took."""
    for attempt in range(1, tries + 1):
        try:
            return world.ingest(drop), attempt
        except CdfUnavailableError:
            if attempt == tries:
                raise
    raise AssertionError


@pytest.mark.parametrize(
    ("fault", "most_tries"),
    [
        ({**UPLOAD, "effect": "status", "status": 500}, 1),
        ({**UPLOAD, "effect": "status", "status": 403}, 1),
        ({**UPLOAD, "effect": "status", "status": 503, "times": 2}, 1),
        ({**UPLOAD, "effect": "reset", "nth": 3}, 1),
        ({**UPLOAD, "effect": "commit-then-reset", "nth": 2}, 1),
        ({**CREATE, "effect": "status", "status": 429, "headers": {"retry-after": "1"}}, 1),
        ({**CREATE, "effect": "status", "status": 500}, 2),
        ({**CREATE, "effect": "commit-then-reset"}, 2),
        ({**READ_BACK, "effect": "status", "status": 500}, 2),
        ({**INSTANCES, "effect": "status", "status": 409}, 1),
        ({**INSTANCES, "effect": "status", "status": 503}, 1),
        ({**INSTANCES, "effect": "commit-then-reset", "nth": 2}, 2),
        ({**QUERY, "effect": "status", "status": 500}, 2),
        ({**TOKEN, "effect": "status", "status": 500}, 2),
        ({**TOKEN, "effect": "reset"}, 2),
    ],
    ids=lambda value: "-".join(str(part) for part in value.values()) if isinstance(value, dict) else None,
)
def test_the_end_is_the_same(world: World, order: Callable[..., None], fault: dict[str, Any], most_tries: int) -> None:
    drop = world.drop("rough", stations=1)
    world.ingest(drop)
    smooth = world.state()
    world.wipe()
    world.forget_the_token()
    order(**fault)
    _, tries = with_retries(world, drop)
    assert world.state() == smooth
    assert tries <= most_tries


@pytest.mark.parametrize("verify", ["sample", "off"])
def test_half_of_a_face_is_found_and_uploaded_again_before_it_is_published(
    running: RunningSandbox, tmp_path: Path, order: Callable[..., None], verify: str
) -> None:
    world = World(running, tmp_path, verify=verify)
    drop = world.drop("halved", stations=2)
    order(**UPLOAD, effect="short-store", nth=4)
    order(**UPLOAD, effect="short-store", nth=9)
    world.ingest(drop)
    assert len(_contents(world, drop)) == 12
    again = [line for line in world.said if "faces are uploaded again" in line]
    assert sum(int(line.split()[0]) for line in again) == 2
    world.wipe()


def test_a_face_that_was_cut_before_a_run_broke_off_is_found_by_the_next(
    world: World, order: Callable[..., None]
) -> None:
    """A killed run leaves files that CDF calls uploaded."""
    drop = world.drop("broken-off", stations=1)
    order(**UPLOAD, effect="short-store", nth=2)
    order(**LINKS, effect="status", status=400)
    with pytest.raises(CdfError, match="Fault on order"):
        world.ingest(drop)
    done = world.ingest(drop)
    assert done.uploaded == 0
    assert any("1 faces are uploaded again" in line or "1 face is uploaded again" in line for line in world.said), (
        world.said
    )
    _contents(world, drop)


def test_a_store_that_keeps_halves_for_good_publishes_nothing(world: World, order: Callable[..., None]) -> None:
    drop = world.drop("rejected", stations=1)
    order(**UPLOAD, effect="short-store", times=18)
    with pytest.raises(CdfError, match=r"not stored completely .* after 3 uploads; .*, [\d,]+ of [\d,]+ bytes"):
        world.ingest(drop)
    assert not world.nodes(IMAGE_VIEW, "rejected")
    assert "/links/" not in "".join(world.said)


def test_other_bytes_are_found_and_uploaded_again(
    running: RunningSandbox, tmp_path: Path, order: Callable[..., None]
) -> None:
    world = World(running, tmp_path, verify="all")
    drop = world.drop("damaged", stations=2)
    order(**UPLOAD, effect="wrong-bytes", nth=4)
    done = world.ingest(drop)
    assert done.verified is not None
    assert done.verified.compared_faces == 12
    assert any("uploaded again; the first: " in line for line in world.said)
    _contents(world, drop)
    world.wipe()


def _contents(world: World, drop: Drop) -> list[bytes]:
    """What CDF gives back, compared with what was delivered."""
    model = mode_of(world.cdf).images(world.cdf, world.site)
    images = {image.external_id: image for image in model.images(drop.key)}
    found = []
    for station in drop.capture.stations:
        for face, path in drop.capture.media[station.id].faces.items():
            found.append(model.face_content(images[image_id(drop.key, station.id)].faces[face]))
            assert found[-1] == (drop.folder / path).read_bytes(), f"{station.id} {face}"
    return found


def test_a_refusal_for_good_is_not_tried_again(world: World, order: Callable[..., None]) -> None:
    drop = world.drop("refused", stations=1)
    order(**INSTANCES, effect="status", status=403, message="no write access to the space")
    with pytest.raises(CdfError, match="CDF answered 403: no write access to the space"):
        world.ingest(drop)


def test_a_long_outage_ends_in_words_and_the_next_run_goes_on_where_it_broke(
    world: World, order: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from cognite.client import global_config

    monkeypatch.setattr(global_config, "max_retries", 0)
    drop = world.drop("outage", stations=2)
    order(**CREATE, effect="status", status=503, nth=8, times=5)
    with pytest.raises(CdfUnavailableError, match=r"Uploading 00._.*: CDF answered 503"):
        world.ingest(drop)
    done = world.ingest(drop)
    assert done.uploaded == 5
