"""The Vision API, as far as it reads text."""
