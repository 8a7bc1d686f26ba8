"""What docker-compose.yaml says, started once for all tests: its environment and commands, other addresses."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from capture360_local.production.handle import Production
from capture360_local.production.machine import missing
from production.plant import REGISTER, STATIONS, Held, Plant
from production.recoveries import table
from production.relay import Relay
from statsd_receiver import receiving_statsd


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table after `make recovery`."""
    if config.option.markexpr == "recovery":
        for line in table():
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """The running composition; skipped where a program is not installed."""
    if lacks := missing():
        pytest.skip(f"not installed here: {', '.join(lacks)}")
    folder: Path = tmp_path_factory.mktemp("production")
    (folder / "sites.yaml").write_text(REGISTER)
    production = Production(folder / "stack")
    s3 = Relay(production.ports["s3"])
    production.set(AWS_ENDPOINT_URL_S3=f"http://127.0.0.1:{s3.port}", CAPTURE360_CONFIG=str(folder / "sites.yaml"))
    with pytest.MonkeyPatch.context() as patch, receiving_statsd() as statsd:
        production.set(STATSD_ON="True", STATSD_HOST="127.0.0.1", STATSD_PORT=str(statsd.port))
        production.set(CAPTURE360_HEALTH_TOKEN=secrets.token_urlsafe(32))
        for name, value in production.variables.items():
            if name.startswith("AWS_"):
                patch.setenv(name, value)
        patch.setenv("NO_PROXY", "127.0.0.1")
        try:
            with production.running(print), production.api() as api:
                yield Plant(production, api, s3, statsd, folder)
        finally:
            s3.close()
            production.remove()


@pytest.fixture(scope="session")
def undisturbed(plant: Plant) -> Held:
    """What CDF holds of a capture that nothing has disturbed; all of the same pictures must come out as this."""
    key = plant.drop(plant.undisturbed.capture).key
    assert plant.ended(key, 600)["state"] == "success", plant.unfinished()

    def whole() -> Held | None:
        held = plant.held(key)
        return held if (len(held.images), held.files) == (STATIONS, 6 * STATIONS) else None

    held = plant.until(whole, "CDF to list every image and file", 30)
    assert held.nodes == {"Image360": STATIONS, "Station360": STATIONS, "Image360Collection": 1}
    return held
