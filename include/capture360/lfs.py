"""Pointers of Git LFS: short texts that a repository holds in place of large files until these are fetched."""

POINTER = b"version https://git-lfs"
"""How a pointer begins (git-lfs, docs/spec.md)."""
WHAT = "a pointer of Git LFS, not the file itself"
FETCH = "Fetch it with git lfs pull."
