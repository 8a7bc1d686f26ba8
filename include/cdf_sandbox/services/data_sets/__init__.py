"""The Data sets API."""
