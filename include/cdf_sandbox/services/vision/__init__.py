"""The Vision API, limited to text detection."""
