"""Great Expectations classes of rules with a custom function. Only `suites` imports this module."""
# ruff: noqa: TID253 -- subclasses need their base classes; the module itself is imported inside the step.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

from capture360.rules.rule import Expect

_DOMAIN = ("batch_id", "table", "row_condition", "condition_parser")
_registered: dict[str, tuple[type, type]] = {}


class _RowsExpectation(BatchExpectation):  # type: ignore[misc]  # untyped library
    """An expectation about a whole table, whose metric lists the rows that break it."""

    domain_keys: ClassVar[tuple[str, ...]] = _DOMAIN

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: Any = None,  # noqa: ARG002 - Great Expectations gives it by name
        execution_engine: Any = None,  # noqa: ARG002 - Great Expectations gives it by name
    ) -> dict[str, Any]:
        """Return the result in the form that Great Expectations' renderers expect."""
        found: Mapping[str, Any] = metrics[self.metric_dependencies[0]]
        bad, checked = len(found["positions"]), found["checked"]
        share = 100 * bad / checked if checked else 0.0
        return {
            "success": not bad,
            "result": {
                "element_count": checked,
                "unexpected_count": bad,
                "unexpected_percent": share,
                "unexpected_percent_total": share,
                "details": found,
            },
        }


def register(expect: Expect) -> None:
    """Register the expectation and its metric with Great Expectations; repeated calls do nothing."""
    if expect.find is None or expect.type in _registered:
        return
    find, names = expect.find, tuple(expect.kwargs)
    metric = f"table.{expect.type}"

    @metric_value(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]  # untyped library
    def _pandas(
        cls: type,  # noqa: ARG001 - Great Expectations gives it by name
        execution_engine: Any,
        metric_domain_kwargs: Any,
        metric_value_kwargs: Any,
        **kwargs: Any,  # noqa: ARG001 - Great Expectations gives it by name
    ) -> dict[str, Any]:
        frame, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE)
        return {**find(frame, **{name: metric_value_kwargs[name] for name in names}), "checked": len(frame)}

    title = "".join(part.capitalize() for part in expect.type.split("_"))
    common = {"__module__": __name__, "__doc__": find.__doc__}
    provider = type(
        f"{title}Metric",
        (TableMetricProvider,),
        {**common, "metric_name": metric, "domain_keys": _DOMAIN, "value_keys": names, "_pandas": _pandas},
    )
    expectation = type(
        title,
        (_RowsExpectation,),
        {
            **common,
            "__annotations__": dict.fromkeys(names, Any)
            | dict.fromkeys(("metric_dependencies", "success_keys"), ClassVar[tuple[str, ...]]),
            "metric_dependencies": (metric,),
            "success_keys": names,
        },
    )
    _registered[expect.type] = provider, expectation
