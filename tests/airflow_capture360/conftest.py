"""The Airflow home first, and a landing zone with its register."""

import airflow_home  # noqa: F401 - sets the environment before Airflow is imported

# isort: split
from pathlib import Path

import pytest


@pytest.fixture
def landing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The landing folder of site hall-7, named by a register that CAPTURE360_CONFIG points at."""
    folder = tmp_path / "landing" / "hall-7"
    register = tmp_path / "sites.yaml"
    register.write_text(
        f"records: {tmp_path / 'records'}\n"
        f"sites: {{hall-7: {{space: captures, landing: {{url: {folder}, quiet_period: PT0.2S}}}}}}\n"
    )
    monkeypatch.setenv("CAPTURE360_CONFIG", str(register))
    return folder
