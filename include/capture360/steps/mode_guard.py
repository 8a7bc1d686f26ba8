"""Refuse another mode than the one in which CDF has the site's captures: it would find nothing of them."""

from __future__ import annotations

from capture360.capture_state import MATCH
from capture360.cdf.project_mode import PROJECT_KINDS, ModeName, checked_mode
from capture360.errors import ConfigError
from capture360.records import Records
from capture360.steps.published import published_delivery


def refuse_other_mode(records: Records, site: str, mode: ModeName) -> None:
    """ConfigError if what the records name as published was written in a mode that does not find it, or its links.

    In projects of one kind the modes differ in their links alone. Captures are only looked at where the mode differs.
    """
    bound = records.bindings.mode(site)
    if bound is None or bound == mode:
        return
    is_same_kind = PROJECT_KINDS[checked_mode(bound)] == PROJECT_KINDS[mode]
    for key in records.keys_of(site):
        if published_delivery(records, key) is None or (is_same_kind and records.newest_with(key, MATCH) is None):
            continue
        done, lost = ("contextualized", "no link") if is_same_kind else ("published", "nothing")
        raise ConfigError(
            f"Capture {key} was {done} in mode {bound}, but the connection says mode: {mode}, in which {lost} of it is "
            f"found. Set mode: {bound} in the connection again; to use the other one, retract the site's captures "
            "first."
        )
