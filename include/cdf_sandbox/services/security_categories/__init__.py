"""The Security categories API."""
