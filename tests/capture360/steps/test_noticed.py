"""A decision that CDF gives no time counts as of when it was noticed first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from capture360.matching.decisions import Decided
from capture360.model import Asset, CaptureKey, Detection, Match
from capture360.records import Records
from capture360.steps.noticed import NOTICED, with_times
from capture360.store import DocumentStore

KEY = CaptureKey("hall-7", "walk-1")
PUMP = Asset("1", "P-1", ("P-1",))


def unlinked(image: str) -> Decided:
    seen = Detection(image, "front", "P-1", 0.99, ((0.1, 0.1), (0.2, 0.1), (0.2, 0.2)))
    return Decided(Match(seen, PUMP, 0.99, "approved", "read exactly"), "rejected", "somebody in CDF", "")


def test_it_stays_that_moment_for_whoever_reads_it_next() -> None:
    records = Records("memory://noticed")
    (unkept,) = with_times(records, KEY, [unlinked("a")], reads_only=True)
    assert unkept.moment.year > 1
    assert records.note_names(KEY, NOTICED) == []
    found = with_times(records, KEY, [unlinked("a")])
    later = replace(unlinked("b"), at="2026-01-02T03:04:05+00:00")
    both = with_times(records, KEY, [unlinked("a"), later], reads_only=True)
    assert both == [*found, later]
    records.put(KEY, "f" * 32, "annotate", {}, run="run 1")
    (again,) = with_times(records, KEY, [unlinked("a")])
    assert again.moment > found[0].moment, "a link that was written since is another one"


def test_many_take_no_more_listings_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    records = Records("memory://noticed-often")
    records.put(KEY, "f" * 32, "annotate", {}, run="run 1")
    many = [unlinked(f"image {number}") for number in range(20)]
    with_times(records, KEY, many)
    asked: list[str] = []
    for name in ("names", "document", "read_all", "create"):
        real = getattr(DocumentStore, name)

        def counted(*args: object, name: str = name, real: object = real) -> object:
            asked.append(name)
            return real(*args)  # type: ignore[operator]  # a method of the store

        monkeypatch.setattr(DocumentStore, name, counted)
    with_times(records, KEY, many[:1])
    of_one = list(asked)
    asked.clear()
    with_times(records, KEY, many)
    assert asked == of_one != []
