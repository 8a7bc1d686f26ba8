"""The `capture360` command line: one module per command."""
