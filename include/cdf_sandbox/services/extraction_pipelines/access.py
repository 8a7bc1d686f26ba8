"""Rights to pipelines, which a scope names by themselves or by their data sets."""

import json
from collections.abc import Sequence
from sqlite3 import Row

from cdf_sandbox.core.access import Access
from cdf_sandbox.core.sql import Where

PIPELINES_ACL = "extractionPipelinesAcl"
_KIND = "extraction_pipelines"


def visible(where: Where, access: Access) -> None:
    """Narrow `where` to the pipelines that the caller may read."""
    ids, data_sets = (access.named(PIPELINES_ACL, "READ", kind) for kind in (_KIND, "data_sets"))
    if ids is not None and data_sets is not None:
        named = "CAST({} AS TEXT) IN (SELECT value FROM json_each(?))"
        where.add(
            f"{named.format('id')} OR {named.format('data_set_id')}",
            json.dumps(sorted(ids)),
            json.dumps(sorted(data_sets)),
        )


def require_pipelines(access: Access, acl: str, action: str, rows: Sequence[Row]) -> None:
    """Refuse with 403 unless `action` of an ACL of pipelines or of their runs is allowed for each of `rows`."""
    by_id = access.named(acl, action, _KIND) or frozenset()
    access.require_data_sets(acl, action, [row["data_set_id"] for row in rows if str(row["id"]) not in by_id])
    if action != "READ":
        access.require_owner(row["data_set_id"] for row in rows)
