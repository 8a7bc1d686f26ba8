"""What happens when content has arrived in full."""

from sqlite3 import Connection

from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.services.files import store


def finish_upload(sandbox: Sandbox, db: Connection, file_id: int, content: store.Content) -> list[str]:
    """Give a file its content and tell its node, if it has one; returns the blobs to remove after the commit."""
    now = sandbox.clock.now_ms()
    superseded = store.set_content(db, file_id, content, now, now + int(sandbox.options.uploaded_lag * 1000))
    row = db.execute("SELECT * FROM files WHERE id = ?", (file_id,)).fetchone()
    if row["space"] is not None:
        for listener in sandbox.on_node_uploaded:
            listener(db, row["space"], row["instance_external_id"], content.content_type, now)
    return superseded
