"""An Airflow home of this test process alone; imported before anything of Airflow."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
HOME = Path(tempfile.mkdtemp(prefix="capture360-airflow-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)

os.environ.update(
    AIRFLOW_HOME=str(HOME),
    AIRFLOW__CORE__DAGS_FOLDER=str(ROOT / "dags"),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{HOME / 'airflow.db'}",
    AIRFLOW__API_AUTH__JWT_SECRET="a secret of the tests that is long enough for sha512, sixty-four characters",
)
