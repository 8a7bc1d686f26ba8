"""The Annotations API."""
