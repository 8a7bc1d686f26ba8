"""Pages for people: what the sandbox is and what it holds."""
