"""The rules themselves, by family."""
