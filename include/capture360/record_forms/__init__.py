"""The form of the documents that we keep beside the landing zone."""
