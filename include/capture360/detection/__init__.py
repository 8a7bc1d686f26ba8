"""Detectors: they read published images and yield the texts on them."""
