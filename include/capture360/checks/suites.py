"""The rules that Great Expectations carries: suites from the registry, one run per table, results by rule.

The expectations of a rule carry its id in `meta.rule`, and results are matched by that: Great Expectations does not
keep their order. A summary run finds which failed; only those run again for the positions of their rows, without index
columns, because collecting those costs minutes on a million rows.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from capture360.checks.rules import RULES
from capture360.checks.violations import Results, RuleResult
from capture360.rules.finding import Disposition

if TYPE_CHECKING:
    import pandas as pd

SuiteName = Literal["stations", "faces"]
_SEVERITY = {
    Disposition.STOP: "critical",
    Disposition.QUARANTINE: "warning",
    Disposition.WARN: "info",
    Disposition.NOTE: "info",
}


def suite_document(suite: SuiteName) -> dict[str, Any]:
    """The suite of a table as Great Expectations reads it."""
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


def run_suite(frame: pd.DataFrame, suite: SuiteName, parameters: Mapping[str, Any]) -> Results:
    """Run every expectation of the suite that the frame has columns and the site has parameters for."""
    document = suite_document(suite)
    wanted = [item for item in document["expectations"] if _applies(item["kwargs"], frame, parameters)]
    results: defaultdict[str, list[RuleResult]] = defaultdict(list)
    if not wanted or frame.empty:
        return results
    # Before the import: Great Expectations writes some two hundred lines of INFO while it is imported.
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx

    from capture360.checks.expectations import register

    for rule in RULES.rules:
        for expect in rule.expectations:
            register(expect)
    context = gx.get_context(mode="ephemeral")
    try:
        context.variables.progress_bars = {"globally": False}
        batch = (
            context.data_sources.add_pandas(suite)
            .add_dataframe_asset(suite)
            .add_batch_definition_whole_dataframe(suite)
            .get_batch({"dataframe": frame})
        )
        failed = [
            item for item, outcome in _run(gx, batch, suite, wanted, parameters, "SUMMARY") if not outcome.success
        ]
        for item, outcome in _run(gx, batch, suite, failed, parameters, "COMPLETE") if failed else ():
            details = outcome.result.get("details") or {}
            rows = details.get("positions", outcome.result.get("unexpected_index_list") or [])
            result = RuleResult(item["meta"]["rule"], item["kwargs"], np.asarray(rows, dtype=np.int64), details)
            if len(result.rows):
                results[result.rule].append(result)
    finally:
        context.data_sources.delete(suite)
    return results


def _run(
    gx: Any, batch: Any, name: str, items: list[dict[str, Any]], parameters: Mapping[str, Any], form: str
) -> list[tuple[dict[str, Any], Any]]:
    """Each expectation with its result, in the order of `items`."""
    suite = gx.ExpectationSuite(name=name, expectations=items)
    validated = batch.validate(suite, result_format={"result_format": form}, expectation_parameters=dict(parameters))
    by_item = {_identity(result.expectation_config.meta): result for result in validated.results}
    found = [(item, by_item[_identity(item["meta"])]) for item in items]
    for item, result in found:
        raised = result.exception_info or {}
        if raised.get("raised_exception") or any(
            isinstance(inner, dict) and inner.get("raised_exception") for inner in raised.values()
        ):
            raise RuntimeError(f"{item['type']} of rule {item['meta']['rule']} could not run: {raised}")
    return found


def _identity(meta: Mapping[str, Any]) -> tuple[str, int]:
    return meta["rule"], meta["number"]


def _applies(kwargs: Mapping[str, Any], frame: pd.DataFrame, parameters: Mapping[str, Any]) -> bool:
    columns = [*kwargs.get("column_list", ()), *(kwargs[key] for key in kwargs if key.endswith("column"))]
    wanted = [value["$PARAMETER"] for value in kwargs.values() if isinstance(value, dict) and "$PARAMETER" in value]
    return all(column in frame.columns for column in columns) and all(name in parameters for name in wanted)
