"""Everything to run capture360 on one machine: generated captures, the local stack, the demo."""

from pathlib import Path

LOCAL_STATE = Path(".local")
"""Where a stack keeps its state unless another folder is named."""
