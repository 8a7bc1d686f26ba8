"""The Files API: metadata, contents, links, and the classic side of CogniteFile nodes."""
