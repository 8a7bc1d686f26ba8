"""Reports as HTML, CSV and Markdown, and the escaping of each."""
