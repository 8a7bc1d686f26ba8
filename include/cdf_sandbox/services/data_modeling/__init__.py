"""The data modeling service (DMS) of the sandbox: spaces, containers, views, data models and instances."""
