"""Where the texts of a capture come from: detectors that look at published images and yield `Detection`s."""
