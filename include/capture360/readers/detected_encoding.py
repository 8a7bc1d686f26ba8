"""Detection of the encoding of a text table: all of it can be decoded, and quotes in its texts are doubled."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import IO

from capture360.readers.encodings import ASSUMED
from capture360.readers.expansion import unreadable
from capture360.readers.problem import Unreadable

ASCII = "ascii"
_CHUNK = 1 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ESCAPED = re.compile(r'(?:^|[,;\t|\r\n])"[^"]{0,1000}\\"[^",;\t|\r\n]')
"""A quote inside a quoted text that a backslash is to make part of it: a doubled one would be followed by a quote."""
_NOT_ASCII = re.compile(rb"[\x80-\xff]+")
_UNITS = frozenset("°²³µ")
_BEHIND_WORDS = frozenset(b"\x85\x91\x92\x93\x94\x96\x97\xa0\xab\xbb")
"""Signs of Windows-1252 that stand behind a word."""
_NO_BREAK_SPACE = 0xA0
_OVERLAP = 1 << 10
"""Characters of a chunk that are looked at once more with the next one."""


def encoding_of(stream: IO[bytes], path: str) -> str:
    """Find out the encoding of a text table; Unreadable if a byte is no character in it, or quotes are not doubled.

    What states none is UTF-8 if all of it can be, else Windows-1252. Letters that only UTF-8 writes so prove it, and
    what is none beside them is damage: read as Windows-1252, the other letters would be changed without a word.
    """
    start = stream.read(4096)
    stated = next((encoding for bom, encoding in _BOMS if start.startswith(bom)), "") or _of_zeros(start)
    try:
        is_ascii = _refuse_escapes(stream, path, stated or "utf-8")
    except _UndecodableError as error:
        if stated and error.is_last:
            raise unreadable(path, "a text table", f"it breaks off in line {error.line}", "Copy it again.") from None
        if stated:
            problem = f"it is {stated.upper()[:6].rstrip('-')}, and byte 0x{error.byte:02x} in line {error.line} is not"
            raise unreadable(path, "a text table", problem, "Save it as UTF-8.") from None
        if proof := _line_of_utf8(stream):
            raise _damaged(path, error, proof) from None
    else:
        return stated or (ASCII if is_ascii else "utf-8")
    try:
        _refuse_escapes(stream, path, ASSUMED)
    except _UndecodableError as error:
        problem = f"it is neither UTF-8 nor Windows-1252 (byte 0x{error.byte:02x} in line {error.line})"
        raise unreadable(path, "a text table", problem, "Save it as UTF-8.") from None
    return ASSUMED


def _damaged(path: str, error: _UndecodableError, proof: int) -> Unreadable:
    if error.is_last:
        return unreadable(path, "a text table", f"it breaks off in line {error.line}", "Copy it again.")
    problem = f"it is UTF-8 (as in line {proof}), and byte 0x{error.byte:02x} in line {error.line} is not"
    return unreadable(path, "a text table", problem, f"Correct line {error.line}, and save it as UTF-8.")


def _line_of_utf8(stream: IO[bytes]) -> int:
    """Return the first line with letters that UTF-8 alone writes so; 0 if there is none.

    Without such a line, what could be UTF-8 proves it if there is more of it than of what cannot be: a few bytes of
    another encoding happen to be UTF-8 as well.
    """
    stream.seek(0)
    line, first, more = 1, 0, 0
    while piece := stream.readline(_CHUNK):
        counted = 0  # bytes of the piece whose line ends are counted: it may be all of the file
        for run in _NOT_ASCII.finditer(piece):
            line += line_ends(piece[counted : run.start()].decode("latin-1"))
            counted = run.end()
            if _is_certain(run, piece):
                return line
            if _could_be(run.group()):
                first, more = first or line, more + 1
            else:
                more -= 1
        line += line_ends(piece[counted:].decode("latin-1"))
    return first if more > 0 else 0


def _is_certain(run: re.Match[bytes], piece: bytes) -> bool:
    """Return whether bytes between those of ASCII can hardly be anything but UTF-8.

    A word of three letters, a letter of three bytes, Latin letters within a word, or a sign of a unit: Windows-1252
    would have a letter with a sign in the middle of the word. Behind a word that sign may be its end: a quotation mark,
    a dash, dots or a space.
    """
    try:
        text = run.group().decode()
    except UnicodeDecodeError:
        return False
    if set(text) <= _UNITS or len(text) > 2:
        return True
    if text >= "\u0800" and not _BEHIND_WORDS.intersection(run.group()):
        return True
    before, after = piece[max(0, run.start() - 1) : run.start()], piece[run.end() : run.end() + 1]
    is_within = after.isalpha() or (before.isalpha() and run.group()[-1] not in _BEHIND_WORDS)
    return is_within and all("\xc0" <= each <= "\u017f" for each in text)


def _could_be(run: bytes) -> bool:
    """Return whether the bytes are UTF-8 at all; a letter with a no-break space behind it is not taken for a start."""
    try:
        run.decode()
    except UnicodeDecodeError:
        return False
    return run[1] != _NO_BREAK_SPACE


def _of_zeros(start: bytes) -> str:
    """Return the form of UTF-16 without a mark in which every other byte is zero; empty for anything else."""
    even, odd = start[::2].count(0), start[1::2].count(0)
    if 4 * max(even, odd) > len(start) and max(even, odd) > 8 * min(even, odd):
        # Half of the bytes of Latin text in UTF-16; a few, or those of a whole stretch, are damage.
        return "utf-16-le" if odd > even else "utf-16-be"
    return ""


class _UndecodableError(Exception):
    """A byte that is no character, its line, and whether the rest of the character would come after the end."""

    def __init__(self, byte: int, line: int, *, is_last: bool) -> None:
        super().__init__()
        self.byte, self.line, self.is_last = byte, line, is_last


def _refuse_escapes(stream: IO[bytes], path: str, encoding: str) -> bool:
    """Unreadable where a backslash stands for the doubling of a quote, since the rest of the row would be shifted.

    Return whether all characters are those of ASCII.
    """
    line, before, is_ascii = 1, "", True
    for text in _decoded(stream, encoding):
        is_ascii = is_ascii and text.isascii()
        if '\\"' in text and (found := _ESCAPED.search(before + text)):
            number = line + line_ends(text[: max(0, found.end() - len(before))])
            problem = f'quotes inside the texts are written \\", as in line {number}'
            fix = 'Export it with doubled quotes, "" (in Spark by the option escape).'
            raise unreadable(path, "a text table", problem, fix)
        line += line_ends(text)
        before = text[-_OVERLAP:]
    return is_ascii


def _decoded(stream: IO[bytes], encoding: str) -> Iterator[str]:
    """Yield the whole text; _UndecodableError at a byte that is no character."""
    stream.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    line, is_last = 1, False
    while not is_last:
        chunk = stream.read(_CHUNK)
        is_last = not chunk
        try:
            text = decoder.decode(chunk, final=is_last)
        except UnicodeDecodeError as error:
            sound = error.object[: error.start].decode(encoding, "replace")
            raise _UndecodableError(error.object[error.start], line + line_ends(sound), is_last=is_last) from None
        line += line_ends(text)
        yield text


def line_ends(text: str) -> int:
    """Return how many lines end in a text."""
    return max(text.count("\n"), text.count("\r"))
