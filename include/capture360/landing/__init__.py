"""Read-only access to the landing zone: untrusted input on any fsspec store."""
