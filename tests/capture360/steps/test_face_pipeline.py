"""Making and storing at once: what is held is bounded, and what fails does not stop the others."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from capture360.model import EncodedFace, Station
from capture360.steps.face_pipeline import (
    MAKERS,
    MOST_IN_MEMORY,
    STORING,
    WINDOW,
    WINDOW_BYTES,
    Failed,
    Made,
    Stored,
    make_and_store,
)
from captures import TAKEN, station_pose

PATIENCE_S = 30


def some_stations(count: int) -> list[Station]:
    return [Station(f"{number:03}", f"{number}", station_pose(number), TAKEN) for number in range(count)]


class InFlight:
    """Makes and stores stations, and counts what is held between the two."""

    def __init__(self, size: int = 1) -> None:
        self._content = bytes(size)
        self._lock = threading.Lock()
        self.held = self.most = self.storing = self.most_storing = 0
        self.windows: list[int] = []
        self.may_store = threading.Event()
        self.all_busy = threading.Event()
        self.free_places = STORING

    def make(self, station: Station) -> Sequence[EncodedFace]:
        with self._lock:
            self.held += 1
            self.most = max(self.most, self.held)
        return [EncodedFace("front", self._content, "0" * 64, "image/jpeg", 16)]

    def store(self, window: Sequence[Made]) -> int:
        with self._lock:
            self.storing += 1
            self.most_storing = max(self.most_storing, self.storing)
            if self.storing == STORING:
                self.all_busy.set()
        assert self.may_store.wait(PATIENCE_S)
        with self._lock:
            self.storing -= 1
            self.held -= len(window)
            self.windows.append(len(window))
        return len(window)


@pytest.mark.parametrize(("size", "most_in_a_window"), [(1, WINDOW), (WINDOW_BYTES, 1)])
def test_what_is_held_is_bounded_while_storing_is_slower(size: int, most_in_a_window: int) -> None:
    flight = InFlight(size)

    def release() -> None:
        assert flight.all_busy.wait(PATIENCE_S)
        flight.may_store.set()

    releasing = threading.Thread(target=release)
    releasing.start()
    outcomes = list(make_and_store(some_stations(60), flight.make, flight.store))
    releasing.join()
    assert [each for each in outcomes if isinstance(each, Failed)] == []
    assert sum(flight.windows) == 60
    assert max(flight.windows) <= most_in_a_window
    assert flight.most <= MOST_IN_MEMORY
    assert flight.most_storing == STORING
    assert flight.held == 0


def test_stations_are_made_by_as_many_threads_at_once_as_there_are_makers() -> None:
    inside, leave = threading.Semaphore(0), threading.Event()

    def make(_: Station) -> Sequence[EncodedFace]:
        inside.release()
        assert leave.wait(PATIENCE_S)
        return ()

    with ThreadPoolExecutor(1) as running:
        outcomes = running.submit(list, make_and_store(some_stations(MAKERS + 5), make, len))
        try:
            assert all(inside.acquire(timeout=PATIENCE_S) for _ in range(MAKERS))
            assert not inside.acquire(timeout=0.1), "another was made before one had ended"
        finally:
            leave.set()
        assert outcomes.result(PATIENCE_S)


def test_a_station_is_stored_while_the_next_is_made() -> None:
    """Each waits for the other, so that neither would end if they took turns."""
    stored, made = threading.Event(), threading.Event()
    first, *_, last = stations = some_stations(MAKERS + 3)

    def make(station: Station) -> Sequence[EncodedFace]:
        if station is last:
            assert stored.wait(PATIENCE_S), "nothing was stored while stations were made"
            made.set()
        return ()

    def store(window: Sequence[Made]) -> str:
        if window[0].station is first:
            stored.set()
            assert made.wait(PATIENCE_S), "nothing was made while a window was stored"
        return window[-1].station.id

    ended = [each.outcome for each in make_and_store(stations, make, store) if isinstance(each, Stored)]
    assert last.id in ended


def test_a_failure_does_not_stop_the_others() -> None:
    stations = some_stations(20)

    def make(station: Station) -> Sequence[EncodedFace]:
        if station is stations[3]:
            raise ValueError("damaged")
        return ()

    def store(window: Sequence[Made]) -> None:
        if any(made.station is stations[7] for made in window):
            raise OSError("refused")

    outcomes = list(make_and_store(stations, make, store))
    unmade, refused = (each for each in outcomes if isinstance(each, Failed))
    assert (unmade.stations, unmade.stored, str(unmade.error)) == ([stations[3]], False, "damaged")
    assert (stations[7] in refused.stations, refused.stored, str(refused.error)) == (True, True, "refused")
    assert sorted(station.id for each in outcomes for station in each.stations) == [each.id for each in stations]


def test_nothing_more_is_made_once_it_is_closed() -> None:
    made: list[str] = []

    def make(station: Station) -> Sequence[EncodedFace]:
        made.append(station.id)
        return ()

    with closing(make_and_store(some_stations(500), make, len)) as outcomes:
        next(outcomes)
    assert len(made) < 500
