"""The Airflow home first, and the DAGs beside a database of their own."""

import airflow_home  # noqa: F401 - sets the environment before Airflow is imported

# isort: split
import pytest
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag
from airflow.utils.db import initdb

from airflow_home import ROOT


@pytest.fixture(scope="module")
def bag() -> DagBag:
    """The DAGs, in an initialized database."""
    initdb()
    DagBundlesManager().sync_bundles_to_db()
    return DagBag(str(ROOT / "dags"))
