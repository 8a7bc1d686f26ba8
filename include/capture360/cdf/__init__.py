"""Everything that talks to Cognite Data Fusion."""
