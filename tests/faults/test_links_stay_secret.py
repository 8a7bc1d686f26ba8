"""Links to contents are permissions: they stand in no sentence, no chain of errors and no log."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator

import pytest
from cognite.client import global_config

from capture360.cdf.client import configure_process
from capture360.errors import CdfError, CdfUnavailableError
from capture360.model import CaptureKey
from capture360.steps.detect import detect
from capture360.steps.faces import faces
from capture360.steps.verify import verify
from captures import record_as_validated
from ingest_world import World
from local_cdf import PLAIN, RunningSandbox

Step = Callable[[World, CaptureKey, str], object]
BROKEN = [("status", 400, CdfError), ("status", 403, CdfError), ("status", 503, CdfUnavailableError),
          ("reset", None, CdfUnavailableError)]  # fmt: skip
STEPS: dict[str, Step] = {
    "faces": lambda world, key, fingerprint: faces(world.ctx(), key, fingerprint, 0),
    "verify": lambda world, key, fingerprint: verify(world.ctx(), key, fingerprint),
    "detect": lambda world, key, fingerprint: detect(world.ctx(), key, fingerprint, 0),
}


@pytest.fixture
def links_break(running: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    configure_process()
    monkeypatch.setattr(global_config, "max_retries", 1)
    monkeypatch.setattr(global_config, "max_retries_connect", 1)
    faults = f"{running.base_url}/sandbox/faults"

    def order(effect: str, status: int | None) -> None:
        fault = {"effect": effect, "path": "/links/*", "times": 500} | ({"status": status} if status else {})
        PLAIN.post(faults, json=fault).raise_for_status()

    yield order
    PLAIN.delete(faults).raise_for_status()


@pytest.mark.parametrize(("effect", "status", "kind"), BROKEN)
@pytest.mark.parametrize("step", STEPS)
def test_a_link_that_breaks_is_not_shown(
    world: World,
    links_break: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
    step: str,
    effect: str,
    status: int | None,
    kind: type[Exception],
) -> None:
    drop = world.drop("secret", stations=1)
    fingerprint = record_as_validated(world.records, drop, world.site)
    if step != "faces":
        world.write(drop)
    links_break(effect, status)
    with caplog.at_level(logging.INFO, "capture360"), pytest.raises(kind) as caught:
        STEPS[step](world, drop.key, fingerprint)
    told = str(caught.value)
    assert "links" not in told
    assert (str(status) if status else " at http://127.0.0.1:") in told
    assert "/links/" not in "".join(traceback.format_exception(caught.value))
    assert "/links/" not in "".join(record.getMessage() for record in caplog.records)
