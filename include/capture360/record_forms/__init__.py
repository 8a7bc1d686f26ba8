"""The form of the documents that are kept beside the landing zone."""
