"""Rules as Great Expectations suites: built from the registry, one run per table, results by rule.

The expectations of a rule carry its id in `meta.rule`, and results are matched by that: Great Expectations does not
keep their order. A first run finds which failed; only those run again for the positions of their rows, without index
columns, because collecting those costs minutes on a million rows.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from capture360.checks.lazy_imports import import_when_used
from capture360.checks.rules import RULES
from capture360.checks.violations import Results, RuleResult
from capture360.rules.finding import Disposition
from capture360.text import printable

if TYPE_CHECKING:
    import pandas as pd

SuiteName = Literal["stations", "faces"]
_SEVERITY = {
    Disposition.STOP: "critical",
    Disposition.QUARANTINE: "warning",
    Disposition.WARN: "info",
    Disposition.NOTE: "info",
}
_HARDLY_USED = ("altair", "scipy.stats")
"""What Great Expectations imports for charts and tests of distributions: a fifth of the time of its import."""
_TEXT_LENGTH = 1000
"""Characters that are kept of a text in a result of Great Expectations."""
_ONE_AT_A_TIME = threading.Lock()
"""Great Expectations names a table by its suite: a run beside another would judge the other's rows."""


@dataclass(frozen=True)
class SuiteRun:
    """Outcome of a suite: results by rule, and Great Expectations' own validation result as JSON.

    `document` is None if there was nothing to run. It holds the first values that break an expectation, but no
    positions of rows; texts are cut off and numbers that JSON has no form for are texts.
    """

    results: Results
    document: dict[str, Any] | None = None


def suite_document(suite: SuiteName) -> dict[str, Any]:
    """Return the suite of a table in Great Expectations' form."""
    return {
        "name": suite,
        "expectations": [
            {
                "type": expect.type,
                "kwargs": dict(expect.kwargs),
                "meta": {"rule": rule.id, "number": number},
                "notes": rule.title,
                "severity": _SEVERITY[rule.disposition],
            }
            for rule in RULES.rules
            for number, expect in enumerate(rule.expectations)
            if expect.suite == suite
        ],
    }


def gx_suites() -> list[Any]:
    """Return the suites of all tables as Great Expectations' own objects."""
    gx = great_expectations()
    return [
        gx.ExpectationSuite(name=name, expectations=suite_document(name)["expectations"])
        for name in get_args(SuiteName)
    ]


def run_suite(frame: pd.DataFrame, suite: SuiteName, parameters: Mapping[str, Any]) -> SuiteRun:
    """Run each expectation of the suite whose columns and parameters exist."""
    document = suite_document(suite)
    wanted = [item for item in document["expectations"] if _applies(item["kwargs"], frame, parameters)]
    results: defaultdict[str, list[RuleResult]] = defaultdict(list)
    if not wanted or frame.empty:
        return SuiteRun(results)
    with _ONE_AT_A_TIME:
        gx, definition = _prepared(suite)
        batch = definition.get_batch({"dataframe": frame})
        try:
            validated = _validate(gx, batch, suite, wanted, parameters, "BASIC")
            failed = [item for item, outcome in _outcomes(validated, wanted) if not outcome.success]
            document = _document(validated)
            complete = _validate(gx, batch, suite, failed, parameters, "COMPLETE") if failed else None
            for item, outcome in _outcomes(complete, failed) if failed else ():
                details = outcome.result.get("details") or {}
                rows = details.get("positions", outcome.result.get("unexpected_index_list") or [])
                result = RuleResult(item["meta"]["rule"], item["kwargs"], np.asarray(rows, dtype=np.int64), details)
                if len(result.rows):
                    results[result.rule].append(result)
        finally:
            batches = definition.data_asset.datasource.get_execution_engine().batch_manager
            batches.reset_batch_cache()
            batches.batch_data_cache.clear()
    return SuiteRun(results, document)


def great_expectations() -> Any:
    """Import the library without its log lines, and register the custom expectations."""
    # Before the import: Great Expectations writes some two hundred lines of INFO while it is imported.
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    for name in _HARDLY_USED:
        import_when_used(name)
    import great_expectations as gx

    from capture360.checks.expectations import register

    for rule in RULES.rules:
        for expect in rule.expectations:
            register(expect)
    return gx


@cache
def _prepared(suite: SuiteName) -> tuple[Any, Any]:
    """Return the library and what makes a batch of any table of the suite; making it costs a quarter of a run."""
    gx = great_expectations()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas(suite).add_dataframe_asset(suite)
    return gx, asset.add_batch_definition_whole_dataframe(suite)


def _validate(
    gx: Any, batch: Any, name: str, items: list[dict[str, Any]], parameters: Mapping[str, Any], form: str
) -> Any:
    """Validate the expectations; return Great Expectations' result."""
    suite = gx.ExpectationSuite(name=name, expectations=items)
    return batch.validate(suite, result_format={"result_format": form}, expectation_parameters=dict(parameters))


def _outcomes(validated: Any, items: list[dict[str, Any]]) -> list[tuple[dict[str, Any], Any]]:
    """Return each expectation with its result, in the order of `items`."""
    by_item = {_identity(result.expectation_config.meta): result for result in validated.results}
    found = [(item, by_item[_identity(item["meta"])]) for item in items]
    for item, result in found:
        raised = result.exception_info or {}
        if raised.get("raised_exception") or any(
            isinstance(inner, dict) and inner.get("raised_exception") for inner in raised.values()
        ):
            raise RuntimeError(f"{item['type']} of rule {item['meta']['rule']} could not run: {raised}")
    return found


def _document(validated: Any) -> dict[str, Any]:
    """A validation result for JSON, without what differs from run to run and without positions of rows."""
    for outcome in validated.results:
        outcome.result.pop("details", None)
        outcome.result.pop("partial_unexpected_index_list", None)
    document: dict[str, Any] = _bounded(validated.to_json_dict())
    document["meta"].pop("batch_markers", None)
    return document


def _bounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _bounded(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_bounded(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return printable(value, _TEXT_LENGTH) if isinstance(value, str) else value


def _identity(meta: Mapping[str, Any]) -> tuple[str, int]:
    return meta["rule"], meta["number"]


def _applies(kwargs: Mapping[str, Any], frame: pd.DataFrame, parameters: Mapping[str, Any]) -> bool:
    columns = [*kwargs.get("column_list", ()), *(kwargs[key] for key in kwargs if key.endswith("column"))]
    wanted = [value["$PARAMETER"] for value in kwargs.values() if isinstance(value, dict) and "$PARAMETER" in value]
    return all(column in frame.columns for column in columns) and all(name in parameters for name in wanted)
