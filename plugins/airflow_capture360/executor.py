"""Airflow's executor for one machine, with the imports of tasks made before its workers are forked."""

from __future__ import annotations

from importlib import import_module

from airflow.executors.local_executor import LocalExecutor
from typing_extensions import override


class PreloadedLocalExecutor(LocalExecutor):
    """The LocalExecutor, whose tasks begin with what `airflow_capture360.preload` imports."""

    @override
    def start(self) -> None:
        """Start the workers; where Airflow does not fork them, they import what they need for themselves."""
        if self.is_mp_using_fork:
            import_module("airflow_capture360.preload")
        super().start()
