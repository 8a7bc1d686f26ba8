"""The executor of one machine: what its workers import before they fork tasks."""

from __future__ import annotations

import json
import subprocess
import sys

SCRIPT = """
import json, sys, threading
from airflow_capture360.executor import PreloadedLocalExecutor
executor = PreloadedLocalExecutor(parallelism=1)
executor.start()
threads = [each.name for each in threading.enumerate()]
executor.end()
print(json.dumps({"modules": [name for name in sys.modules], "threads": threads}))
"""


def test_a_worker_has_imported_what_tasks_import_and_nothing_that_a_fork_breaks() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    modules = set(found["modules"])
    assert {"great_expectations", "cognite.client", "pandas", "airflow_capture360.tasks.ingest"} <= modules
    assert not {"onnxruntime", "rapidocr", "cv2"} & modules
    assert found["threads"] == ["MainThread"]
