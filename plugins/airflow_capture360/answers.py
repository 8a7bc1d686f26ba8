"""Answers that people choose from, apart from those to reviews."""

from __future__ import annotations

RETRACT, KEEP = "Remove all of it", "Keep it"
