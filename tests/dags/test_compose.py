"""The composition for containers, as far as it can be checked without an engine."""

import json
import re
from typing import Any

import pytest
import yaml

from airflow_home import ROOT

TEXT = (ROOT / "docker-compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
AIRFLOW = ("api-server", "scheduler", "dag-processor", "triggerer", "worker")


def test_every_process_of_airflow_is_there_and_watched() -> None:
    for name in AIRFLOW:
        assert SERVICES[name]["healthcheck"]["test"], name
        assert SERVICES[name]["command"].endswith(name), name
        assert SERVICES[name]["depends_on"]["init"]["condition"] == "service_completed_successfully", name


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_waits_for_is_there_in_the_same_profile(name: str) -> None:
    profiles = set(SERVICES[name].get("profiles", []))
    for other, how in SERVICES[name].get("depends_on", {}).items():
        assert set(SERVICES[other].get("profiles", [])) <= profiles, other
        assert (how["condition"] == "service_healthy") <= ("healthcheck" in SERVICES[other]), other


def test_a_worker_needs_no_database() -> None:
    settings = SERVICES["worker"]["environment"]
    assert settings["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://api-server:8080/execution/"
    assert settings["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"


def test_no_secret_is_written_down_or_optional() -> None:
    for secret in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "AIRFLOW_JWT_SECRET", "AIRFLOW_FERNET_KEY"):
        assert f"${{{secret}:?" in TEXT
    for name, value in SERVICES["api-server"]["environment"].items():
        if re.search(r"PASSWORD|SECRET|FERNET", name):
            assert value.startswith("${"), name


def test_the_manual_makes_every_secret_that_is_asked_for() -> None:
    manual = (ROOT / "docs/how-to/operate.md").read_text()
    for secret in set(re.findall(r"\$\{(\w+):\?", TEXT)) | {"S3_ACCESS_KEY", "S3_SECRET_KEY"}:
        assert secret in manual


def test_ports_are_published_on_loopback_alone() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_volumes_are_declared_and_folders_exist() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).is_dir(), volume


def test_the_pools_are_imported_from_the_file_that_the_local_stack_uses() -> None:
    assert "airflow pools import /opt/airflow/config/capture360/pools.json" in SERVICES["init"]["command"][0]
    pools = json.loads((ROOT / "config/pools.json").read_text())
    assert all(isinstance(pool["slots"], int) for pool in pools.values())


def test_the_image_pins_what_the_lock_pins() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    version = re.search(r"^apache-airflow==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert version is not None
    assert f"ARG AIRFLOW_VERSION={version[1]}" in dockerfile
    assert '"celery<5.7"' in dockerfile
    copied = re.findall(r"^COPY (?:--\S+ )*(.+) \S+$", dockerfile, re.MULTILINE)
    for source in " ".join(copied).split():
        assert (ROOT / source).exists(), source
