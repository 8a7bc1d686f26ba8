"""Captures through Airflow's real scheduler into the sandbox."""

from __future__ import annotations

import os
import signal
from typing import Any

import httpx

from capture360 import dag_names
from capture360_local.demo.deliveries import Order
from running_stack import RunningStack

SENSED = Order("sensed", "cubemap", 2, "dropped and sensed")
REJECTED = Order("rejected", "panorama", 2, "no column x", ("missing-column",))
BY_HAND = Order("by-hand", "cubemap", 1, "run by hand, twice at once")
PAUSED = Order("paused", "cubemap", 1, "dropped while ingest was paused", site="impatient")
KILLED = Order("killed", "cubemap", 1, "its tasks are killed")


def test_a_dropped_capture_becomes_a_collection(stack: RunningStack) -> None:
    stack.drop(REJECTED)
    key = stack.drop(SENSED)
    run = stack.ended(key)
    assert run.state == "success", stack.api.task_instances(dag_names.INGEST, run.id)
    assert stack.api.run(dag_names.INGEST, run.id)["partition_key"] == str(key)
    outcome = stack.outcome(SENSED)
    assert not outcome.differences
    assert (outcome.verdict, outcome.images, outcome.files) == ("accepted", 2, 12)
    assert "stations: 2 of 2" in stack.log(run.id, "faces")
    assert stack.api.warnings() == []


def test_its_links_lead_to_the_report_behind_the_login_and_to_cdf(stack: RunningStack) -> None:
    run = stack.ended(SENSED.key)

    def link(task: str, name: str) -> str:
        path = f"/dags/{dag_names.INGEST}/dagRuns/{run.id}/taskInstances/{task}/links"
        return str(stack.api.request("GET", path)["extra_links"][name])

    report = link("validate", "Validation report")
    with httpx.Client(trust_env=False) as browser:
        assert browser.get(report).status_code == 401
        token = browser.post(
            f"{stack.api.url}/auth/token", json={"username": stack.local.user, "password": stack.local.password}
        ).json()["access_token"]
        page = browser.get(report, headers={"authorization": f"Bearer {token}"})
    assert page.status_code == 200
    assert str(SENSED.key) in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert link("publish", "Open in CDF").startswith(stack.local.status().sandbox_url)


def test_a_hopeless_capture_fails_once_with_the_reason_in_the_alert(stack: RunningStack) -> None:
    run = stack.ended(REJECTED.key)
    assert run.state == "failed"
    assert run.tries["validate"] == 1
    alert = stack.log(run.id, "validate")
    assert f'What broke: {REJECTED.key} rejected: stations.csv: column "x" is missing.' in alert
    assert "How to fix it: Fix the delivery as the validation report says" in alert
    assert not stack.outcome(REJECTED).differences
    assert stack.image_count(REJECTED) == 0


def test_cleared_with_all_downstream_it_writes_nothing(stack: RunningStack) -> None:
    run = stack.ended(SENSED.key)
    before = stack.mutating()
    stack.api.clear(dag_names.INGEST, run.id, ["validate"])
    stack.until(lambda: stack.task(run.id, "verify")["try_number"] == 2, "the cleared tasks to run again")
    assert stack.ended(SENSED.key).state == "success"
    assert stack.mutating() == before
    assert not stack.outcome(SENSED).differences


def test_by_hand_it_ends_like_a_sensed_one_and_a_second_run_at_once_is_skipped(stack: RunningStack) -> None:
    stack.api.pause(dag_names.SENSE, True)
    try:
        key = stack.drop(BY_HAND)
        first = stack.api.trigger(dag_names.INGEST, {"capture": str(key)})
        stack.until(lambda: stack.task(first, "lease")["state"] == "success", "the first run to take the lease")
        second = stack.api.trigger(dag_names.INGEST, {"capture": str(key)})
        stack.until(lambda: stack.task(second, "lease")["state"] == "skipped", "the second run to be skipped")
        assert first in stack.log(second, "lease")
        stack.until(lambda: stack.api.run(dag_names.INGEST, second)["state"] == "success", "the end of the skipped run")
        assert all(ti["state"] == "skipped" for ti in stack.api.task_instances(dag_names.INGEST, second))
        assert stack.ended(key).id == first
    finally:
        stack.api.pause(dag_names.SENSE, False)
    outcome = stack.outcome(BY_HAND)
    assert not outcome.differences
    assert outcome.files == 6


def test_dropped_while_ingest_is_paused_it_is_ingested_once_that_is_over(stack: RunningStack) -> None:
    stack.api.pause(dag_names.INGEST, True)
    try:
        key = stack.drop(PAUSED)
        stack.until(lambda: stack.records.load(key), "the capture to be announced")
    finally:
        stack.api.pause(dag_names.INGEST, False)
    stack.api.trigger(dag_names.SENSE, {})
    assert stack.ended(key).state == "success"
    assert not stack.outcome(PAUSED).differences


def test_killed_at_three_writes_it_comes_to_the_same_end(stack: RunningStack) -> None:
    files_before = stack.files()
    kills: list[tuple[str, dict[str, Any]]] = [
        ("faces", {"effect": "delay", "method": "POST", "path": "*/files", "nth": 3}),
        ("faces", {"effect": "commit-then-timeout", "method": "PUT", "path": "/links/upload/*"}),
        ("publish", {"effect": "commit-then-timeout", "method": "POST", "path": "*/models/instances"}),
    ]
    task, fault = kills[0]
    stack.fault({**fault, "seconds": 20})
    key = stack.drop(KILLED)
    for number, (task, _) in enumerate(kills):
        stack.until(lambda: not stack.sandbox.get("/sandbox/faults").json()["items"], f"write {number} to be under way")
        run = stack.until(
            lambda: next((r for r in stack.api.runs(dag_names.INGEST) if r["partition_key"] == str(key)), None), "it"
        )
        victim = stack.task(run["dag_run_id"], task)
        assert victim["state"] == "running"
        if number + 1 < len(kills):
            stack.fault({**kills[number + 1][1], "seconds": 20})
        os.kill(victim["pid"], signal.SIGKILL)
    run_id = stack.ended(key).id
    assert stack.api.run(dag_names.INGEST, run_id)["state"] == "success"
    assert stack.task(run_id, "faces")["try_number"] == 3
    assert stack.task(run_id, "publish")["try_number"] == 2
    assert not stack.outcome(KILLED).differences
    assert stack.files() == files_before + 6
