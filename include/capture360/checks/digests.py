"""Rules F13 and F14: checksums, and pictures that are equal byte by byte."""

from __future__ import annotations

import hashlib
import io
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from capture360.batches import batched
from capture360.checks.files import FILES
from capture360.checks.parsed_capture import ImageRef
from capture360.checks.violations import FindingGroup, Progress
from capture360.errors import BadInputError
from capture360.landing.folder import CaptureFolder, OutsideError
from capture360.rules.finding import Disposition, Finding
from capture360.rules.rule import says
from capture360.rules.structure import S03

CHECKSUMS = "checksums.sha256"
_CHECKSUM = re.compile(r"\\?([0-9a-fA-F]{64}) [ *](.+)")
_BSD_CHECKSUM = re.compile(r"SHA256 \((.+)\) = ([0-9a-fA-F]{64})")
_LIST = re.compile(
    r"(?i).*(?:check|sha[0-9]*|md5)[-_ ]?sums?.*|[^/]*sha(?:1|256|512)[^/]*\.txt|.+\.(?:sha[0-9]*|md5|sfv)"
)
"""Names of lists of checksums, of which one is read."""
_LONGEST_LINE = 10_000
_CHUNK = 1 << 20
_THREADS = 4
_AT_ONCE = 64

F13 = FILES.rule(
    "F13",
    "Files have the checksums they were sent with",
    why="A wrong checksum is a file that changed on its way.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="files",
    judges="sha256 and size of each file, against the table or checksum file",
    messages={
        **says(
            "{where}: files with another checksum: {count}, the first is {value}. Copy them again.",
            bad="a table changed after checksums.sha256 was written",
            where="checksums.sha256",
            count="1",
            value="stations.csv",
        ),
        **says(
            "{where} has another checksum than {value} says. Copy it again.",
            name="picture",
            disposition=Disposition.QUARANTINE,
            bad="a picture that changed after checksums.sha256 was written",
            where="images/s-02/top.jpg",
            value="checksums.sha256",
        ),
        **says(
            "{where} names {count} files that are not there, the first is {value}. Copy them.",
            name="missing",
            bad="a file of checksums.sha256 that was not copied",
            where="checksums.sha256",
            count="1",
            value="images/s-77/top.jpg",
        ),
        **says(
            '{where}: lines that are no checksum: {count}, the first is line {line} ("{value}"). Files that were '
            "checked: {checked}. Write it with sha256sum.",
            name="line",
            disposition=Disposition.WARN,
            bad="a line that sha256sum would not write",
            where="checksums.sha256",
            count="1",
            line="1",
            value="hello",
            checked="0",
        ),
        **says(
            "{where} is not read. For the files to be checked, deliver their SHA-256 as checksums.sha256, as sha256sum "
            "writes it.",
            name="unread",
            disposition=Disposition.WARN,
            bad="a list of checksums under another name",
            where="SHA256SUMS",
        ),
    },
)

F14 = FILES.rule(
    "F14",
    "No two pictures are the same",
    why="A copied picture shows a place that it does not show.",
    disposition=Disposition.QUARANTINE,
    scope="file",
    stage="files",
    judges="the content of the pictures, byte by byte",
    messages={
        **says(
            "{where} is the same picture as {value}. Deliver each station's own.",
            bad="the pictures of s-01 copied to s-02",
            where="images/s-02/front.jpg",
            value="images/s-01/front.jpg",
        ),
        **says(
            "{where} is the same picture as {value}. Was a face copied?",
            name="faces",
            disposition=Disposition.WARN,
            bad="front copied over back",
            where="images/s-02/front.jpg",
            value="images/s-02/back.jpg",
        ),
    },
)


def checksums(
    folder: CaptureFolder,
    progress: Progress | None,
    stations: Mapping[str, Sequence[str]],
    known: Mapping[str, str],
) -> Iterator[FindingGroup]:
    """Check F13: every file in `checksums.sha256` exists and is unchanged; a list of another name is not read.

    A file that is only of the `stations` by its path holds back these; any other stops the capture. `known` has the
    sha256 of files that were read before.
    """
    if not folder.exists(CHECKSUMS):
        others = [path for path in sorted(folder.sizes) if "/" not in path and _LIST.fullmatch(path)]
        if others:
            yield FindingGroup([F13.finding(path, message="unread") for path in others])
        return
    digests = dict(known)
    expected: dict[str, str] = {}
    missing: list[str] = []
    odd: list[tuple[int, str]] = []
    try:
        lines = list(_lines(folder))
    except (FileNotFoundError, PermissionError, IsADirectoryError, OutsideError) as error:
        problem = error.problem if isinstance(error, OutsideError) else error.strerror or type(error).__name__
        form, fix = "a list of checksums", "Copy it again, or remove it."
        yield FindingGroup([S03.finding(CHECKSUMS, message="unreadable", form=form, problem=problem, fix=fix)])
        return
    for number, line in lines:
        try:
            path, digest = _entry(folder, line)
        except ValueError:
            odd.append((number, line))
            continue
        if path in folder.sizes and path != CHECKSUMS:  # the list may be written while its own digest is taken
            expected[path] = digest
        elif path != CHECKSUMS and path not in stations:
            missing.append(path)
    if odd:
        number, line = odd[0]
        finding = F13.finding(
            CHECKSUMS,
            line,
            message="line",
            where=CHECKSUMS,
            row=number,
            count=len(odd),
            line=number,
            checked=f"{len(expected):,}",
        )
        yield FindingGroup([finding])
    if missing:
        yield FindingGroup([F13.finding(CHECKSUMS, missing[0], message="missing", count=len(missing))])
    digests |= _hashed(folder, [path for path in expected if path not in digests], progress, "checksums")
    wrong = [path for path, digest in expected.items() if digests[path] != digest]
    others = [path for path in wrong if path not in stations]
    if others:
        yield FindingGroup([F13.finding(CHECKSUMS, others[0], count=len(others))])
    held = [
        F13.finding(path, CHECKSUMS, where=path, message="picture", station=station)
        for path in wrong
        for station in stations.get(path, ())
    ]
    if held:
        yield FindingGroup(held)


def _lines(folder: CaptureFolder) -> Iterator[tuple[int, str]]:
    """Yield the lines that say something, with their numbers."""
    with folder.open(CHECKSUMS) as stream:
        text = io.TextIOWrapper(stream, "utf-8-sig", "replace")
        for number in itertools.count(1):
            line = text.readline(_LONGEST_LINE)
            if not line:
                return
            rest = line
            while rest and not rest.endswith("\n"):  # a line that is longer than any is one that says nothing
                rest = text.readline(_LONGEST_LINE)
            if line.strip() and not line.startswith(("#", ";")):
                yield number, line.rstrip()


def _entry(folder: CaptureFolder, line: str) -> tuple[str, str]:
    """Return path and sha256 of a line as sha256sum writes it, or BSD; ValueError if it is none."""
    if found := _CHECKSUM.fullmatch(line):
        digest, path = found.groups()
    elif found := _BSD_CHECKSUM.fullmatch(line):
        path, digest = found.groups()
    else:
        raise ValueError(line)
    try:
        return folder.resolve(path), digest.lower()
    except OutsideError as error:
        raise ValueError(line) from error


def copies(folder: CaptureFolder, pictures: Sequence[ImageRef], progress: Progress | None) -> Iterator[FindingGroup]:
    """Check F14: equal pictures under different names. Only files of equal size are read."""
    by_size: dict[int, list[ImageRef]] = defaultdict(list)
    for picture in pictures:
        by_size[folder.sizes.get(picture.path, 0)].append(picture)
    suspects = {p.path: p for size, group in by_size.items() if size and len(group) > 1 for p in group}
    by_digest: dict[str, list[ImageRef]] = defaultdict(list)
    for path, digest in _hashed(folder, list(suspects), progress, "pictures of equal size compared"):
        by_digest[digest].append(suspects[path])
    across: list[Finding] = []
    within: list[Finding] = []
    for group in by_digest.values():
        first = group[0]
        stranger = next((other for other in group if other.station != first.station), None)
        for place, picture in enumerate(group):
            other = stranger if picture.station == first.station else first
            # A tripod or a masked nadir makes equal floors and ceilings without anything being wrong.
            if other and picture.face not in ("top", "bottom"):
                across.append(_same(picture, other, ""))
            elif place:
                within.append(_same(picture, first, "faces"))
    yield from (FindingGroup(found) for found in (across, within) if found)


def _same(picture: ImageRef, other: ImageRef, message: str) -> Finding:
    return picture.finding(F14, other.path, message=message)


def _hashed(
    folder: CaptureFolder, paths: Sequence[str], progress: Progress | None, what: str
) -> Iterator[tuple[str, str]]:
    with ThreadPoolExecutor(_THREADS) as pool:
        for number, part in enumerate(batched(paths, _AT_ONCE)):
            yield from zip(part, pool.map(lambda path: _digest(folder, path), part), strict=True)
            if progress:
                progress(number * _AT_ONCE + len(part), len(paths), what)


def _digest(folder: CaptureFolder, path: str) -> str:
    """Return the sha256 of a file; if it cannot be read, a text that equals no digest."""
    digest = hashlib.sha256()
    try:
        with folder.open(path) as stream:
            while block := stream.read(_CHUNK):
                digest.update(block)
    except (OSError, BadInputError) as error:
        return f"{path}: {type(error).__name__}"
    return digest.hexdigest()
