"""Folders that come along with the package and are no Python packages: the DAGs, and the samples of `config`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from capture360.errors import ConfigError


def installed_folder(name: Literal["dags", "config"]) -> Path:
    """Return the folder in the wheel, or that of an editable install's checkout; ConfigError without one."""
    import airflow_capture360

    package = Path(airflow_capture360.__file__).parent
    places = [folder for folder in (package / name, package.parent.parent / name) if folder.is_dir()]
    if not places:
        raise ConfigError(f"{package} came without its folder {name}. Install capture360 from its wheel.")
    return places[0]
