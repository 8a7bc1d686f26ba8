"""Reading the landing zone: untrusted input on any fsspec store, never changed."""
