"""From a delivered folder to plain text tables with their row numbers: canonical, NavVis, GPano, Spot. Pure."""

from capture360.readers.read import read_tables
from capture360.readers.tables import Tables

__all__ = ["Tables", "read_tables"]
