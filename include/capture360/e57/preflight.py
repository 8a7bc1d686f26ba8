"""Checks of an E57 file before upload: its contents, and whether they are usable.

Reads the header, the XML and the first bytes of each picture, a few milliseconds whatever the size. `verify` then reads
every page. Rules: E01 the file is whole and readable, E02 it holds a full sphere, E03 its pictures and poses are sound,
E04 its pictures lie inside it and it is not larger than CDF takes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import IO

from capture360.e57.contents import Contents, read_contents
from capture360.e57.extract import open_picture
from capture360.e57.find import find_photospheres
from capture360.e57.images import Blob, Representation
from capture360.e57.pages import DamagedError, E57Error, PagedFile
from capture360.e57.photospheres import Candidates, Photosphere, Remark
from capture360.e57.verification import Source, Verification, opened
from capture360.geometry.projection import ProjectionError, check_full_panorama
from capture360.pictures.decoding import check_whole
from capture360.pictures.gpano import Placement, placement
from capture360.pictures.jpeg import (
    MAX_MEGAPIXELS,
    ImageError,
    ImageHeader,
    check_pixels_usable,
    read_header,
)
from capture360.rules.finding import Disposition, Finding
from capture360.rules.rule import Rule
from capture360.rules.scans import E01, E02, E03, E04
from capture360.text import counted

MAX_UPLOAD = 1000 << 30
"""Bytes that CDF's Files API takes in one multipart upload (public API spec, POST /files/initmultipartupload)."""
_TAILS = (4_096, 65_536)
"""Bytes at the end of a picture that are searched for its end marker, since some cameras append data."""
_MOST_BYTES_PER_PIXEL = 8
_MOST_BESIDE_PIXELS = 64 << 20
"""Bytes of metadata, and of a video that some cameras append. More is no picture, and is not read into memory."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """Result of the preflight. `photospheres` are usable, `total` is the number of spheres the file seems to hold."""

    where: str
    size: int
    contents: Contents | None
    photospheres: tuple[Photosphere, ...]
    total: int
    other_images: int
    findings: tuple[Finding, ...]

    @property
    def usable(self) -> bool:
        """Whether no finding is about the file as a whole."""
        return not any(is_of_file(finding) for finding in self.findings)

    @property
    def headline(self) -> str:
        """The verdict in one sentence."""
        for finding in self.findings:
            if is_of_file(finding):
                return finding.message
        noun = "photosphere" if self.total == 1 else "photospheres"
        return f"{self.where}: {len(self.photospheres)} usable of {self.total} {noun}."


def preflight(
    source: Source,
    where: str | None = None,
    *,
    max_megapixels: float = MAX_MEGAPIXELS,
    max_bytes: int = MAX_UPLOAD,
    decode: bool = False,
) -> Preflight:
    """Check an E57 file, given as a path, any fsspec URL, or a seekable binary stream.

    With `decode` every picture is decoded completely, as making its faces requires.
    `where` names the file in sentences. Faults of the file are findings, not exceptions. FileNotFoundError and
    other OSErrors of the store pass through.
    """
    with opened(source, where) as (stream, name):
        size = stream.seek(0, 2)
        try:
            file = PagedFile(stream, name)
            contents = read_contents(file)
        except E57Error as error:
            return Preflight(name, size, None, (), 0, 0, (E01.finding(name, size, sentence=str(error)),))
        candidates = find_photospheres(contents)
        stations = {image.index: sphere.station for sphere in candidates.usable for image in sphere.images}
        findings = [
            _finding(name, remark, E03, None if remark.image is None else stations.get(remark.image))
            for remark in candidates.remarks
        ]
        if size > max_bytes:
            message = f"{name} has {size:,} bytes; CDF takes {max_bytes:,} at most. Export it in several files."
            findings.insert(0, E04.finding(name, size, sentence=message))
        try:
            pictures = PictureHeaders(file, max_megapixels, decode)
            usable = [sphere for sphere in candidates.usable if _pictures_sound(file, sphere, pictures, findings)]
        except E57Error as error:
            findings.insert(0, E01.finding(name, size, sentence=str(error)))
            usable = []
        if not usable and not any(is_of_file(finding) for finding in findings):
            why = _why_none(contents, candidates, findings)
            findings.insert(0, E02.finding(name, candidates.total, sentence=f"{name} holds {why}"))
        return Preflight(
            name, size, contents, tuple(usable), candidates.total, candidates.other_images, tuple(findings)
        )


def is_of_file(finding: Finding) -> bool:
    """Return whether nothing of the file can be used for what a finding says."""
    return finding.station is None and finding.disposition is Disposition.QUARANTINE


def with_verification(found: Preflight, verified: Verification) -> Preflight:
    """Add the result of `verify` to a preflight; a damaged file has no usable spheres."""
    finding = verified.finding
    if finding is None or any(known.rule == E01.id for known in found.findings):
        return found
    return replace(found, photospheres=(), findings=(finding, *found.findings))


def _finding(where: str, remark: Remark, rule: Rule, station: str | None = None) -> Finding:
    if remark.fatal:
        disposition = Disposition.QUARANTINE
    else:
        disposition = Disposition.NOTE if remark.note else Disposition.WARN
    sentence = f"{where}: {remark.label} {remark.message}."
    finding = rule.finding(where, remark.value, sentence=sentence, station=station or remark.label)
    return replace(finding, disposition=disposition)


def _pictures_sound(file: PagedFile, sphere: Photosphere, pictures: PictureHeaders, findings: list[Finding]) -> bool:
    """Return whether every picture of a sphere is valid; faults are added to the findings."""
    sizes = set()
    images = {id(face.picture): face.image for face in sphere.faces}
    for picture in sphere.pictures:
        label = images.get(id(picture), sphere.images[0]).label
        assert picture.blob is not None
        try:
            header = pictures.header(picture.blob)
        except ImageError as error:
            remarks, size = [_refused(label, picture.blob, error)], None
        except DamagedError:
            raise
        except E57Error as error:
            text = str(error).removeprefix(f"{file.where}: ").rstrip(".")
            findings.append(
                _finding(file.where, Remark(label, str(picture.blob.offset), f"- {text}", True), E04, sphere.station)
            )
            return False
        else:
            remarks, size = _picture_remarks(header, picture, label, sphere, pictures)
        findings.extend(_finding(file.where, remark, E03, sphere.station) for remark in remarks)
        if size is None:
            return False
        sizes.add(size)
    if len(sizes) > 1:
        text = ", ".join(f"{width} x {height}" for width, height in sorted(sizes))
        remark = Remark(sphere.name, text, f"has faces of different sizes ({text})")
        findings.append(_finding(file.where, remark, E03, sphere.station))
    return True


class PictureHeaders:
    """Cache of picture headers of one file, since images may share a picture."""

    def __init__(self, file: PagedFile, max_megapixels: float, decode: bool) -> None:
        self._file = file
        self._max_megapixels = max_megapixels
        self._decode = decode
        self._claimed = 0
        self._known: dict[Blob, ImageHeader | E57Error | ImageError] = {}
        self._placed: dict[Blob, Placement | ImageError | None] = {}

    def header(self, blob: Blob) -> ImageHeader:
        """Return a picture's header; ImageError if it is unusable, E57Error if it does not lie in the file."""
        if blob not in self._known:
            try:
                self._known[blob] = self._looked_at(blob)
            except DamagedError:
                raise
            except (E57Error, ImageError) as error:
                self._known[blob] = error
        known = self._known[blob]
        if isinstance(known, Exception):
            raise known
        return known

    def placement(self, blob: Blob, header: ImageHeader) -> Placement | None:
        """Return where a picture that is a part of a sphere lies; ImageError if its GPano block is unusable."""
        if blob not in self._placed:
            try:
                self._placed[blob] = placement(header, "the picture", self._max_megapixels)
            except ImageError as error:
                self._placed[blob] = error
        placed = self._placed[blob]
        if isinstance(placed, ImageError):
            raise placed
        return placed

    def _looked_at(self, blob: Blob) -> ImageHeader:
        with open_picture(self._file, blob) as stream:
            self._claimed += blob.length
            if self._claimed > self._file.size:
                raise E57Error(f"{self._file.where}: its pictures lie one over the other. Export it again.")
            header = read_header(stream, "the picture", self._max_megapixels, behind_pixels=self._decode)
            if blob.length > _MOST_BYTES_PER_PIXEL * header.width * header.height + _MOST_BESIDE_PIXELS:
                raise ImageError(
                    f"the picture has {blob.length:,} bytes, more than its {header.width} x {header.height} pixels can "
                    "take. Export it again."
                )
            if self._decode:
                stream.seek(0)
                return check_whole(stream.read(), "the picture", self._max_megapixels).header
            check_pixels_usable(header, "the picture")
            if not _ends(stream, blob.length, header.mime_type):
                raise ImageError("the picture is cut off. Export it again.")
            return header


def _refused(label: str, blob: Blob, error: Exception) -> Remark:
    return Remark(label, str(blob.offset), f"- {str(error).rstrip('.')}", fatal=True)


def _picture_remarks(
    header: ImageHeader, picture: Representation, label: str, sphere: Photosphere, pictures: PictureHeaders
) -> tuple[list[Remark], tuple[int, int] | None]:
    """Return remarks about one picture and its actual size; no size if the picture is unusable."""
    remarks: list[Remark] = []
    assert picture.blob is not None
    try:
        if sphere.panorama:
            check_full_panorama(*header.upright_size, "the picture")
            if part := pictures.placement(picture.blob, header):
                full = f"{part.width} x {part.height}"
                text = f"is a part of a sphere of {full} by its GPano block. Export the whole sphere"
                return [Remark(label, full, text, fatal=True)], None
    except (ProjectionError, ImageError) as error:
        return [_refused(label, picture.blob, error)], None
    size = header.upright_size if sphere.panorama else (header.width, header.height)
    if header.orientation != 1 and not sphere.panorama:
        turned = f"is to be turned by its EXIF orientation ({header.orientation}), which faces must not be"
        return [Remark(label, str(header.orientation), f"{turned}. Export it upright", fatal=True)], None
    if header.orientation != 1:
        text = f"was turned upright by its EXIF orientation ({header.orientation})"
        remarks.append(Remark(label, str(header.orientation), text, note=True))
    if header.mime_type != picture.blob.mime_type:
        remarks.append(Remark(label, header.mime_type, f"is called {picture.blob.mime_type} and is {header.mime_type}"))
    said = picture.width, picture.height
    if said not in ((0, 0), size, (header.width, header.height)):
        text = f"says {said[0]} x {said[1]} pixels and has {size[0]} x {size[1]}"
        remarks.append(Remark(label, f"{size[0]} x {size[1]}", text))
    upright = [face for face in sphere.faces if face.picture is picture and face.fits]
    if upright and header.width != header.height:
        text = f"is {size[0]} x {size[1]} pixels; a cube face must be square"
        return [*remarks, Remark(label, f"{size[0]} x {size[1]}", text, fatal=True)], None
    return remarks, size


def _ends(stream: IO[bytes], length: int, mime_type: str) -> bool:
    """Whether the end of a picture is near the end of its bytes; decoding finds what this misses."""
    end = b"\xff\xd9" if mime_type == "image/jpeg" else b"IEND"
    for tail in _TAILS:
        stream.seek(max(0, length - tail))
        if end in stream.read(tail):
            return True
    return False


def _why_none(contents: Contents, candidates: Candidates, findings: list[Finding]) -> str:
    """Explain why a file has no usable sphere."""
    if candidates.total:
        faults = [finding for finding in findings if finding.disposition is Disposition.QUARANTINE]
        first = f": {faults[0].message.removeprefix(f'{faults[0].where}: ')}" if faults else "."
        return f"no usable one of {counted(candidates.total, 'photosphere')}{first}"
    if not contents.images:
        scans = f" ({counted(contents.scans, 'scan')} only)" if contents.scans else ""
        return f"no images{scans}. Export it with its panoramas."
    kinds = sorted({_KIND_WORDS[one.kind] for image in contents.images for one in image.representations})
    only = f" (only {' and '.join(kinds)})" if kinds else ""
    return (
        f"{counted(len(contents.images), 'image')} but no 360 panorama{only}. "
        "Export it with spherical images or six cube faces a station."
    )


_KIND_WORDS = {
    "visual": "reference photos",
    "pinhole": "single photos",
    "cylindrical": "cylindrical pictures",
    "spherical": "spherical images",
}
