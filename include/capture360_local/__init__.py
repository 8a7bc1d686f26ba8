"""Everything to run capture360 on one machine: generated captures, the local stack, the demo."""
