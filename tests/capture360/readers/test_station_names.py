"""Ids made of names: each is given once, at a cost that grows with their number."""

from __future__ import annotations

from typing_extensions import override

from capture360.readers.station_names import NumberedIds


class CountedName(str):
    """A name that counts how often an id is made of it."""

    __slots__ = ()
    made = 0

    @override
    def __format__(self, spec: str, /) -> str:
        CountedName.made += 1
        return super().__format__(spec)


def test_each_repetition_goes_on_from_the_last_number() -> None:
    ids, name, count = NumberedIds(), CountedName("Hall-7"), 2_000
    given = [ids.take(name, number) for _ in range(2) for number in range(1, count + 1)]
    assert given[:3] == ["Hall-7", "Hall-7-2", "Hall-7-3"]
    assert len({each.casefold() for each in given}) == 2 * count
    assert CountedName.made < 5 * count
