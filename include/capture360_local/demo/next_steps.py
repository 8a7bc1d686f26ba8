"""What to try once the demo has run: addresses of the pages that show what it made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from capture360.model import CaptureKey, Verdict
from capture360.records import Records
from capture360.reports.captures import Delivery
from capture360.steps.captures import newest_deliveries
from capture360.steps.review_page import newest_review

PAGES = "/capture360"
"""Where the plugin's pages lie below Airflow's address."""


@dataclass(frozen=True, slots=True)
class Next:
    """Something to look at: what it is, and its address below that of Airflow."""

    what: str
    path: str


def next_steps(records: Records, keys: Sequence[CaptureKey]) -> Sequence[Next]:
    """Return the viewer of the best linked capture, the open reviews and the reports of rejected captures."""
    found = zip(keys, newest_deliveries(records, keys), strict=True)
    return list(_steps(records, {key: each.delivery for key, each in found if each.delivery}))


def _steps(records: Records, known: Mapping[CaptureKey, Delivery]) -> Iterator[Next]:
    yield Next("all captures", f"{PAGES}/captures")
    linked = {key: each.plates["linked"] for key, each in known.items() if each.plates and each.cdf}
    if linked:
        best = max(linked, key=lambda key: linked[key])
        yield Next(f"panoramas of {best}, {linked[best]} plates linked", f"{PAGES}/view/{best}")
    for key, each in known.items():
        review = newest_review(records, key) if each.asked else None
        if review is not None:
            yield Next(f"open review of {key} ({each.asked})", f"{PAGES}/review/{key}")
    for key, each in known.items():
        if each.verdict == Verdict.REJECTED and each.validation_report:
            yield Next(f"why {key} was rejected", f"{PAGES}/reports/{each.validation_report}")
