"""E57 files of a capture, in its folder or in zip archives there.

A file in an archive has the path `<archive>.zip/<path inside>`. It is never unpacked under a name of the archive's: a
stored member is read in place, a deflated one is unpacked to a nameless temporary file while it is open. Archives are
untrusted, so their declared sizes are verified before anything is unpacked.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO
from weakref import WeakKeyDictionary

from typing_extensions import override

from capture360 import lfs
from capture360.errors import BadInputError, ConfigError
from capture360.landing.folder import CaptureFolder, is_ignored
from capture360.streams import StreamOver, Window
from capture360.text import is_text, printable

E57 = ".e57"
ZIP = ".zip"
_MOST_MEMBERS = 10_000
_MOST_DIRECTORY = 64 << 20
"""Largest size in bytes of an archive's directory, which is read as a whole."""
_MOST_RATIO = 50
"""Largest accepted expansion. Pictures and points hardly compress; more is taken for a decompression bomb."""
_FREE_OF_RATIO = 16 << 20
_ROOM_LEFT = 1 << 30
_BLOCK = 1 << 20
_LONGEST_NAME = 255
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_ENCRYPTED = 0x1
_BROKEN = (zipfile.BadZipFile, OSError, ValueError, OverflowError, EOFError, NotImplementedError, struct.error)
"""What zipfile raises for directories that it cannot read."""


@dataclass(frozen=True, slots=True)
class ScanFile:
    """An E57 file: its path in the capture, and its size in bytes once unpacked."""

    path: str
    size: int


class NoScansError(BadInputError):
    """An archive holds no E57 file."""


class KnownMembers:
    """Members by archive, cached with the listing of the folder, since reading them for each member is quadratic."""

    def __init__(self) -> None:
        self.members: dict[str, Mapping[str, zipfile.ZipInfo]] = {}
        self.names: dict[str, list[str]] = {}
        """Names of all members by archive."""
        self._unpacked = self._packed = 0

    def add(self, archive: str, members: Mapping[str, zipfile.ZipInfo]) -> None:
        """Add an archive; BadInputError if all archives together expand too far: many small cost as one large."""
        unpacked = self._unpacked + sum(each.file_size for each in members.values())
        packed = self._packed + sum(each.compress_size for each in members.values())
        if unpacked > max(_FREE_OF_RATIO, _MOST_RATIO * packed):
            raise BadInputError(
                f"{archive}: with it, E57 files in archives declare {unpacked:,} bytes unpacked, far more than E57 "
                "files compress. Deliver them unpacked."
            )
        self.members[archive] = members
        self._unpacked, self._packed = unpacked, packed


_KNOWN: WeakKeyDictionary[CaptureFolder, KnownMembers] = WeakKeyDictionary()


def scans_in(folder: CaptureFolder) -> list[ScanFile]:
    """Return the paths of E57 files outside of archives."""
    return [ScanFile(entry.path, entry.size) for entry in folder.files if entry.path.lower().endswith(E57)]


def archives_in(folder: CaptureFolder) -> list[str]:
    """Return the paths of zip archives."""
    return [entry.path for entry in folder.files if entry.path.lower().endswith(ZIP)]


def scans_within(folder: CaptureFolder, archive: str) -> list[ScanFile]:
    """Return the E57 files in an archive; BadInputError if there is none, or the archive is not valid."""
    return [ScanFile(f"{archive}/{name}", member.file_size) for name, member in _members(folder, archive).items()]


def names_within(folder: CaptureFolder, archive: str) -> list[str]:
    """Return the names of everything in an archive; BadInputError as `scans_within` has it."""
    _members(folder, archive)
    return _KNOWN[folder].names[archive]


def archive_of(folder: CaptureFolder, path: str) -> str:
    """Return the archive that holds a file; the path itself if none does."""
    return _split(folder, path)[0]


def scan_exists(folder: CaptureFolder, path: str) -> bool:
    """Return whether the file, or the archive that holds it, exists."""
    return folder.exists(path) or folder.exists(_split(folder, path)[0])


def scan_size(folder: CaptureFolder, path: str) -> int:
    """Return the unpacked size of an E57 file in bytes; BadInputError if its archive no longer holds it."""
    return folder.sizes[path] if folder.exists(path) else _member(folder, path)[1].file_size


@contextmanager
def open_scan(folder: CaptureFolder, path: str) -> Iterator[IO[bytes]]:
    """Open an E57 file as a seekable binary stream; BadInputError if it is missing or its archive cannot be read.

    ConfigError if the folder for temporary files has no room to unpack it.
    """
    if folder.exists(path):
        with folder.open(path) as stream:
            yield stream
        return
    archive, member = _member(folder, path)
    _refuse_packing(member, archive, path.removeprefix(f"{archive}/"))
    with folder.open(archive) as packed:
        window = _Member(packed, _start(packed, member, archive, folder.sizes[archive]), member.compress_size)
        if member.compress_type == zipfile.ZIP_STORED:
            yield io.BufferedReader(window, _BLOCK)
        else:
            with _unpacked(window, member, path) as stream:
                yield stream


def _member(folder: CaptureFolder, path: str) -> tuple[str, zipfile.ZipInfo]:
    """Return the archive of an E57 file and its member there; BadInputError if the archive no longer holds it."""
    archive, name = _split(folder, path)
    member = _members(folder, archive).get(name)
    if member is None:
        raise BadInputError(f"{archive} no longer holds {name}. Put it back, or deliver the capture again.")
    return archive, member


def _split(folder: CaptureFolder, path: str) -> tuple[str, str]:
    """Split a path into archive and path inside; the second is empty if there is no such archive."""
    parts = path.split("/")
    for number in range(1, len(parts)):
        archive = "/".join(parts[:number])
        if archive.lower().endswith(ZIP) and folder.exists(archive):
            return archive, "/".join(parts[number:])
    return path, ""


def _members(folder: CaptureFolder, archive: str) -> Mapping[str, zipfile.ZipInfo]:
    """Return the validated E57 members of an archive by name; read once for each listing of the folder."""
    if not folder.exists(archive):
        raise BadInputError(f"{archive} is no longer in {folder.url}. Put it back, or deliver the capture again.")
    known = _KNOWN.setdefault(folder, KnownMembers())
    if archive not in known.members:
        with folder.open(archive) as stream:
            if stream.read(len(lfs.POINTER)) == lfs.POINTER:
                raise BadInputError(f"{archive} is not a readable zip archive: it is {lfs.WHAT}. {lfs.FETCH}")
            try:
                with zipfile.ZipFile(_Careful(stream, archive)) as opened:
                    members = opened.infolist()
            except _BROKEN:
                raise BadInputError(
                    f"{archive} is not a readable zip archive: it is cut off, damaged or of another format. Copy it "
                    "again, or pack it as a plain zip archive."
                ) from None
        known.add(archive, _checked(members, archive, folder.sizes[archive]))
        known.names[archive] = [member.filename.replace("\\", "/") for member in members]
    return known.members[archive]


def _checked(members: Sequence[zipfile.ZipInfo], archive: str, size: int) -> Mapping[str, zipfile.ZipInfo]:
    """Return the E57 members by name. Some archivers of Windows write backslashes, which separate folders there."""
    if len(members) > _MOST_MEMBERS:
        raise BadInputError(
            f"{archive} holds {len(members):,} files, more than {_MOST_MEMBERS:,}. Deliver the E57 files unpacked."
        )
    scans = [
        (name, member)
        for member in members
        if (name := member.filename.replace("\\", "/")).lower().endswith(E57) and not _is_companion(name)
    ]
    if not scans:
        raise NoScansError(
            f"{archive} holds no E57 file, and nothing else is read from archives. Deliver E57 files in it, and "
            "pictures, tables and further archives unpacked."
        )
    times = Counter(name for name, _ in scans)
    for name, member in scans:
        parts = name.split("/")
        if name.startswith("/") or ":" in parts[0] or {"", ".", ".."} & set(parts):
            raise BadInputError(f'{archive} holds "{name}", a path that leaves the archive. Pack it again.')
        if not is_text(name) or len(parts[-1]) > _LONGEST_NAME:
            raise BadInputError(
                f'{archive} holds "{printable(name, 80)}", whose name has control characters or is longer than '
                f"{_LONGEST_NAME}. Rename it and pack it again."
            )
        if times[name] > 1:
            raise BadInputError(f"{archive} holds {name} twice. Pack it again.")
        if member.file_size > _FREE_OF_RATIO and member.file_size > _MOST_RATIO * max(1, member.compress_size):
            raise BadInputError(
                f"{archive}: {name} declares {member.file_size:,} bytes unpacked, far more than an E57 file "
                "compresses. Deliver it unpacked."
            )
    if sum(member.compress_size for _, member in scans) > size:
        raise BadInputError(f"{archive} declares more bytes than it has. Pack it again.")
    return dict(scans)


def _refuse_packing(member: zipfile.ZipInfo, archive: str, name: str) -> None:
    """Raise BadInputError for a member that is packed in a way that is not read; others of its archive may be."""
    if member.flag_bits & _ENCRYPTED:
        raise BadInputError(f"{archive}: {name} is encrypted. Pack it without a password.")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadInputError(f"{archive}: {name} is packed by an unusual method. Pack it as a plain zip archive.")


def _is_companion(name: str) -> bool:
    """Return whether the member is a companion file of an archiver; never true for a path that leaves the archive."""
    return is_ignored(name) and not {"", ".", ".."} & set(name.split("/"))


def _start(stream: IO[bytes], member: zipfile.ZipInfo, archive: str, size: int) -> int:
    """Return the offset of a member's data, behind its local header, whose length the directory does not state."""
    if not 0 <= member.header_offset <= size - member.compress_size:
        raise BadInputError(f"{archive} is damaged at {member.filename}. Copy it again.")
    stream.seek(member.header_offset)
    header = stream.read(_LOCAL_HEADER.size)
    stored = member.compress_type == zipfile.ZIP_STORED
    if len(header) < _LOCAL_HEADER.size or (stored and member.file_size != member.compress_size):
        raise BadInputError(f"{archive} is damaged at {member.filename}. Copy it again.")
    signature, name, extra = _LOCAL_HEADER.unpack(header)
    if signature != b"PK\x03\x04":
        raise BadInputError(f"{archive} is damaged at {member.filename}. Copy it again.")
    return int(member.header_offset + _LOCAL_HEADER.size + name + extra)


@contextmanager
def _unpacked(packed: _Member, member: zipfile.ZipInfo, path: str) -> Iterator[IO[bytes]]:
    """Unpack a deflated member into memory if it is small, else into a nameless file."""
    room = shutil.disk_usage(tempfile.gettempdir()).free - _ROOM_LEFT
    if member.file_size > room:
        raise _no_room(path, member)
    with tempfile.SpooledTemporaryFile(_BLOCK) as scratch:
        try:
            _inflate(packed, scratch, member)
        except (OSError, ValueError, zlib.error) as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise _no_room(path, member) from None
            problem = str(error) if isinstance(error, ValueError) else "its data is damaged"
            raise BadInputError(f"{path} cannot be unpacked ({problem}). Pack it again.") from None
        scratch.seek(0)
        yield scratch


def _no_room(path: str, member: zipfile.ZipInfo) -> ConfigError:
    return ConfigError(
        f"{path} unpacks to {member.file_size:,} bytes, and {tempfile.gettempdir()} has no room for them. "
        "Point TMPDIR at a larger disk, or deliver the E57 file unpacked."
    )


def _inflate(packed: _Member, target: IO[bytes], member: zipfile.ZipInfo) -> None:
    """Write the member's content, at most the declared size; ValueError if size or checksum differ."""
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    checksum, left = 0, member.file_size
    while not unpacker.eof:
        block = unpacker.unconsumed_tail or packed.read(_BLOCK)
        data = unpacker.decompress(block, min(_BLOCK, left + 1))  # may keep back what it read already
        if not block and not data and not unpacker.eof:
            raise ValueError("its data is cut off")
        if len(data) > left:
            raise ValueError("it holds more bytes than it declares")
        checksum = zlib.crc32(data, checksum)
        left -= len(data)
        target.write(data)
    if left or checksum != member.CRC:
        raise ValueError("its checksum is wrong")


class _Careful(StreamOver):
    """Stream that refuses large reads, since an archive may declare a huge directory."""

    def __init__(self, stream: IO[bytes], archive: str) -> None:
        super().__init__(stream)
        self._archive = archive
        self._size = stream.seek(0, os.SEEK_END)

    @override
    def read(self, size: int = -1, /) -> bytes:
        left = max(0, self._size - self._stream.tell())
        count = left if size < 0 else min(size, left)
        if count > _MOST_DIRECTORY:
            raise BadInputError(f"{self._archive}: its table of contents is too large. Pack it again.")
        return self._stream.read(count)


class _Member(Window):
    """The packed bytes of a member within the archive."""

    def __init__(self, archive: IO[bytes], start: int, size: int) -> None:
        super().__init__(size)
        self._archive, self._start = archive, start

    @override
    def _read_at(self, position: int, count: int) -> bytes:
        self._archive.seek(self._start + position)
        return self._archive.read(count)
