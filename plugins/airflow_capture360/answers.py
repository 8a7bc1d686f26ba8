"""Answers that forms offer, apart from those of reviews."""

from __future__ import annotations

RETRACT, KEEP = "Remove all of it", "Keep it"
