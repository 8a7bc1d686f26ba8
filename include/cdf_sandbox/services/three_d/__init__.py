"""The 3D API: models, their revisions and what becomes of these."""
