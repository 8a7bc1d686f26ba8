"""Pages and tables that people forward to each other: the one place for HTML, CSV and their escaping."""
