"""The rules for delivered captures, and the three stages that apply them: gate, Great Expectations, files."""
