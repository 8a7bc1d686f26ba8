"""The table of classic assets: a forest, each asset one JSON document."""

from cdf_sandbox.core.documents import Documents, documents_ddl

# Deferred: what is deleted together may come in any order.
_PARENT = "parent_id INTEGER REFERENCES assets DEFERRABLE INITIALLY DEFERRED"
DDL = f"""
{documents_ddl("assets", _PARENT, "root_id INTEGER NOT NULL")}
CREATE INDEX IF NOT EXISTS assets_parent ON assets (parent_id);
"""
ASSETS = Documents("assets", "Assets")

# The ids of assets and all that lies below them; two values: JSON arrays of internal and of external ids.
SUBTREE_IDS = """
WITH RECURSIVE subtree (id) AS (
    SELECT id FROM assets
    WHERE id IN (SELECT value FROM json_each(?)) OR external_id IN (SELECT value FROM json_each(?))
    UNION SELECT assets.id FROM assets JOIN subtree ON assets.parent_id = subtree.id
) SELECT id FROM subtree
"""
