"""CRC32C of E57 pages, many at once, since a call for each page costs more than its checksum.

A CRC is affine over GF(2) in its start value and in the bytes. So the CRC of a run of pages, checksums included,
follows from the stored checksums alone if they are right: each of their bits adds a word that only depends on how many
pages come behind (zlib's crc32_combine advances a CRC in the same way). One call over the whole run is compared with
the sum of those words; only where they differ are the pages looked at one by one. One wrong page always shows, several
hide each other as seldom as one checksum is right by chance: once in 2^32.
"""

from __future__ import annotations

from functools import cache

import google_crc32c
import numpy as np
from numpy.typing import NDArray

PAGE = 1024
PAYLOAD = 1020
_RUN = 1024
"""Pages in one comparison."""
_FEW = 16
"""Number of pages up to which checking each is faster."""
_RECORDS = np.dtype([("payload", f"V{PAYLOAD}"), ("checksum", ">u4")])

Words = NDArray[np.uint32]


def page_checksums(pages: bytes) -> Words:
    """The checksum that each of the whole pages should have, from its payload."""
    payloads = np.frombuffer(pages, _RECORDS)["payload"].tolist()
    return np.fromiter(map(google_crc32c.value, payloads), np.uint32, len(payloads))


def wrong_pages(pages: bytes) -> NDArray[np.intp]:
    """Positions of the whole pages whose stored checksum is not that of their payload."""
    wrong = [
        first // PAGE + _wrong_in_run(pages[first : first + _RUN * PAGE]) for first in range(0, len(pages), _RUN * PAGE)
    ]
    return np.concatenate(wrong) if wrong else np.empty(0, np.intp)


def _wrong_in_run(pages: bytes) -> NDArray[np.intp]:
    if len(pages) > _FEW * PAGE and google_crc32c.value(pages) == _checksum_of_run(pages):
        return np.empty(0, np.intp)
    return np.flatnonzero(page_checksums(pages) != np.frombuffer(pages, _RECORDS)["checksum"])


def _checksum_of_run(pages: bytes) -> int:
    """CRC of the whole run, provided that every stored checksum is right."""
    stored = np.frombuffer(pages, np.uint8).reshape(-1, PAGE)[:, PAYLOAD:]
    bits = np.unpackbits(stored)
    of_bits, of_zeros = _contributions()
    count = len(stored)
    return int(np.bitwise_xor.reduce(of_bits[-32 * count :] * bits) ^ of_zeros[-count])


@cache
def _contributions() -> tuple[Words, Words]:
    """Return two tables for a full run of pages.

    The first is what each bit of the stored checksums adds to the CRC of the run. The second is the CRC of the run from
    each page on, with checksums of zero.
    """
    zeros = bytes(PAGE)
    nothing = google_crc32c.extend(0, zeros)
    over = np.array([google_crc32c.extend(1 << bit, zeros) ^ nothing for bit in range(32)], np.uint32)
    no_checksum = _followed_by_itself(0)
    of_bits = np.array([_followed_by_itself(1 << bit) ^ no_checksum for bit in reversed(range(32))], np.uint32)
    of_zeros = np.array([no_checksum], np.uint32)
    while len(of_zeros) < _RUN:  # as many pages again in front, and so advanced over those that are there
        of_bits = np.concatenate((_advanced(over, of_bits), of_bits))
        of_zeros = np.concatenate((_advanced(over, of_zeros) ^ of_zeros[0], of_zeros))
        over = _advanced(over, over)
    return of_bits, of_zeros


def _advanced(over: Words, crcs: Words) -> Words:
    """CRCs after the bytes that `over` stands for: what they make of each of the 32 bits, the lowest first."""
    advanced: Words = np.bitwise_xor.reduce(
        [word * (crcs >> np.uint32(bit) & np.uint32(1)) for bit, word in enumerate(over)]
    )
    return advanced


def _followed_by_itself(checksum: int) -> int:
    """The CRC of a page whose payload has this checksum, after the checksum has been appended big-endian."""
    return int(google_crc32c.extend(checksum, checksum.to_bytes(4, "big")))
