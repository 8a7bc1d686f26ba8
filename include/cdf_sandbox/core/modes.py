"""What a project of one kind refuses that another kind allows."""

from cdf_sandbox.core.errors import ApiError
from cdf_sandbox.core.options import ProjectMode
from cdf_sandbox.core.sandbox import Sandbox


def refuse_classic_write(sandbox: Sandbox, what: str) -> None:
    """Assets and annotations are read-only in data modeling projects."""
    if sandbox.options.mode is ProjectMode.DATA_MODELING:
        raise ApiError(
            sandbox.options.write_blocked_status,
            f"{what} cannot be written in a data modeling only project; use data modeling instead",
        )


def require_data_modeling_only(sandbox: Sandbox, what: str) -> None:
    """3D jobs and the contextualization of 360 images exist in data modeling projects only."""
    if sandbox.options.mode is not ProjectMode.DATA_MODELING:
        raise ApiError(400, f"{what} is available in data modeling only projects; this project is not one")
