"""Filters of the Files API as SQL over the table of files."""

import json

from cdf_sandbox.core.sql import Where, id_lists
from cdf_sandbox.services.assets.store import SUBTREE_IDS
from cdf_sandbox.services.files.models import FileFilter

_ASSETS_OF_FILE = "EXISTS (SELECT 1 FROM json_each(doc, '$.assetIds') WHERE value IN ({ids}))"


def listed(condition: FileFilter | None, now: int, lag_ms: int, allowed: frozenset[str] | None) -> Where:
    """The condition for files that lists and searches show: those that were there `lag_ms` ago."""
    where = Where()
    where.add("max(created_time, present_from) <= ?", now - lag_ms)
    where.visible(allowed)
    if condition is None:
        return where
    where.equal("name", condition.name)
    where.equal("json_extract(doc, '$.mimeType')", condition.mime_type)
    where.equal("json_extract(doc, '$.source')", condition.source)
    where.prefix("json_extract(doc, '$.directory')", condition.directory_prefix)
    where.prefix("external_id", condition.external_id_prefix)
    where.metadata(condition.metadata)
    where.labels(condition.labels)
    where.data_sets(condition.data_set_ids)
    where.between("created_time", condition.created_time)
    where.between("last_updated_time", condition.last_updated_time)
    where.between("CASE WHEN uploaded_from <= last_updated_time THEN uploaded_time END", condition.uploaded_time)
    where.between("json_extract(doc, '$.sourceCreatedTime')", condition.source_created_time)
    where.between("json_extract(doc, '$.sourceModifiedTime')", condition.source_modified_time)
    if condition.uploaded is not None:
        where.add("coalesce(uploaded_from <= ?, 0) = ?", now, int(condition.uploaded))
    _of_assets(where, condition)
    return where


def _of_assets(where: Where, condition: FileFilter) -> None:
    if condition.asset_ids is not None:
        where.add(_ASSETS_OF_FILE.format(ids="SELECT value FROM json_each(?)"), json.dumps(condition.asset_ids))
    if condition.asset_external_ids is not None:
        ids = "SELECT id FROM assets WHERE external_id IN (SELECT value FROM json_each(?))"
        where.add(_ASSETS_OF_FILE.format(ids=ids), json.dumps(condition.asset_external_ids))
    for roots in (condition.root_asset_ids, condition.asset_subtree_ids):
        if roots is not None:
            where.add(_ASSETS_OF_FILE.format(ids=SUBTREE_IDS), *id_lists(roots))
