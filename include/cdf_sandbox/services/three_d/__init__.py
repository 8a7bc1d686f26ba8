"""The 3D API: models, revisions, jobs and the contextualization of 360 images."""
