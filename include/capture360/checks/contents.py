"""What only the bytes of the files tell: checksums, copies, blank pictures."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from capture360.checks.rules import RULES
from capture360.checks.violations import FindingGroup
from capture360.errors import BadInputError
from capture360.landing.folder import CaptureFolder, OutsideError
from capture360.pictures.decoding import overview
from capture360.pictures.jpeg import ImageHeader
from capture360.rules.finding import Finding

if TYPE_CHECKING:
    from capture360.checks.pictures import ImageRef

CHECKSUMS = "checksums.sha256"
Progress = Callable[[int, int, str], None]
_CHECKSUM = re.compile(r"\\?([0-9a-fA-F]{64}) [ *](.+)")
_MOST_BYTES = 100_000_000
_CHUNK = 1 << 20
_THREADS = 4
_BLANK_BYTES_PER_PIXEL = 0.1
"""A picture that is all one colour packs far better than this; only such are decoded."""
_BLANK_DEVIATION = 2.0
_BLANK_MOST_MEGAPIXELS = 100


def checksums(folder: CaptureFolder, progress: Progress | None) -> Iterator[FindingGroup]:
    """F13: every file that `checksums.sha256` names is there and unchanged."""
    if not folder.exists(CHECKSUMS):
        return
    text = folder.read(CHECKSUMS, _MOST_BYTES).decode("utf-8-sig", "replace")
    expected: dict[str, str] = {}
    missing: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        found = _CHECKSUM.fullmatch(line.rstrip())
        if found is None:
            if line.strip():
                rule = RULES["F13"]
                yield FindingGroup(
                    [rule.finding(CHECKSUMS, line, message="line", where=CHECKSUMS, row=number, line=number)]
                )
                return
            continue
        try:
            path = folder.resolve(found[2])
        except OutsideError as error:
            outside = RULES["S07"].finding(CHECKSUMS, found[2], message="outside", row=number, problem=error.problem)
            yield FindingGroup([outside])
            return
        if path in folder.sizes:
            expected[path] = found[1].lower()
        else:
            missing.append(path)
    if missing:
        yield FindingGroup([RULES["F13"].finding(CHECKSUMS, missing[0], message="missing", count=len(missing))])
    wrong = [
        path for path, digest in _hashed(folder, list(expected), progress, "checksums") if digest != expected[path]
    ]
    if wrong:
        yield FindingGroup([RULES["F13"].finding(CHECKSUMS, wrong[0], count=len(wrong))])


def copies(folder: CaptureFolder, pictures: Sequence[ImageRef], progress: Progress | None) -> Iterator[FindingGroup]:
    """F14: equal pictures under different names. Only files of equal size are read."""
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
        for place, picture in enumerate(group):
            twins = [other for other in group if other is not picture]
            strangers = [other for other in twins if other.station != picture.station]
            # A tripod or a masked nadir makes equal floors and ceilings without anything being wrong.
            if strangers and picture.face not in ("top", "bottom"):
                across.append(_same(picture, strangers[0], ""))
            elif place:
                within.append(_same(picture, group[0], "faces"))
    yield from (FindingGroup(found) for found in (across, within) if found)


def _same(picture: ImageRef, other: ImageRef, message: str) -> Finding:
    return RULES["F14"].finding(
        picture.path,
        other.path,
        where=picture.where,
        message=message,
        station=picture.station,
        row=picture.row or None,
        column="file",
    )


def _hashed(
    folder: CaptureFolder, paths: Sequence[str], progress: Progress | None, what: str
) -> Iterator[tuple[str, str]]:
    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(paths), 64):
            part = paths[start : start + 64]
            yield from zip(part, pool.map(lambda path: _digest(folder, path), part), strict=True)
            if progress:
                progress(min(start + 64, len(paths)), len(paths), what)


def _digest(folder: CaptureFolder, path: str) -> str:
    """The sha256 of a file; a text no digest equals if it cannot be read."""
    digest = hashlib.sha256()
    try:
        with folder.open(path) as stream:
            while block := stream.read(_CHUNK):
                digest.update(block)
    except (OSError, BadInputError) as error:
        return f"{path}: {type(error).__name__}"
    return digest.hexdigest()


def blank_brightness(content: bytes, header: ImageHeader) -> float | None:
    """The brightness (0 to 255) of a whole picture that is one colour all over; None for any other."""
    import cv2

    if (
        len(content) > _BLANK_BYTES_PER_PIXEL * header.width * header.height
        or header.megapixels > _BLANK_MOST_MEGAPIXELS
    ):
        return None
    try:
        # Unlike numpy's, these need no copy of the pixels in floating point.
        mean, deviation = cv2.meanStdDev(overview(content, colour="GRAY"))
    except BadInputError:
        return None
    return float(mean.item()) if float(deviation.item()) < _BLANK_DEVIATION else None
