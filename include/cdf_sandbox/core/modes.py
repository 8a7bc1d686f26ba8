"""Refusals that depend on the project mode."""

from cdf_sandbox.core.errors import BadRequest, WriteBlocked
from cdf_sandbox.core.options import ProjectMode
from cdf_sandbox.core.sandbox import Sandbox


def refuse_classic_write(sandbox: Sandbox, what: str) -> None:
    """Refuse writes to assets and annotations in data modeling only projects."""
    if sandbox.options.mode is ProjectMode.DATA_MODELING:
        raise WriteBlocked(what, sandbox.options.write_blocked_status)


def require_data_modeling_only(sandbox: Sandbox, what: str) -> None:
    """Refuse 3D jobs and the contextualization of 360 images in other projects."""
    if sandbox.options.mode is not ProjectMode.DATA_MODELING:
        raise BadRequest(f"{what} is available in data modeling only projects; this project is not one")
