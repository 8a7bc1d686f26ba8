"""`python -m capture360_local.stack.connection FILE MODE BROWSER_URL`: the sandbox for `airflow connections import`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from capture360_local.stack.profile import CONNECTION_ID, connection_document


def main() -> int:
    """Print Airflow's connections as JSON, with the CDF connection of the sandbox as the only one."""
    file, mode, browser_url = sys.argv[1:]
    document = connection_document(json.loads(Path(file).read_text(encoding="utf-8")), mode)
    document["extra"] = json.dumps({**document["extra"], "browser_url": browser_url})
    print(json.dumps({CONNECTION_ID: document}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
