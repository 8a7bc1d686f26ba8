"""The Extraction pipelines API: pipelines and the runs that they report."""
