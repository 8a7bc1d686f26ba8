"""The 3D API: models and revisions, E57 extraction, jobs, uploads of large files."""
