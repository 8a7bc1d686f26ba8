"""docker-compose.yaml and the Dockerfile, read: what a running stack does not show."""

from __future__ import annotations

import json
import os
import re
import resource
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from threading import Thread
from typing import Any

import pytest
import yaml
from airflow.configuration import retrieve_configuration_description

from airflow_capture360.policies import RETRYING
from capture360.errors import ConfigError
from capture360_local.production.composition import read
from capture360_local.production.machine import read_variables

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yaml"
SECRETS = ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "AIRFLOW_SECRET_KEY", "AIRFLOW_JWT_SECRET", "AIRFLOW_ADMIN_PASSWORD")
VARIABLES = {name: f"the-{name}" for name in (*SECRETS, "AIRFLOW_FERNET_KEY")}
KEYS = {
    "build", "command", "depends_on", "deploy", "entrypoint", "environment", "healthcheck", "image", "logging",
    "mem_limit", "ports", "profiles", "restart", "stop_grace_period", "user", "volumes",
}  # fmt: skip
"""Of the Compose specification's keys of a service, those that the file uses."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return loaded


def services(**variables: str) -> Any:
    return read(FILE, {**VARIABLES, **variables}, ("sandbox", "s3"))


def test_every_key_and_every_name_is_one_that_compose_knows(document: dict[str, Any]) -> None:
    assert {name for name in document if not name.startswith("x-")} == {"services", "volumes"}
    for name, service in document["services"].items():
        assert set(service) <= KEYS, name
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source.startswith("./") or source in document["volumes"], f"{name}: {volume}"
        for other, how in service.get("depends_on", {}).items():
            waits_for = document["services"][other]
            assert set(waits_for.get("profiles", ())) <= set(service.get("profiles", ())), f"{name} waits for {other}"
            assert how["condition"] in {"service_healthy", "service_completed_successfully"}
            if how["condition"] == "service_healthy":
                assert "healthcheck" in waits_for, f"{name} waits for the health of {other}"
            else:
                assert waits_for["restart"] == "no", f"{name} waits for the end of {other}"
    used = {volume.partition(":")[0] for each in document["services"].values() for volume in each.get("volumes", ())}
    assert set(document["volumes"]) <= used


@pytest.mark.parametrize("missing", VARIABLES)
def test_a_secret_that_is_missing_is_named(missing: str) -> None:
    with pytest.raises(ConfigError, match=f"{missing} is missing: put {missing} into .env"):
        read(FILE, {name: value for name, value in VARIABLES.items() if name != missing})


def test_the_manual_makes_every_secret_and_describes_every_other_variable_of_env() -> None:
    manual = (ROOT / "docs/how-to/operate.md").read_text()
    text = FILE.read_text()
    assert set(re.findall(r"\$\{(\w+):\?", text)) == set(VARIABLES)
    read_from_env = set(re.findall(r"(?<!\$)\$\{(\w+)", text)) | set(
        re.findall(r"^ +([A-Z0-9_]+):$", text, re.MULTILINE)
    )
    assert "CAPTURE360_HEALTH_TOKEN" in read_from_env
    assert {variable for variable in read_from_env if not re.search(rf"\b{variable}\b", manual)} == set()


def test_the_manual_writes_env_once_and_changes_nothing_of_the_shell(tmp_path: Path) -> None:
    """Files that are written later in the same shell must stay readable for the containers, and be replaced."""
    (block,) = re.findall(r"```\n([^`]*?> \.env\n.*?)```", (ROOT / "docs/how-to/operate.md").read_text(), re.DOTALL)
    script = f"docker() {{ :; }}\numask 022\n{block}\ntouch plant.yaml; echo 1 > dump; echo 2 > dump\n"
    for _ in range(2):
        done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
        variables = dict(read_variables(tmp_path / ".env"))
        assert variables.keys() == VARIABLES.keys()
    assert "cannot overwrite existing file" in done.stderr
    modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in (".env", "plant.yaml")}
    assert modes == {".env": 0o600, "plant.yaml": 0o644}
    assert (tmp_path / "dump").read_text() == "2\n"


def test_airflow_knows_every_setting() -> None:
    """A misspelt one would do nothing."""
    described = retrieve_configuration_description(include_providers=True)
    known = {
        f"AIRFLOW__{name}__{option}".upper() for name, section in described.items() for option in section["options"]
    }
    used = set(re.findall(r"AIRFLOW__\w+", FILE.read_text()))
    undescribed = {"AIRFLOW__SCHEDULER__NUM_STUCK_IN_QUEUED_RETRIES"}
    assert undescribed <= used - known, "described by now"
    assert used - known == undescribed
    scheduler = find_spec("airflow.jobs.scheduler_job_runner")
    assert scheduler is not None
    assert scheduler.origin is not None
    assert "num_stuck_in_queued_retries" in Path(scheduler.origin).read_text()


def test_dags_are_those_of_the_image(document: dict[str, Any]) -> None:
    """Mounted ones would be newer than the package of an image that somebody went back to."""
    mounted = [volume for service in document["services"].values() for volume in service.get("volumes", ())]
    assert not [volume for volume in mounted if "/dags" in volume]


def test_no_secret_is_among_the_arguments_of_a_process() -> None:
    for service in services(AWS_ACCESS_KEY_ID="the-key", AWS_SECRET_ACCESS_KEY="the-AWS-secret").values():
        words = " ".join((*service.command, *service.health))
        assert not [value for value in (*VARIABLES.values(), "the-AWS-secret") if value in words], service.name


def test_every_lasting_service_comes_back_rotates_its_log_and_says_whether_it_lives(document: dict[str, Any]) -> None:
    for name, service in document["services"].items():
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name
        if service["restart"] != "no":
            assert service["restart"] == "unless-stopped"
            assert service["healthcheck"]["test"], name
            assert service["stop_grace_period"], name


def test_ports_are_published_on_this_machine_alone(document: dict[str, Any]) -> None:
    published = [port for service in document["services"].values() for port in service.get("ports", ())]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_images_name_a_version(document: dict[str, Any]) -> None:
    for name, service in document["services"].items():
        if not service["image"].startswith("capture360:"):
            assert re.search(r":\d+[\w.-]*(@sha256:[0-9a-f]{64})?$", service["image"]), name


def test_one_service_builds_the_image_and_all_that_run_it_have_that_service(document: dict[str, Any]) -> None:
    """Compose takes a failed pull for no error where another service of the project builds that image."""
    (builder,) = (name for name, service in document["services"].items() if "build" in service)
    assert document["services"][builder]["image"].startswith("capture360:")
    assert "profiles" not in document["services"][builder]


def test_health_checks_ask_the_address_that_servers_listen_on() -> None:
    checked = {name: service.health for name, service in services().items() if service.health}
    assert not [name for name, health in checked.items() if "localhost" in " ".join(health)]
    assert checked["postgres"][:3] == ("pg_isready", "--host", "127.0.0.1")


@pytest.mark.skipif(which("redis-cli") is None, reason="redis-cli is not installed here")
def test_redis_is_not_healthy_while_it_loads() -> None:
    """It answers with an error, which redis-cli prints without one of its own unless it is told to."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse() -> None:
            connection, _ = server.accept()
            with connection:
                while connection.recv(1024):
                    connection.sendall(b"-LOADING Redis is loading the dataset in memory\r\n")

        Thread(target=refuse, daemon=True).start()
        program, *words = services()["redis"].health
        done = subprocess.run([program, "-p", str(server.getsockname()[1]), *words], capture_output=True, check=False)
    assert b"LOADING" in done.stdout + done.stderr
    assert done.returncode


def test_health_checks_start_no_airflow() -> None:
    for service in services().values():
        assert not service.health or service.health[0] not in {"airflow", "celery"}, service.name


def test_our_health_checks_take_less_than_a_fiftieth_of_a_core(document: dict[str, Any]) -> None:
    """CPU seconds, so that other work does not count; nothing answers, which makes none of them cheaper."""
    nothing = {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://a:b@127.0.0.1:1/c",
        "AIRFLOW__CELERY__BROKER_URL": "redis://127.0.0.1:1/0",
    }
    load: dict[str, float] = {}
    for name, service in services().items():
        if "capture360_local.production.alive" not in service.health:
            continue
        took = []
        for _ in range(3):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            command = [sys.executable, *service.health[1:]]
            assert subprocess.run(command, env={**os.environ, **nothing}, capture_output=True, check=False).returncode
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        interval = re.fullmatch(r"(\d+)([ms])", document["services"][name]["healthcheck"]["interval"])
        assert interval
        load[name] = service.replicas * min(took) / (int(interval[1]) * {"s": 1, "m": 60}[interval[2]])
    assert len(load) == 3
    assert sum(load.values()) < 0.02, load


@pytest.mark.parametrize("what", ["job_lives", "worker_answers"])
def test_our_health_check_loads_no_airflow(what: str) -> None:
    code = (
        "import os, sys; from capture360_local.production import alive\n"
        "os.environ.update(AIRFLOW__DATABASE__SQL_ALCHEMY_CONN='postgresql+psycopg2://a:b@127.0.0.1:1/c', "
        "AIRFLOW__CELERY__BROKER_URL='redis://127.0.0.1:1/0')\n"
        f"try: alive.{what}(*['TriggererJob'][:{int(what == 'job_lives')}])\n"
        "except Exception as error: print(type(error).__name__, [each for each in ('airflow', 'celery', 'pandas') "
        "if each in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "OperationalError []"


def test_workers_import_what_tasks_import_before_they_fork_them() -> None:
    environment = services()["worker"].environment
    code = (
        "from airflow.providers.celery.executors.celery_executor import app\n"
        "app.loader.import_default_modules()\n"
        "import sys; print('great_expectations' in sys.modules)\n"
    )
    celery = {name: value for name, value in environment.items() if name.startswith("AIRFLOW__CELERY__")}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **celery}, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "True"


def test_no_more_tasks_run_at_once_than_workers_have_room_for() -> None:
    worker = services()["worker"]
    room = worker.replicas * int(worker.environment["AIRFLOW__CELERY__WORKER_CONCURRENCY"])
    assert int(worker.environment["AIRFLOW__CORE__PARALLELISM"]) == room


def test_what_recovery_depends_on() -> None:
    environment = services()["scheduler"].environment
    queued = int(environment["AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT"])
    look = int(environment["AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL"])
    assert queued + look <= 120
    assert int(environment["AIRFLOW__SCHEDULER__NUM_STUCK_IN_QUEUED_RETRIES"]) * queued >= 24 * 3600
    heartbeat = int(environment["AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT"])
    overtime = int(environment["AIRFLOW__CORE__TASK_SUCCESS_OVERTIME"])
    assert 40 <= overtime <= heartbeat - 15, "what an alert may take while the task sends no heartbeat"
    delay = int(environment["AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY"])
    assert heartbeat + 10 + 2 * delay <= 110, "Airflow looks each 10 s, and waits up to twice the delay"
    longest = RETRYING["max_retry_delay"].total_seconds()
    waits = [
        min(delay * RETRYING["retry_exponential_backoff"] ** number, longest) for number in range(RETRYING["retries"])
    ]
    assert longest <= 90
    assert sum(waits) >= 360, "what CDF may be down for"
    assert int(environment["AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL"]) <= 20
    redis = " ".join(services()["redis"].command)
    assert "--appendonly yes" in redis
    assert "--appendfsync always" in redis


def test_the_manual_gives_a_chart_the_settings_of_the_composition() -> None:
    manual = (ROOT / "docs/how-to/install.md").read_text()
    (block,) = (each for each in re.findall(r"```yaml\n(.*?)```", manual, re.DOTALL) if "airflowVersion" in each)
    values = yaml.safe_load(block)
    given = {
        f"AIRFLOW__{section.upper()}__{name.upper()}": str(value)
        for section, settings in values["config"].items()
        for name, value in settings.items()
    }
    services_by_name = services(AIRFLOW_URL=values["config"]["api"]["base_url"])
    assert given.items() <= services_by_name["scheduler"].environment.items()
    sections = ("AIRFLOW__SCHEDULER__", "AIRFLOW__WORKERS__", "AIRFLOW__CORE__TASK_SUCCESS_OVERTIME")
    recovery = {
        name: value
        for name, value in services_by_name["scheduler"].environment.items()
        if name.startswith(sections) and not name.endswith("ENABLE_HEALTH_CHECK")
    }
    assert recovery.items() <= given.items()
    worker = values["workers"]["celery"]
    assert worker["replicas"] == services_by_name["worker"].replicas
    assert f"apache/airflow:{values['airflowVersion']}-" in (ROOT / "Dockerfile").read_text()
    assert all(pool in manual for pool in json.loads((ROOT / "config/pools.json").read_text()))


def test_s3_without_an_endpoint_is_aws_and_keys_are_handed_on_only_if_they_are_there() -> None:
    environment = services()["worker"].environment
    assert not [name for name in environment if name.startswith("AWS_")]
    environment = services(AWS_ENDPOINT_URL_S3="http://s3:9000")["worker"].environment
    assert environment["AWS_ENDPOINT_URL_S3"] == "http://s3:9000"


def test_connections_are_not_tested_from_the_browser_unless_asked_for() -> None:
    assert services()["api-server"].environment["AIRFLOW__CORE__TEST_CONNECTION"] == "Disabled"
    asked = services(TEST_CONNECTION="Enabled")["api-server"].environment
    assert asked["AIRFLOW__CORE__TEST_CONNECTION"] == "Enabled"


def test_metrics_are_sent_where_env_says_and_the_token_of_monitors_reaches_the_web_server_alone() -> None:
    assert {each.environment.get("AIRFLOW__METRICS__STATSD_ON") for each in services().values()} == {"False", None}
    token = "t" * 32
    asked = services(STATSD_ON="True", STATSD_HOST="statsd", CAPTURE360_HEALTH_TOKEN=token)
    for name in ("scheduler", "triggerer", "worker"):
        assert asked[name].environment["AIRFLOW__METRICS__STATSD_ON"] == "True"
        assert asked[name].environment["AIRFLOW__METRICS__STATSD_HOST"] == "statsd"
    assert [name for name, each in asked.items() if token in each.environment.values()] == ["api-server"]


def test_the_image_is_built_from_a_lock_with_hashes() -> None:
    def pins(name: str) -> dict[str, str]:
        text = (ROOT / name).read_text()
        return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE))

    lock = (ROOT / "requirements.production.lock").read_text()
    assert "://" not in lock
    entries = re.split(r"\n(?=\S)", lock.strip())
    assert all("--hash=sha256:" in entry for entry in entries)
    production = pins("requirements.production.lock")
    assert production.items() <= pins("requirements.lock").items()
    assert {"celery", "apache-airflow-providers-fab", "psycopg2-binary", "s3fs", "rapidocr", "hatchling"} <= set(
        production
    )
    assert not {"pytest", "ruff", "moto"} & set(production)
    runs = re.findall(r"^RUN (pip install .*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert all("--require-hashes" in run or "--no-deps --no-build-isolation" in run for run in runs)


def test_the_pools_that_tasks_name_are_imported() -> None:
    pools = json.loads((ROOT / "config/pools.json").read_text())
    named = {name for file in (ROOT / "dags").glob("*.py") for name in re.findall(r'pool="(\w+)"', file.read_text())}
    assert named
    assert named <= set(pools)
