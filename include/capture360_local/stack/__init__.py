"""Airflow and the sandbox as supervised processes on one machine."""

from capture360_local.stack.lifecycle import Stack, StackError, StackStatus, end_all

__all__ = ["Stack", "StackError", "StackStatus", "end_all"]
