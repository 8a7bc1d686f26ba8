"""The capabilities that the endpoints of data modeling ask for."""

from cdf_sandbox.core.access import Access

SCHEMA_ACL = "dataModelsAcl"
INSTANCE_ACL = "dataModelInstancesAcl"


def readable_spaces(access: Access, acl: str) -> frozenset[str] | None:
    """The spaces that the caller may read; `None` for all. 403 if there are none."""
    access.require(acl, "READ")
    return access.spaces(acl, "READ")


def readable_instances(access: Access) -> frozenset[str] | None:
    """The spaces whose instances the caller may read; the data models that show them must be open to it too."""
    access.require(SCHEMA_ACL, "READ")
    return readable_spaces(access, INSTANCE_ACL)
