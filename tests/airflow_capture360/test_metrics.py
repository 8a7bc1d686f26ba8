"""The table of metrics: each is sent somewhere, with its tags, and says what it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from airflow_capture360 import metrics
from airflow_capture360.metrics import METRICS, Metric
from airflow_home import ROOT

PLUGINS = ROOT / "plugins/airflow_capture360"
SENDING = {"add": "counter", "set": "gauge", "took": "timer"}


def sent() -> Iterator[tuple[str, Metric, str, dict[str, ast.expr]]]:
    """Place, metric, kind and tags of each call that sends one."""
    named = {name: value for name, value in vars(metrics).items() if isinstance(value, Metric)}
    for file in sorted(PLUGINS.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SENDING:
                owner = node.func.value
                name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
                if name in named:
                    tags = {each.arg or "**": each.value for each in node.keywords}
                    yield f"{file.name}:{node.lineno}", named[name], SENDING[node.func.attr], tags


def test_each_metric_is_sent_with_its_tags_and_values_of_the_table() -> None:
    found = list(sent())
    for place, metric, kind, tags in found:
        assert (kind, set(tags)) == (metric.kind, set(metric.tags)), place
        for name, value in tags.items():
            if isinstance(value, ast.Constant):
                assert value.value in metric.tags[name].split(", "), place
    assert {metric.name for _, metric, _, _ in found} == {metric.name for metric in METRICS}


def test_names_are_short_and_each_is_one_row() -> None:
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"capture360\.[a-z0-9_]{3,40}", name) for name in names)
