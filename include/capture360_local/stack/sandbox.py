"""The sandbox as a child of the stack: `python -m capture360_local.stack.sandbox DATA --port P --mode M`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cdf_sandbox.core.options import Options, ProjectMode
from cdf_sandbox.core.server import CannotServe, run


def main() -> int:
    """Serve the sandbox until it is stopped; return 2 if it cannot be served there."""
    parser = argparse.ArgumentParser(prog="python -m capture360_local.stack.sandbox")
    parser.add_argument("data", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--mode", type=ProjectMode, required=True)
    arguments = parser.parse_args()
    options = Options(data=arguments.data, port=arguments.port, mode=arguments.mode)
    try:
        run(options, lambda connection: print(f"CDF sandbox at {connection['base_url']}"))
    except CannotServe as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
