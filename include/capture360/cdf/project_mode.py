"""Names of the project modes, and the kind of project that each fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, cast, get_args

from capture360.errors import ConfigError

ModeName = Literal["asset_centric", "hybrid", "data_modeling"]
DEFAULT_MODE: ModeName = "asset_centric"

ProjectKind = Literal["HYBRID", "DATA_MODELING_ONLY"]
"""`dataModelingStatus` of a project; one without data modeling also reports HYBRID."""

PROJECT_KINDS: Mapping[ModeName, ProjectKind] = {
    "asset_centric": "HYBRID",
    "hybrid": "HYBRID",
    "data_modeling": "DATA_MODELING_ONLY",
}


def checked_mode(name: str) -> ModeName:
    """Return `name` if it is a project mode; raise ConfigError with the known ones otherwise."""
    if name not in get_args(ModeName):
        raise ConfigError(f'"{name}" is no project mode. Choose one of {", ".join(get_args(ModeName))}.')
    return cast(ModeName, name)


def modes_of_kind(kind: str) -> Sequence[ModeName]:
    """Return the modes that fit a project of this `dataModelingStatus`."""
    return [mode for mode, each in PROJECT_KINDS.items() if each == kind]
