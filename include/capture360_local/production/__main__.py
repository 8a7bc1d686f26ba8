"""`python -m capture360_local.production FOLDER`: the composition as processes of this machine, until Ctrl-C."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from capture360.errors import Capture360Error
from capture360_local.production.composition import read
from capture360_local.production.handle import Production
from capture360_local.production.machine import Machine, missing, remove_postgres
from capture360_local.production.supervisor import Supervisor
from capture360_local.stack.profile import PROJECT

_PROFILES = ("sandbox", "s3")


def main() -> int:
    """Run the services of docker-compose.yaml until interrupted; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m capture360_local.production")
    parser.add_argument("folder", type=Path, help="keeps everything, .env included")
    parser.add_argument("--supervise", action="store_true", help="be the process that owns the services")
    parser.add_argument("--remove", action="store_true", help="only remove what it keeps outside of the folder")
    arguments = parser.parse_args()
    if arguments.remove:
        remove_postgres(arguments.folder)
        return 0
    if lacks := missing():
        packages = " ".join(lacks.values())
        print(
            f"This machine lacks {', '.join(lacks)}. On Debian and Ubuntu: apt-get install {packages}", file=sys.stderr
        )
        return 1
    production = Production(arguments.folder)
    try:
        if arguments.supervise:
            services = read(PROJECT / "docker-compose.yaml", production.variables, _PROFILES)
            return Supervisor(services, Machine(production.folder, production.ports)).run()
        with production.running(print):
            print(f"Airflow: {production.url}, user admin, password {production.variables['AIRFLOW_ADMIN_PASSWORD']}")
            print(f"CDF sandbox: {production.sandbox_url}. Logs and data: {production.folder}. Ctrl-C ends all of it.")
            production.wait()
    except KeyboardInterrupt:
        return 0
    except Capture360Error as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
