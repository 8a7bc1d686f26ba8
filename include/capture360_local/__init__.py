"""What makes the whole of capture360 run on one machine: generated captures, the local stack, the demo."""
