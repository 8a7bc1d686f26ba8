"""The demo: captures of the plant through the real scheduler into the sandbox, read back and compared."""

from capture360_local.demo.play import play

__all__ = ["play"]
