"""Pages in the browser that show what the sandbox holds."""
