"""Make faces and store them at the same time, with a bounded number of stations in memory.

Stations are made in their order on a few threads, and stored in windows on others. A window is what has been made when
a place to store it is free: one station while making is slower, up to `WINDOW` stations, and one more than
`WINDOW_BYTES` at most, while storing is slower; then nothing more is made until a place is free. So the slower of both
never waits for the other. A station or a window that fails does not stop the others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from typing_extensions import override

from capture360.model import EncodedFace, Station

MAKERS = 2
"""Stations being made at once; large panoramas wait for memory besides (`capture360.pictures.memory.PANORAMAS`)."""
STORING = 4
"""Windows being stored at once: while one waits for CDF to show it, others are sent."""
WINDOW = 4
WINDOW_BYTES = 16 << 20
MOST_IN_MEMORY = MAKERS + 1 + WINDOW * (1 + STORING)
"""Stations whose faces are held at once."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Made:
    """A station with its six encoded faces."""

    station: Station
    faces: Sequence[EncodedFace]

    @property
    def size(self) -> int:
        """Bytes of the faces."""
        return sum(len(face.content) for face in self.faces)


@dataclass(frozen=True, slots=True)
class Stored(Generic[_T]):
    """What storing a window returned."""

    stations: Sequence[Station]
    outcome: _T


@dataclass(frozen=True, slots=True)
class Failed:
    """Stations whose faces could not be made, or not all be stored."""

    stations: Sequence[Station]
    error: Exception
    stored: bool
    """Whether storing failed, not making."""


def make_and_store(
    stations: Sequence[Station],
    make: Callable[[Station], Sequence[EncodedFace]],
    store: Callable[[Sequence[Made]], _T],
    makers: int = MAKERS,
) -> Generator[Stored[_T] | Failed, None, None]:
    """Yield the outcome of each window, or failure, when it is known; close the iterator to stop.

    `make` runs on `makers` threads at once, `store` on up to `STORING`. Windows being stored when the iterator is
    closed are stored to their end.
    """
    window: list[Made] = []
    with _Pool(makers) as makings, _Pool(STORING) as storers:
        storing: dict[Future[_T], Sequence[Station]] = {}
        for made in _made(makings, stations, make, makers):
            if isinstance(made, Failed):
                yield made
                continue
            window.append(made)
            full = len(window) >= WINDOW or sum(each.size for each in window) >= WINDOW_BYTES
            yield from _ended(storing, places=1 if full else 0)
            if len(storing) < STORING:
                storing[storers.submit(store, window)] = [each.station for each in window]
                window = []
        if window:
            yield from _ended(storing, places=1)
            storing[storers.submit(store, window)] = [each.station for each in window]
        yield from _ended(storing, places=STORING)


class _Pool(ThreadPoolExecutor):
    """Threads whose work that has not begun is dropped in the end."""

    @override
    def __exit__(self, *_: object) -> None:
        self.shutdown(cancel_futures=True)


def _made(
    pool: ThreadPoolExecutor,
    stations: Sequence[Station],
    make: Callable[[Station], Sequence[EncodedFace]],
    makers: int,
) -> Iterator[Made | Failed]:
    """Yield the stations in their order; at most `makers` and one more are begun or made ahead of the caller."""
    left = iter(stations)
    ahead: deque[tuple[Station, Future[Sequence[EncodedFace]]]] = deque()
    while True:
        while len(ahead) <= makers and (station := next(left, None)) is not None:
            ahead.append((station, pool.submit(make, station)))
        if not ahead:
            return
        station, making = ahead.popleft()
        try:
            made = Made(station, making.result())
        except Exception as error:  # noqa: BLE001 - one station that cannot be made must not stop the others
            yield Failed([station], error, stored=False)
        else:
            yield made


def _ended(storing: dict[Future[_T], Sequence[Station]], places: int) -> Iterator[Stored[_T] | Failed]:
    """Take windows that have ended, and wait until `places` are free."""
    while storing:
        ended, _ = wait(storing, 0 if STORING - len(storing) >= places else None, FIRST_COMPLETED)
        for each in ended:
            stations = storing.pop(each)
            error = each.exception()
            if error is None:
                yield Stored(stations, each.result())
            elif isinstance(error, Exception):
                yield Failed(stations, error, stored=True)
            else:
                raise error
        if not ended:
            return
