"""Conformance runs: the same requests to a real project and to the sandbox, and the differences of their answers."""
