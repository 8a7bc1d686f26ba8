"""The Labels API."""
