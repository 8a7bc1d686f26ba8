"""CDF refuses, breaks, forgets to answer or keeps other bytes: with retries the end is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from capture360.errors import CdfError, CdfUnavailableError
from capture360.steps.ingest import Ingested
from captures import Drop
from ingest_world import World
from local_cdf import RunningSandbox

UPLOAD = {"method": "PUT", "path": "/links/*"}
CREATE = {"method": "POST", "path": "*/files"}
READ_BACK = {"method": "POST", "path": "*/files/byids"}
INSTANCES = {"method": "POST", "path": "*/models/instances"}
QUERY = {"method": "POST", "path": "*/models/instances/query"}
TOKEN = {"method": "POST", "path": "*/oauth2/token"}


@pytest.fixture
def order(running: RunningSandbox) -> Iterator[Callable[..., None]]:
    faults = f"{running.base_url}/sandbox/faults"

    def give(**fault: object) -> None:
        httpx.post(faults, json=fault, trust_env=False).raise_for_status()

    yield give
    assert httpx.get(faults, trust_env=False).json()["items"] == [], "a fault that never struck proves nothing"


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


@pytest.mark.parametrize("effect", ["short-store", "wrong-bytes"])
def test_bytes_that_differ_are_found_and_mended_by_hand(
    running: RunningSandbox, tmp_path: Path, order: Callable[..., None], effect: str
) -> None:
    """`verify` compares what comes back: the message names the file to delete, and the next run uploads it anew."""
    world = World(running, tmp_path, verify="all")
    drop = world.drop("damaged", stations=1)
    order(**UPLOAD, effect=effect, nth=4)
    with pytest.raises(CdfError, match=r"CDF gives back .* Delete that file in CDF") as caught:
        world.ingest(drop)
    world.cdf.client.files.delete(external_id=str(caught.value).partition(":")[0])
    done = world.ingest(drop)
    assert done.uploaded == 1
    assert done.verified is not None
    assert done.verified.compared_faces == 6
    world.wipe()


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
