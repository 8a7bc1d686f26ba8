"""All cases, in an order in which later ones use what earlier ones created."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from capture360_local.conformance.case import CLASSIC, Case
from capture360_local.conformance.cases.classic import ANNOTATIONS, ASSETS, SESSIONS, THREE_D
from capture360_local.conformance.cases.files import CORE_FILES, FILES
from capture360_local.conformance.cases.instances import INSTANCES
from capture360_local.conformance.cases.schemas import SCHEMAS
from capture360_local.conformance.cases.viewers import VIEWERS
from cdf_sandbox.core.options import ProjectMode

_CLASSIC_ONLY = tuple(replace(case, modes=CLASSIC) for case in (*ASSETS, *ANNOTATIONS))
ALL_CASES = (*SCHEMAS, *INSTANCES, *FILES, *CORE_FILES, *VIEWERS, *_CLASSIC_ONLY, *SESSIONS, *THREE_D)


def cases_for(mode: ProjectMode) -> Sequence[Case]:
    """Return the cases for a project of this mode."""
    return [case for case in ALL_CASES if mode in case.modes]
