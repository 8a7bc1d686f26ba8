"""Imports what tasks import: a worker that imports this module before it forks has all its tasks begin with it.

A task of its own would import it anew, which costs more than most tasks do: several seconds for Great Expectations.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import airflow_capture360.tasks
import capture360.steps
from capture360.checks.suites import great_expectations

for package in (capture360.steps, airflow_capture360.tasks):
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
import_module("cognite.client")
great_expectations()
