"""Checks of the spaces that the 3D APIs read and write."""

from collections.abc import Iterable
from sqlite3 import Connection

from cdf_sandbox.core.access import Access
from cdf_sandbox.core.auth import access_of
from cdf_sandbox.core.errors import ApiError, BadRequest
from cdf_sandbox.services.data_modeling.access import INSTANCE_ACL, SCHEMA_ACL
from cdf_sandbox.services.data_modeling.schema_store import SYSTEM_SPACES, Schema

_CORE_MODEL = ("cdf_cdm", "cdf_cdm_3d")


def require_core_model(access: Access) -> None:
    """Refuse with 403 unless the caller may read the core data model and its 3D part, as jobs need it."""
    access.require_spaces(SCHEMA_ACL, "READ", _CORE_MODEL)


def check_spaces(db: Connection, spaces: Iterable[str]) -> None:
    """Fail with 500 for a space that does not exist, as CDF does, and refuse spaces that belong to CDF."""
    schema = Schema(db)
    for space in sorted(set(spaces)):
        _refuse_global(space)
        if not schema.has_space(space):
            raise ApiError(500, "Internal server error")


def check_session(db: Connection, client_id: str, space: str) -> None:
    """Refuse unless `space` exists, is none of CDF's own, and the client of a session may write to it."""
    _refuse_global(space)
    Schema(db).require_spaces({space})
    access = access_of(db, client_id)
    access.require(SCHEMA_ACL, "READ")
    access.require_spaces(INSTANCE_ACL, "WRITE", {space})


def _refuse_global(space: str) -> None:
    if space in SYSTEM_SPACES:
        raise BadRequest(f"The space {space} is global and cannot be written to")
