"""The Projects API, limited to the status of data modeling."""
