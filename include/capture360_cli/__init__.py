"""The `capture360` command: one file a verb."""
