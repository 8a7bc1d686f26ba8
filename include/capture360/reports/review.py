"""The notice of a review for Airflow's Required Actions."""

from __future__ import annotations

from collections.abc import Sequence

from capture360.reports.escaping import for_markdown

_MOST_FAULTS = 8


def notice(address: str) -> str:
    """Return the Markdown of a review's Required Action; `address` is that of the review page."""
    return (
        f"**[Open the review]({address})**: each plate with all its views, a key or a button for each answer, and the "
        "panorama one click away. *Finish* there writes the answers to CDF and ends this Required Action.\n\n"
        "Or answer here for all plates that are not decided there. *Approve the rest* links the suggested tags, except "
        "where two are equally likely; *Reject the rest* rejects them; *Leave the rest* keeps them suggested. What "
        "was decided on the page is written in each case. Single plates are approved or rejected by their numbers on "
        "the page, such as `1, 3b, 5-8`; a letter names another tag than the first one."
    )


def notice_of_faults(by: str, faults: Sequence[str]) -> str:
    """Return Markdown about an answer that was not understood as a whole; the names and sentences are from outside."""
    shown = [f"- {for_markdown(fault)}" for fault in faults[:_MOST_FAULTS]]
    if len(faults) > _MOST_FAULTS:
        shown.append(f"- and {len(faults) - _MOST_FAULTS} more")
    return (
        f"**The answer of {for_markdown(by, 100)} was not understood:**\n\n" + "\n".join(shown) + "\n\n"
        "Nothing of it is in CDF yet. What was valid stands in the fields: complete it, and answer again. Without "
        "another answer the valid numbers are written, and the rest is left."
    )
