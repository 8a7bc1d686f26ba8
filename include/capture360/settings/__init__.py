"""The site register and its sections."""
