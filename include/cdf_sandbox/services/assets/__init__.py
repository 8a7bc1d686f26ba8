"""The classic Assets API."""
