"""Every rule a capture must keep, and the three stages that apply them: gate, Great Expectations, files."""
