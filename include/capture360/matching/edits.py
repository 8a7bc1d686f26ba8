"""Tags one edit away from a text: the delete neighbourhood of every tag as hashes in one sorted array.

Two strings are one substitution, insertion or deletion apart only if deleting at most one character of each can make
them equal (the symmetric delete idea of SymSpell, https://github.com/wolfgarbe/SymSpell). Each tag of length L is
stored under L + 1 hashes, 12 bytes each, so a million tags of twelve characters take some 160 MB.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from capture360.matching.normalise import swaps

Hashes = npt.NDArray[np.uint64]

_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so its powers never vanish modulo 2^64
_SCRAMBLE = np.uint64(0xBF58476D1CE4E5B9)


class EditIndex:
    """Index that finds all words at most one edit away."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        hashes: list[Hashes] = []
        owners: list[npt.NDArray[np.uint32]] = []
        for length, positions in _by_length(words).items():
            variants = _variants([words[position] for position in positions], length)
            hashes.append(variants.ravel())
            owners.append(np.repeat(np.asarray(positions, dtype=np.uint32), length + 1))
        all_hashes = np.concatenate(hashes) if hashes else np.empty(0, dtype=np.uint64)
        order = np.argsort(all_hashes)
        self._hashes: Hashes = all_hashes[order]
        self._owners = np.concatenate(owners)[order] if owners else np.empty(0, dtype=np.uint32)

    def near(self, queries: Sequence[str]) -> list[list[int]]:
        """Return for each query the indices of the words at most one edit away, ascending."""
        found: list[set[int]] = [set() for _ in queries]
        for length, positions in _by_length(queries).items():
            variants = _variants([queries[position] for position in positions], length).ravel()
            first = np.searchsorted(self._hashes, variants, side="left")
            last = np.searchsorted(self._hashes, variants, side="right")
            for hit in np.flatnonzero(last > first):
                found[positions[int(hit) // (length + 1)]].update(self._owners[first[hit] : last[hit]].tolist())
        return [
            sorted(position for position in some if one_edit_apart(query, self._words[position]))
            for query, some in zip(queries, found, strict=True)
        ]


def one_edit_apart(one: str, other: str) -> bool:
    """Return whether two strings are equal or one substitution, insertion or deletion apart."""
    if abs(len(one) - len(other)) > 1:
        return False
    shorter, longer = sorted((one, other), key=len)
    begin = 0
    while begin < len(shorter) and shorter[begin] == longer[begin]:
        begin += 1
    return shorter[begin + (len(shorter) == len(longer)) :] == longer[begin + 1 :]


def _by_length(words: Sequence[str]) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = defaultdict(list)
    for position, word in enumerate(words):
        if word:
            groups[len(word)].append(position)
    return groups


def _variants(words: Sequence[str], length: int) -> Hashes:
    """Hash each word without its i-th character and, last, whole: polynomials modulo 2^64, (n, length + 1)."""
    codes = np.array(words, dtype=f"U{length}").view(np.uint32).reshape(len(words), length).astype(np.uint64)
    codes = (codes + np.uint64(1)) * _SCRAMBLE
    powers = np.cumprod(np.concatenate(([np.uint64(1)], np.full(length, _BASE, dtype=np.uint64))), dtype=np.uint64)
    stays = codes * powers[:length]
    moves = codes[:, 1:] * powers[: length - 1]
    result = np.zeros((len(words), length + 1), dtype=np.uint64)
    result[:, 1:] = np.cumsum(stays, axis=1)
    if length > 1:
        result[:, : length - 1] += np.cumsum(moves[:, ::-1], axis=1)[:, ::-1]
    return result


def edit_cost(read: str, tag: str) -> float:
    """Return the cost of an edit: one, and a quarter for each look-alike."""
    if len(read) == len(tag):
        differing = swaps(read, tag)
        return 1 + 0.25 * (differing - 1)
    shorter, longer = sorted((read, tag), key=len)
    fewest = min(swaps(shorter, longer[:hole] + longer[hole + 1 :]) for hole in range(len(longer)))
    return 1 + 0.25 * fewest
