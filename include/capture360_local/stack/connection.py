"""`python -m capture360_local.stack.connection FILE MODE BROWSER_URL KNOWN`: the sandbox for Airflow's import.

KNOWN is what `airflow connections export` wrote: a connection to another project is never replaced.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from capture360_local.stack.profile import CONNECTION_ID, connection_document


def main() -> int:
    """Print Airflow's connections as JSON, with the CDF connection of the sandbox as the only one."""
    file, mode, browser_url, known = sys.argv[1:]
    document = connection_document(json.loads(Path(file).read_text(encoding="utf-8")), mode)
    host = (json.loads(Path(known).read_text(encoding="utf-8")).get(CONNECTION_ID) or document)["host"]
    if host != document["host"]:
        print(
            f"The connection {CONNECTION_ID} leads to {host}, not to the sandbox ({document['host']}), and stays as it "
            "is. Delete it under Admin, Connections if Airflow is to use the sandbox, then start this service again.",
            file=sys.stderr,
        )
        return 1
    document["extra"] = json.dumps({**document["extra"], "browser_url": browser_url})
    print(json.dumps({CONNECTION_ID: document}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
