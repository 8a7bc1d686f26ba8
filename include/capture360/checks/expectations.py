"""The project's own Great Expectations expectations. Import registers them, so only `suites` imports this module."""
# ruff: noqa: TID253 -- subclasses need their base classes; the module itself is imported inside the step.

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation, MulticolumnMapExpectation
from great_expectations.expectations.metrics.map_metric_provider import (
    MulticolumnMapMetricProvider,
    multicolumn_condition_partial,
)
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

from capture360.checks.neighbours import close_pairs, lonely, steps_back

_TABLE_DOMAIN = ("batch_id", "table", "row_condition", "condition_parser")


class MulticolumnValuesUnitQuaternion(MulticolumnMapMetricProvider):  # type: ignore[misc]  # untyped library
    condition_metric_name = "multicolumn_values.unit_quaternion"
    condition_domain_keys = ("batch_id", "table", "column_list", "row_condition", "condition_parser", "ignore_row_if")
    condition_value_keys = ("tolerance",)

    @multicolumn_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]  # untyped library
    def _pandas(cls, column_list: Any, tolerance: float, **kwargs: Any) -> Any:
        columns = column_list.to_numpy(dtype=np.float64)
        with np.errstate(over="ignore"):
            length = np.sqrt(np.einsum("ij,ij->i", columns, columns))
        return pd.Series(np.abs(length - 1) <= tolerance, index=column_list.index)


class ExpectQuaternionToBeUnit(MulticolumnMapExpectation):  # type: ignore[misc]  # untyped library
    """The columns form a quaternion of length 1, within `tolerance`."""

    tolerance: Any = 1e-3
    map_metric: ClassVar[str] = "multicolumn_values.unit_quaternion"
    success_keys: ClassVar[tuple[str, ...]] = ("mostly", "tolerance")
    args_keys = ("column_list",)


class TableStationFaces(TableMetricProvider):  # type: ignore[misc]  # untyped library
    metric_name = "table.station_faces"
    domain_keys = _TABLE_DOMAIN
    value_keys = ("station_column", "face_column", "faces")

    @metric_value(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]  # untyped library
    def _pandas(
        cls, execution_engine: Any, metric_domain_kwargs: Any, metric_value_kwargs: Any, metrics: Any, **kwargs: Any
    ) -> dict[str, Any]:
        frame, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE)
        faces = list(metric_value_kwargs["faces"])
        codes, stations = pd.factorize(frame[metric_value_kwargs["station_column"]])
        face = pd.Index(faces).get_indexer(frame[metric_value_kwargs["face_column"]])
        known = (face >= 0) & (codes >= 0)
        slots = codes[known] * len(faces) + face[known]
        counts = np.bincount(slots, minlength=len(stations) * len(faces)).reshape(len(stations), len(faces))
        bad = np.flatnonzero((counts != 1).any(axis=1))
        return {"stations": stations[bad], "counts": counts[bad], "checked": len(stations)}


class ExpectStationsToHaveAllFaces(BatchExpectation):  # type: ignore[misc]  # untyped library
    """Every station has each of `faces` in exactly one row; `details` lists the stations and their counts."""

    station_column: str
    face_column: str
    faces: list[str]
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.station_faces",)
    domain_keys: ClassVar[tuple[str, ...]] = _TABLE_DOMAIN
    success_keys: ClassVar[tuple[str, ...]] = ("station_column", "face_column", "faces")
    args_keys = ("station_column", "face_column", "faces")

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        return table_result(metrics["table.station_faces"], "stations")


class MulticolumnValuesWithTheirStation(MulticolumnMapMetricProvider):  # type: ignore[misc]  # untyped library
    condition_metric_name = "multicolumn_values.with_their_station"
    condition_domain_keys = ("batch_id", "table", "column_list", "row_condition", "condition_parser", "ignore_row_if")
    condition_value_keys = ()

    @multicolumn_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]  # untyped library
    def _pandas(cls, column_list: Any, **kwargs: Any) -> Any:
        station, file = column_list.iloc[:, 0], column_list.iloc[:, 1]
        folder = file.str.rpartition("/")[0].str.rpartition("/")[2]
        foreign = folder.isin(station.unique()) & (folder != station)
        return ~foreign


class ExpectFilesToLieWithTheirStation(MulticolumnMapExpectation):  # type: ignore[misc]  # untyped library
    """A file's folder is not named after another station: columns station and file."""

    map_metric: ClassVar[str] = "multicolumn_values.with_their_station"
    args_keys = ("column_list",)


class _TableOfPlaces(TableMetricProvider):  # type: ignore[misc]  # untyped library
    """A metric over the positions (columns x, y, z) of all stations."""

    domain_keys = _TABLE_DOMAIN
    value_keys = ("column_list", "distance")

    @classmethod
    def places(cls, engine: Any, domain: Any, values: Any) -> tuple[Any, float]:
        frame, _, _ = engine.get_compute_domain(domain, domain_type=MetricDomainTypes.TABLE)
        return frame[list(values["column_list"])].to_numpy(dtype=np.float64), float(values["distance"])


class TableCloseStations(_TableOfPlaces):
    metric_name = "table.close_stations"

    @metric_value(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]  # untyped library
    def _pandas(
        cls, execution_engine: Any, metric_domain_kwargs: Any, metric_value_kwargs: Any, metrics: Any, **kwargs: Any
    ) -> dict[str, Any]:
        places, distance = TableCloseStations.places(execution_engine, metric_domain_kwargs, metric_value_kwargs)
        rows, others, metres = close_pairs(places, distance)
        return {"positions": rows, "others": others, "metres": metres, "checked": len(places)}


class TableLonelyStations(_TableOfPlaces):
    metric_name = "table.lonely_stations"

    @metric_value(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]  # untyped library
    def _pandas(
        cls, execution_engine: Any, metric_domain_kwargs: Any, metric_value_kwargs: Any, metrics: Any, **kwargs: Any
    ) -> dict[str, Any]:
        places, distance = TableLonelyStations.places(execution_engine, metric_domain_kwargs, metric_value_kwargs)
        rows, metres, typical = lonely(places, distance)
        return {"positions": rows, "metres": metres, "typical": typical, "checked": len(places)}


class TableTimesBack(TableMetricProvider):  # type: ignore[misc]  # untyped library
    metric_name = "table.times_back"
    domain_keys = _TABLE_DOMAIN
    value_keys = ("time_column", "tolerance_s")

    @metric_value(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]  # untyped library
    def _pandas(
        cls, execution_engine: Any, metric_domain_kwargs: Any, metric_value_kwargs: Any, metrics: Any, **kwargs: Any
    ) -> dict[str, Any]:
        frame, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE)
        times = frame[metric_value_kwargs["time_column"]].to_numpy(dtype=np.float64)
        rows, seconds = steps_back(times, float(metric_value_kwargs["tolerance_s"]))
        return {"positions": rows, "seconds": seconds, "checked": len(times)}


class _TableExpectation(BatchExpectation):  # type: ignore[misc]  # untyped library
    """An expectation about a whole table, whose metric lists the rows that break it."""

    domain_keys: ClassVar[tuple[str, ...]] = _TABLE_DOMAIN

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        return table_result(metrics[self.metric_dependencies[0]], "positions")


class ExpectStationsToBeApart(_TableExpectation):
    """No two stations are nearer to each other than `distance` metres."""

    column_list: list[str]
    distance: Any = 0.05
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.close_stations",)
    success_keys: ClassVar[tuple[str, ...]] = ("column_list", "distance")


class ExpectStationsToHaveNeighbours(_TableExpectation):
    """No station is farther from all others than `distance` metres and twenty times the typical distance."""

    column_list: list[str]
    distance: Any = 50.0
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.lonely_stations",)
    success_keys: ClassVar[tuple[str, ...]] = ("column_list", "distance")


class ExpectTimesToGoForward(_TableExpectation):
    """Times do not go back from row to row, but for at most a few clock jumps in an otherwise ordered table."""

    time_column: str
    tolerance_s: float = 1.0
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.times_back",)
    success_keys: ClassVar[tuple[str, ...]] = ("time_column", "tolerance_s")


def table_result(found: dict[str, Any], key: str) -> dict[str, Any]:
    """The result of a table expectation in the shape that all of Great Expectations' renderers understand."""
    bad, checked = len(found[key]), found["checked"]
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
