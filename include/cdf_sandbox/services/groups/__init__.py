"""The Groups API."""
