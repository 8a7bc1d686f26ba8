"""Names of the DAG that asks people about suggested links, and of those of its tasks that others look for."""

DAG_ID = "captures_review"
ASKS = ("ask", "ask_again", "ask_once_more")
"""Tasks that ask, in their order: each but the first one about an answer that was not understood."""
APPLY = "apply"
"""Task that writes the answer."""
