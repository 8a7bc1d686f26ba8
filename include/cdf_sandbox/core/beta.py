"""The header `cdf-version` that endpoints in beta require."""

from typing import Annotated

from fastapi import Header

from cdf_sandbox.core.errors import BadRequest


def require_beta(cdf_version: Annotated[str, Header()] = "") -> None:
    """Refuse with 400 unless the header is `beta` or `alpha`, or a date with that ending."""
    if cdf_version.rpartition("-")[2] not in ("beta", "alpha"):
        raise BadRequest("This endpoint is in beta: send the header 'cdf-version: beta'")
