"""The suites are what the registry says."""

from __future__ import annotations

import gc
import json
import logging
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from capture360.checks.rules import RULES
from capture360.checks.suites import SuiteName, run_suite, suite_document


@pytest.mark.parametrize(("suite", "letters"), [("stations", "IPT"), ("faces", "F")])
def test_a_suite_holds_the_expectations_of_its_rules(suite: SuiteName, letters: str) -> None:
    carried = [(rule.id, expect) for rule in RULES.rules for expect in rule.expectations if expect.suite == suite]
    items = suite_document(suite)["expectations"]
    assert [(item["meta"]["rule"], item["type"], item["kwargs"]) for item in items] == [
        (rule, expect.type, expect.kwargs) for rule, expect in carried
    ]
    assert {rule[0] for rule, _ in carried} == set(letters)
    assert {RULES[rule].stage for rule, _ in carried} == {"suite"}


def test_great_expectations_reads_the_suites() -> None:
    """As its own files of suites, with the expectations that are the project's own."""
    import great_expectations as gx

    from capture360.checks.expectations import register

    for rule in RULES.rules:
        for expect in rule.expectations:
            register(expect)
    for name in ("stations", "faces"):
        document = json.loads(json.dumps(suite_document(name)))
        suite = gx.ExpectationSuite(name=name, expectations=document["expectations"])
        assert [expectation.expectation_type for expectation in suite.expectations] == [
            item["type"] for item in document["expectations"]
        ]


def test_no_capture_without_its_suite_imports_great_expectations() -> None:
    code = (
        "import sys, capture360.checks.check, capture360.reports.validation; print('great_expectations' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_results_are_matched_by_rule_and_positions_are_rows() -> None:
    frame = pd.DataFrame(
        {"station_id": pd.array(["a", "b", "b", "/"], dtype="str"), "x": [1.0, None, 3.0, float("inf")]}
    )
    run = run_suite(frame, "stations", {})
    found = run.results
    results = {(r.rule, r.kwargs["column"], "min_value" in r.kwargs): r for group in found.values() for r in group}
    assert results["I01", "station_id", False].rows.tolist() == [3]
    assert results["I02", "station_id", False].rows.tolist() == [1, 2]
    assert results["P01", "x", False].rows.tolist() == [1]
    assert results["P01", "x", True].rows.tolist() == [3]
    assert logging.getLogger("great_expectations").level == logging.WARNING
    assert run.document is not None
    assert run.document["statistics"]["unsuccessful_expectations"] == 4
    assert json.loads(json.dumps(run.document, allow_nan=False)) == run.document


def _ids(*ids: str) -> pd.DataFrame:
    return pd.DataFrame({"station_id": pd.array(ids, dtype="str")})


def _repeated(frame: pd.DataFrame) -> list[int]:
    return [row for result in run_suite(frame, "stations", {}).results.get("I02", ()) for row in result.rows.tolist()]


def test_a_run_knows_nothing_of_the_tables_before_it_and_keeps_none() -> None:
    frame = _ids("a", "b", "b")
    kept = weakref.ref(frame)
    assert _repeated(frame) == [1, 2]
    del frame
    gc.collect()
    assert kept() is None
    assert _repeated(_ids("a", "a", "b", "c")) == [0, 1]
    assert _repeated(_ids("a", "b")) == []


def test_runs_beside_each_other_judge_their_own_rows() -> None:
    frames = [_ids(*"abcd"[:number], "x", "x") for number in range(5)]
    with ThreadPoolExecutor(len(frames)) as threads:
        found = list(threads.map(_repeated, frames))
    assert found == [[number, number + 1] for number in range(5)]
