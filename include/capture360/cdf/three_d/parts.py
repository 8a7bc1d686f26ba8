"""Sending the parts of a large file: side by side where the file can be read at any place, else in turn.

What is sent is what was validated. In turn, the digest of the whole file is made of the blocks that are sent. Side by
side, one thread reads the file in its order for that digest, and for a checksum of each part, which has to be that of
what was sent: a second digest would cost five times as much.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from typing import IO

import google_crc32c
import httpx

from capture360.cdf.answer_bounds import bounded_content
from capture360.cdf.three_d.journals import MIB, LargeFile, UploadSession
from capture360.errors import BadInputError, CdfUnavailableError
from capture360.tls import trusted

AT_ONCE = 4
_BLOCK = MIB
_ATTEMPTS = 6
_DEAD_LINK = frozenset({400, 401, 403, 404, 410})

Keep = Callable[[UploadSession], None]
_Read = Callable[[int, int], bytes]
"""Bytes of the file from an offset on, at most so many; where parts go side by side, by several threads at once."""


class LinkExpiredError(Exception):
    """The store refuses a link of this session."""


def send_parts(file: LargeFile, session: UploadSession, content: IO[bytes], keep: Keep) -> None:
    """Send the missing parts; `keep` gets the session after each.

    BadInputError if the content is not what was validated, CdfUnavailableError if a part is not taken,
    LinkExpiredError if its link is refused.
    """
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    with httpx.Client(timeout=httpx.Timeout(60, write=600, read=600), limits=limits, verify=trusted()) as http:
        try:
            descriptor = content.fileno()
        except OSError:  # no file of this machine, such as one of a bucket or stored in an archive

            def read_there(start: int, size: int) -> bytes:
                content.seek(start)
                return content.read(size)

            _send_in_turn(http, file, session, read_there, keep)
        else:
            content.seek(0)  # writes what an unpacked member still has in its buffer
            _send_side_by_side(http, file, session, lambda start, size: os.pread(descriptor, size, start), keep)


class _Tally:
    """CRC32C of a part, and the digest of the file up to its end where one is begun."""

    def __init__(self, before: hashlib._Hash | None = None) -> None:
        self.crc = 0
        self.digest = before.copy() if before else None

    def over(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Pass the blocks on and count them in."""
        for block in blocks:
            self.crc = google_crc32c.extend(self.crc, block)
            if self.digest:
                self.digest.update(block)
            yield block


def _send_in_turn(http: httpx.Client, file: LargeFile, session: UploadSession, read: _Read, keep: Keep) -> None:
    sent, same, digest = dict(session.done), True, hashlib.sha256()
    for part, link in enumerate(session.links):
        blocks = partial(_blocks, read, part, file, session.part_size)
        if part in sent:
            tally = _Tally(digest)
            deque(tally.over(blocks()), maxlen=0)
            same = same and tally.crc == sent[part]
        else:
            tally = _put_part(http, link, blocks, digest, file, _length(part, file, session.part_size))
            sent[part] = tally.crc
            keep(replace(session, done=tuple(sent.items())))
        assert tally.digest is not None
        digest = tally.digest
    if not same or digest.hexdigest() != file.sha256 or read(file.size, 1):
        raise _changed(file)


def _send_side_by_side(http: httpx.Client, file: LargeFile, session: UploadSession, read: _Read, keep: Keep) -> None:
    """Send up to `AT_ONCE` parts at a time. Parts that are under way when one fails are sent to their end."""
    count, size, stop = len(session.links), session.part_size, threading.Event()
    sent = dict(session.done)

    def send(part: int) -> int:
        blocks = partial(_blocks, read, part, file, size)
        return _put_part(http, session.links[part], blocks, None, file, _length(part, file, size)).crc

    def record(ended: Iterable[Future[int]]) -> None:
        for each in ended:
            sent[sending[each]] = each.result()
            keep(replace(session, done=tuple(sent.items())))

    with ThreadPoolExecutor(AT_ONCE + 1) as pool:
        reading = pool.submit(_read_in_order, file, count, size, read, stop)
        sending = {pool.submit(send, part): part for part in range(count) if part not in sent}
        try:
            record(as_completed(sending))
            digest, checksums = reading.result()
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)
            late = [each for each, part in sending.items() if part not in sent and not each.cancelled()]
            record(each for each in late if each.exception() is None)
    if digest != file.sha256 or sent != dict(enumerate(checksums)) or read(file.size, 1):
        raise _changed(file)


def _read_in_order(
    file: LargeFile, count: int, size: int, read: _Read, stop: threading.Event
) -> tuple[str, Sequence[int]]:
    """Return the sha256 of the file and the CRC32C of each part."""
    digest, checksums = hashlib.sha256(), []
    for part in range(count):
        tally = _Tally(digest)
        for _ in tally.over(_blocks(read, part, file, size)):
            if stop.is_set():
                return "", ()
        assert tally.digest is not None
        digest = tally.digest
        checksums.append(tally.crc)
    return digest.hexdigest(), checksums


def _put_part(
    http: httpx.Client,
    link: str,
    blocks: Callable[[], Iterator[bytes]],
    before: hashlib._Hash | None,
    file: LargeFile,
    length: int,
) -> _Tally:
    """Send one part, from its beginning after each interruption."""
    problem = ""
    for attempt in range(_ATTEMPTS):
        tally = _Tally(before)
        try:
            # A known length: stores refuse chunked bodies.
            headers = {"Content-Length": str(length)}
            with http.stream("PUT", link, content=tally.over(blocks()), headers=headers) as answer:
                # Read to its end, so that the connection serves the next part.
                bounded_content(answer, f"Uploading {file.name}")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            problem = type(error).__name__
        except CdfUnavailableError as error:
            problem = error.message
        else:
            if answer.is_success:
                return tally
            if answer.status_code in _DEAD_LINK:
                raise LinkExpiredError
            problem = f"status {answer.status_code}"
        if attempt < _ATTEMPTS - 1:
            time.sleep(min(30.0, 0.25 * 2**attempt))  # backs off before the part is sent again
    raise CdfUnavailableError(f"Uploading {file.name}: a part failed {_ATTEMPTS} times, at last with {problem}.")


def _length(part: int, file: LargeFile, size: int) -> int:
    return min(size, file.size - part * size)


def _blocks(read: _Read, part: int, file: LargeFile, size: int) -> Iterator[bytes]:
    at, left = part * size, _length(part, file, size)
    while left:
        block = read(at, min(_BLOCK, left))
        if not block:
            raise BadInputError(f"{file.name} became shorter while it was uploaded. Deliver it again, complete.")
        at += len(block)
        left -= len(block)
        yield block


def _changed(file: LargeFile) -> BadInputError:
    return BadInputError(f"{file.name} changed while it was uploaded. Deliver it again, complete.")
