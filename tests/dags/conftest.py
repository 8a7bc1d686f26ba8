"""The Airflow home first."""

import airflow_home  # noqa: F401 - sets the environment before Airflow is imported
