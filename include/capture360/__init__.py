"""360° captures from a landing zone into Cognite Data Fusion. Importing this package imports nothing heavy."""
