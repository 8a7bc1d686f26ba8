"""Values are read once, however many ask at the same time, and kept while they are used."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from airflow_capture360.web.kept import Kept
from capture360.errors import UnavailableError
from waiting import eventually


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


def test_a_value_that_took_longer_to_read_than_it_may_be_old_is_kept() -> None:
    clock = Clock()
    kept: Kept[str, int] = Kept(2, 60, 600, lambda: clock.now, longest_s=10_000)

    def slowly() -> int:
        clock.now += 700
        return clock.read()

    assert [kept.get("a", slowly) for _ in range(2)] == [1, 1]


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


class Gate:
    """A read that goes on until it is let through, and then fails if it is to."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.reads = 0
        self.error: Exception | None = None

    def read(self) -> int:
        self.reads += 1
        self.opened.wait(10)
        if self.error is not None:
            raise self.error
        return self.reads


def test_those_who_wait_for_a_read_that_fails_get_its_error() -> None:
    kept: Kept[str, int] = Kept(2, 60, 600)
    gate = Gate()
    gate.error = OSError("firewall")
    asking = threading.Semaphore(0)

    def ask(_: int) -> str:
        asking.release()
        try:
            return str(kept.get("a", gate.read))
        except OSError as error:
            return str(error)

    with ThreadPoolExecutor(5) as pool:
        answers = pool.map(ask, range(5))
        for _ in range(5):
            asking.acquire()
        time.sleep(0.05)  # nothing says that a thread waits
        gate.opened.set()
        assert set(answers) == {"firewall"}
    assert gate.reads == 1
    gate.error = None
    assert kept.get("a", gate.read) == 2, "an error is not kept"


def test_a_read_that_hangs_is_not_waited_for_and_not_repeated() -> None:
    kept: Kept[str, int] = Kept(2, 60, 600, longest_s=0.05)
    gate = Gate()

    def ask(anew_after_s: float | None = None) -> int | None:
        try:
            return kept.get("a", gate.read, anew_after_s=anew_after_s)
        except UnavailableError as error:
            assert str(error).startswith("a was not read within")
            return None

    assert [ask(), ask(0), ask()] == [None, None, None]
    assert gate.reads == 1
    gate.opened.set()
    assert eventually(ask, "the read to end", pause=0.001) == 1


def test_who_asks_anew_takes_no_read_that_began_before() -> None:
    kept: Kept[str, int] = Kept(2, 60, 600)
    gate = Gate()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(kept.get, "a", gate.read)
        eventually(lambda: gate.reads, "the first to read", pause=0.001)
        second = pool.submit(kept.get, "a", gate.read, anew_after_s=0)
        gate.opened.set()
        assert (first.result(), second.result()) == (1, 2)


def test_values_are_kept_up_to_their_sizes() -> None:
    kept: Kept[str, bytes] = Kept(4, 60, 600, size=len)
    for key, content in (("a", b"aaa"), ("b", b"bbb"), ("c", b"ccccc")):
        assert kept.get(key, partial(bytes, content)) == content
    assert kept.get("b", lambda: b"anew") == b"bbb"
    for key in "ac":
        assert kept.get(key, lambda: b"anew") == b"anew"
