"""The suites on disk are what the registry says."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pandas as pd
import pytest

from capture360.checks.suites import DIRECTORY, SuiteName, run_suite, suite_document


@pytest.mark.parametrize("suite", ["stations", "faces"])
def test_the_files_are_what_the_registry_makes(suite: SuiteName) -> None:
    on_disk = json.loads((DIRECTORY / f"{suite}.json").read_text(encoding="utf-8"))
    assert on_disk == suite_document(suite), "run `python -m capture360.checks.suites`"


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
    results = {(r.rule, r.kwargs["column"], "min_value" in r.kwargs): r for r in run_suite(frame, "stations", {})}
    assert results["I01", "station_id", False].rows.tolist() == [3]
    assert results["I02", "station_id", False].rows.tolist() == [1, 2]
    assert results["P01", "x", False].rows.tolist() == [1]
    assert results["P01", "x", True].rows.tolist() == [3]
    assert logging.getLogger("great_expectations").level == logging.WARNING
