"""Values are read once, however many ask at the same time, and kept while they are used."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from airflow_capture360.web.kept import Kept


class Clock:
    """A clock that the test sets, and a value that counts how often it was read."""

    def __init__(self) -> None:
        self.now = 0.0
        self.reads = 0

    def read(self) -> int:
        self.reads += 1
        return self.reads


def test_a_value_in_use_is_not_read_again_before_it_is_old() -> None:
    clock = Clock()
    kept: Kept[str, int] = Kept(2, 60, 600, lambda: clock.now)
    for clock.now in range(0, 600, 50):
        assert kept.get("a", clock.read) == 1
    clock.now = 600
    assert kept.get("a", clock.read) == 2
    clock.now = 661
    assert kept.get("a", clock.read) == 3


def test_a_value_is_read_again_if_it_is_older_than_asked_for() -> None:
    clock = Clock()
    kept: Kept[str, int] = Kept(2, 60, 600, lambda: clock.now)
    kept.get("a", clock.read)
    clock.now = 5
    assert kept.get("a", clock.read, anew_after_s=10) == 1
    assert kept.get("a", clock.read, anew_after_s=5) == 2
    assert kept.get("a", clock.read) == 2


def test_those_who_ask_at_once_wait_for_one_reader() -> None:
    all_ask = threading.Barrier(7)
    kept: Kept[str, int] = Kept(2, 60, 600)
    clock = Clock()

    def slowly() -> int:
        all_ask.wait(10)  # until the others have asked
        return clock.read()

    def ask(key: str) -> int:
        if key == "a":
            return kept.get(key, slowly)
        all_ask.wait(10)
        return kept.get("a", clock.read)

    with ThreadPoolExecutor(7) as pool:
        assert set(pool.map(ask, "abcdefg")) == {1}
    assert clock.reads == 1


def test_an_error_is_not_kept() -> None:
    kept: Kept[str, int] = Kept(2, 60, 600)

    def refused() -> int:
        raise OSError

    for _ in range(2):
        try:
            kept.get("a", refused)
        except OSError:
            continue
        raise AssertionError
    assert kept.get("a", Clock().read) == 1
