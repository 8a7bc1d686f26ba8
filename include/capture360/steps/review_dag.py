"""Names of the tasks of captures_review that others look for."""

ASKS = ("ask", "ask_again", "ask_once_more")
"""Tasks that ask, in their order: each but the first one about an answer that was not understood."""
APPLY = "apply"
"""Task that writes the answer."""
