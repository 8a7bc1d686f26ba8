"""The sandbox: a local Cognite Data Fusion over SQLite and files, for trying and testing without a tenant."""
