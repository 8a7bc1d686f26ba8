"""The demo: six captures of the plant through the real scheduler into the sandbox, read back and compared."""

from capture360_local.demo.main import run_demo

__all__ = ["run_demo"]
