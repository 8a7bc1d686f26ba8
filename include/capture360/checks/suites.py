"""The rules that Great Expectations carries: suites as JSON, one run per table, results by rule.

The expectations of a rule carry its id in `meta.rule`, and results are matched by that: Great Expectations does not
keep their order. A summary run finds which failed; only those run again for the positions of their rows, without index
columns, because collecting those costs minutes on a million rows.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from capture360.checks.rules import RULES
from capture360.rules.finding import Disposition

if TYPE_CHECKING:
    import pandas as pd

SuiteName = Literal["stations", "faces"]
DIRECTORY = Path(__file__).with_name("suites")
_SEVERITY = {
    Disposition.STOP: "critical",
    Disposition.QUARANTINE: "warning",
    Disposition.WARN: "info",
    Disposition.NOTE: "info",
}


@dataclass(frozen=True)
class RuleResult:
    """What one expectation found: `rows` are positions in the frame, `details` what a table rule adds."""

    rule: str
    kwargs: Mapping[str, Any]
    checked: int
    failed: int
    rows: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    details: Mapping[str, Any] = field(default_factory=dict)


def suite_document(suite: SuiteName) -> dict[str, Any]:
    """The suite as the registry has it; `suites/<name>.json` holds the same and a test compares the two."""
    return {
        "name": suite,
        "expectations": [
            {
                "type": expect.type,
                "kwargs": dict(expect.kwargs),
                "meta": {"rule": rule.id},
                "notes": rule.title,
                "severity": _SEVERITY[rule.disposition],
            }
            for rule in RULES.rules
            for expect in rule.expectations
            if expect.suite == suite
        ],
    }


def write_suites() -> None:
    """Bring the JSON files up to the registry."""
    DIRECTORY.mkdir(exist_ok=True)
    for suite in get_args(SuiteName):
        text = json.dumps(suite_document(suite), indent=2, ensure_ascii=False) + "\n"
        (DIRECTORY / f"{suite}.json").write_text(text, encoding="utf-8")


def run_suite(frame: pd.DataFrame, suite: SuiteName, parameters: Mapping[str, Any]) -> list[RuleResult]:
    """Every expectation of the suite that the frame has columns and the site has parameters for."""
    document = json.loads((DIRECTORY / f"{suite}.json").read_text(encoding="utf-8"))
    wanted = [item for item in document["expectations"] if _applies(item["kwargs"], frame, parameters)]
    if not wanted or frame.empty:
        return []
    # Before the import: Great Expectations writes some two hundred lines of INFO while it is imported.
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx

    import capture360.checks.expectations  # noqa: F401 -- registers the project's own expectations

    context = gx.get_context(mode="ephemeral")
    try:
        context.variables.progress_bars = {"globally": False}
        batch = (
            context.data_sources.add_pandas(suite)
            .add_dataframe_asset(suite)
            .add_batch_definition_whole_dataframe(suite)
            .get_batch({"dataframe": frame})
        )
        first = _run(gx, batch, document["name"], wanted, parameters, "SUMMARY")
        failed = [item for item, result in first if not result.success]
        positions = dict(
            _positions(_run(gx, batch, document["name"], failed, parameters, "COMPLETE")) if failed else ()
        )
    finally:
        context.data_sources.delete(suite)
    return [_result(item, result, positions.get(_identity(item)), len(frame)) for item, result in first]


def _run(
    gx: Any, batch: Any, name: str, items: list[dict[str, Any]], parameters: Mapping[str, Any], form: str
) -> list[tuple[dict[str, Any], Any]]:
    by_identity = {_identity(item): item for item in items}
    marked = [{**item, "meta": {**item["meta"], "identity": identity}} for identity, item in by_identity.items()]
    suite = gx.ExpectationSuite(name=name, expectations=marked)
    outcome = batch.validate(suite, result_format={"result_format": form}, expectation_parameters=dict(parameters))
    found = [(by_identity[result.expectation_config.meta["identity"]], result) for result in outcome.results]
    for item, result in found:
        told = result.exception_info or {}
        if told.get("raised_exception") or any(
            isinstance(inner, dict) and inner.get("raised_exception") for inner in told.values()
        ):
            raise RuntimeError(f"{item['type']} of rule {item['meta']['rule']} could not run: {told}")
    return found


def _identity(item: Mapping[str, Any]) -> str:
    return json.dumps([item["type"], item["kwargs"]], sort_keys=True)


def _positions(results: list[tuple[dict[str, Any], Any]]) -> Iterator[tuple[str, Any]]:
    for item, result in results:
        rows = result.result.get("unexpected_index_list") or []
        yield _identity(item), (np.asarray(rows, dtype=np.int64), result.result.get("details") or {})


def _result(item: Mapping[str, Any], result: Any, found: Any, total: int) -> RuleResult:
    rows, details = found or (np.empty(0, dtype=np.int64), {})
    failed = int(result.result.get("unexpected_count") or 0)
    checked = int(result.result.get("element_count") or total)
    return RuleResult(item["meta"]["rule"], item["kwargs"], checked, failed, rows, details)


def _applies(kwargs: Mapping[str, Any], frame: pd.DataFrame, parameters: Mapping[str, Any]) -> bool:
    columns = [*kwargs.get("column_list", ()), *(kwargs[key] for key in kwargs if key.endswith("column"))]
    wanted = [value["$PARAMETER"] for value in kwargs.values() if isinstance(value, dict) and "$PARAMETER" in value]
    return all(column in frame.columns for column in columns) and all(name in parameters for name in wanted)


if __name__ == "__main__":
    write_suites()
