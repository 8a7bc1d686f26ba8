"""Readers of each form of delivery: a folder becomes tables of text with row numbers. They write nothing."""

from capture360.readers.read import read_tables
from capture360.readers.tables import Tables

__all__ = ["Tables", "read_tables"]
