"""The first sheet of an .xlsx workbook, measured before it is read.

A spreadsheet library lays a sheet out as a full grid up to its last cell, and copies a shared text into every cell that
uses it: two cells or one long text can ask for many gigabytes. So the parts are streamed once with an XML parser that
only counts, and the library gets exactly the parts that were counted.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from typing import IO

from capture360 import lfs
from capture360.readers.expansion import most_unpacked, too_large, too_long, too_wide, unreadable
from capture360.readers.workbook_xml import WorkbookError, parse

_BOOK, _RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
_ADDRESS = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
_ROW = re.compile(r"[1-9][0-9]{0,6}")
_CELL = 32
"""Bytes of memory that an empty cell of the grid takes at least."""
_BLOCK = 1 << 16
_ENCRYPTED = 0x1
_VALUES = ("v", "f", "is")
_RANGE = re.compile(r"[A-Za-z]{1,3}([0-9]{1,7}):[A-Za-z]{1,3}([0-9]{1,7})")
_NAMED = 20
"""Joined cells that are named at most."""


@dataclass(frozen=True, slots=True)
class FirstSheet:
    """The first sheet that people see and that holds cells: a workbook of it alone, its place, and what it lacks.

    `others` are the names of the further ones; `lacking` are cells without a value (formulas that were never
    calculated, errors of Excel), the first of them by its address. `hidden` rows (by a filter, too) and columns hold
    values that people do not see; `merged` are cells joined over several rows, of which only the first has a value.
    """

    content: IO[bytes]
    place: int
    name: str
    others: tuple[str, ...]
    lacking: int
    first_lacking: str
    hidden_rows: tuple[int, ...]
    hidden_columns: tuple[str, ...]
    merged: tuple[str, ...]


def first_sheet(
    stream: IO[bytes], path: str, size: int, *, max_rows: int, max_columns: int, max_bytes: int
) -> FirstSheet:
    """Return the first sheet; Unreadable if it exceeds a limit, WorkbookError if it is damaged."""
    most = most_unpacked(size, max_bytes)
    if stream.read(len(lfs.POINTER)) == lfs.POINTER:
        raise unreadable(path, "an Excel workbook", f"it is {lfs.WHAT}", lfs.FETCH)
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            parts = {entry.filename: entry for entry in archive.infolist()}
            # Some libraries find parts whatever their case, and would read others than those that are counted here.
            if len({name.replace("\\", "/").casefold() for name in archive.namelist()}) < len(archive.namelist()):
                raise WorkbookError("it holds parts of the same name")
            if _BOOK not in parts or _RELATIONS not in parts:
                raise WorkbookError("it is no .xlsx workbook")
            sheets, wanted = _wanted(archive, parts, min(most, 1 << 20))
            unpacked = sum(parts[name].file_size for name in wanted)
            if unpacked > most:
                raise too_large(path, unpacked, most, " unpacked")
            contents = {name: _read(archive, parts[name]) for name in wanted}
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        if isinstance(error, WorkbookError):
            raise
        raise WorkbookError(_other_form(stream)) from None
    lengths: list[int] = []
    for name, content in contents.items():
        if posixpath.basename(name).casefold() == "sharedstrings.xml":
            lengths = _text_lengths(content)
    grid = _Grid(path, max_rows, max_columns, most, lengths)
    parse(contents[wanted[0]], grid.start, grid.end, grid.text)
    grid.judge()
    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    copy.seek(0)
    first, *others = [sheet for sheet in sheets if sheet.holds_cells]
    return FirstSheet(
        copy,
        sheets.index(first),
        first.name,
        tuple(each.name for each in others),
        grid.lacking,
        grid.first_lacking,
        tuple(grid.hidden_rows),
        tuple(
            _letters(each) for each in sorted(grid.used_columns) if any(each in part for part in grid.hidden_columns)
        ),
        tuple(grid.merged),
    )


def _read(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    """Return a part, unpacked to no more than it declares; WorkbookError if it is packed in another way than Excel's.

    The library unpacks all that it reads of other methods before it looks at the declared size.
    """
    if part.flag_bits & _ENCRYPTED:
        raise WorkbookError("it has a password")
    if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise WorkbookError("it is packed by an unusual method")
    content = bytearray()
    with archive.open(part) as stream:
        while block := stream.read(_BLOCK):
            content += block
    return bytes(content)


def _other_form(stream: IO[bytes]) -> str:
    """Word what is no zip archive."""
    stream.seek(0)
    start = stream.read(8)
    if not start:
        return "it is empty"
    if start.startswith(b"PK"):
        return "it is cut off or damaged"
    is_old = start.startswith(b"\xd0\xcf\x11\xe0")
    return "it is a workbook of old Excel, or one with a password" if is_old else "it is no zip archive"


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: str
    relation: str
    is_hidden: bool
    holds_cells: bool = True


def _wanted(archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo], most: int) -> tuple[list[_Sheet], list[str]]:
    """Return all sheets, and the names of the parts that reading the first one needs, the sheet itself first."""
    for name in (_BOOK, _RELATIONS):
        if parts[name].file_size > most:
            raise WorkbookError(f"its list of sheets has {parts[name].file_size:,} bytes")
    sheets: list[_Sheet] = []
    targets: dict[str, str] = {}
    charts: set[str] = set()

    def sheet(name: str, attributes: dict[str, str]) -> None:
        if name == "sheet":
            relation = next((value for key, value in attributes.items() if key.endswith(":id")), "")
            sheets.append(_Sheet(attributes.get("name", ""), relation, attributes.get("state", "visible") != "visible"))

    def relation(name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship":
            targets[attributes.get("Id", "")] = attributes.get("Target", "")
            if attributes.get("Type", "").rpartition("/")[2] in ("chartsheet", "dialogsheet"):
                charts.add(attributes.get("Id", ""))

    parse(_read(archive, parts[_BOOK]), sheet)
    parse(_read(archive, parts[_RELATIONS]), relation)
    if not sheets:
        raise WorkbookError("it has no sheet")
    sheets = [replace(each, holds_cells=each.relation not in charts and not each.is_hidden) for each in sheets]
    if not any(each.holds_cells for each in sheets):
        raise WorkbookError("all of its sheets are hidden, or charts")
    first = next(each for each in sheets if each.holds_cells)
    target = targets.get(first.relation, "")
    part = posixpath.normpath(target.lstrip("/") if target.startswith("/") else f"xl/{target}")
    if part not in parts:
        raise WorkbookError("its first sheet is missing")
    known = ("xl/sharedstrings.xml", "xl/styles.xml", _BOOK, _RELATIONS, "[content_types].xml", "_rels/.rels")
    return sheets, [part, *(name for name in parts if name != part and name.casefold() in known)]


@dataclass
class _Grid:
    """Extent of the cells that have a value, and the amount of their text."""

    path: str
    max_rows: int
    max_columns: int
    most: int
    shared: list[int]
    height: int = 0
    width: int = 0
    bytes: int = 0
    lacking: int = 0
    first_lacking: str = ""
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[range] = field(default_factory=list)
    used_columns: set[int] = field(default_factory=set)
    merged: list[str] = field(default_factory=list)
    _row_is_hidden: bool = False
    _top: int = 0
    """Row of the first value, which is taken for the header."""
    _row: int = 0
    """Of the element around the cells, which counts for those without an address."""
    _cell_row: int = 0
    _column: int = 0
    _refers: bool = False
    _index: list[str] = field(default_factory=list)
    _inside: str = ""
    _address: str = ""
    _computed: bool = False
    """Whether the cell holds a formula of which no value has been seen, or an error."""
    _is_error: bool = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            self._row = _row_number(attributes.get("r")) or self._row + 1
            self._column = 0
            self._row_is_hidden = _is_set(attributes.get("hidden"))
        elif name == "col" and _is_set(attributes.get("hidden")):
            first, last = _number(attributes.get("min")) or 1, _number(attributes.get("max")) or 0
            # A sheet has one element for each column at most; a damaged one may repeat them a million times.
            if len(self.hidden_columns) < self.max_columns:
                self.hidden_columns.append(range(first, last + 1))
        elif name == "mergeCell" and (found := _RANGE.fullmatch(attributes.get("ref", ""))):
            if int(found[1]) > self._top and found[1] != found[2] and len(self.merged) < _NAMED:
                self.merged.append(attributes["ref"])
        elif name == "c":
            self._place(attributes.get("r", ""))
            self._refers = attributes.get("t") == "s"
            self._address = f"{_letters(self._column)}{self._cell_row}"
            self._is_error = self._computed = attributes.get("t") == "e"
        elif name in _VALUES:
            self._inside = name
            self._index.clear()
            self._computed = self._computed or name == "f"
            self._valued()
        elif name == "t":
            self._inside = "t"

    def end(self, name: str) -> None:
        if name == "v" and self._refers:
            index = _number("".join(self._index).strip())
            self.bytes += self.shared[index] if index is not None and index < len(self.shared) else 0
        if name in _VALUES or name == "t":
            self._inside = ""
        if name == "c" and self._computed:
            self.lacking += 1
            self.first_lacking = self.first_lacking or self._address

    def text(self, data: str) -> None:
        if self._inside in ("v", "t") and not self._is_error and data.strip():
            self._computed = False
        if self._inside == "v" and self._refers:
            self._index.append(data[:16])
        elif self._inside:
            self.bytes += len(data)

    def judge(self) -> None:
        """Raise Unreadable if the grid is too large. Called at each cell, so that counting stops early."""
        if self.width > self.max_columns:
            raise too_wide(self.path, f"cell {_letters(self.width)}{self.height}", self.max_columns)
        if self.height > self.max_rows + 1:
            raise too_long(self.path, self.max_rows, "Save it as CSV or Parquet.")
        needed = self.bytes + self.height * self.width * _CELL
        if needed > self.most:
            raise too_large(self.path, needed, self.most, " unpacked")

    def _place(self, address: str) -> None:
        if not address:
            self._cell_row = self._row
            self._column += 1
            return
        found = _ADDRESS.fullmatch(address)
        if found is None:
            raise WorkbookError(f'a cell has the address "{address[:20]}"')
        self._cell_row, self._column = int(found[2]), 0
        for letter in found[1].upper():
            self._column = 26 * self._column + ord(letter) - 64

    def _valued(self) -> None:
        self.height, self.width = max(self.height, self._cell_row), max(self.width, self._column)
        self._top = self._top or self._cell_row
        self.used_columns.add(self._column)
        if self._row_is_hidden and self.hidden_rows[-1:] != [self._cell_row]:
            self.hidden_rows.append(self._cell_row)
        self.judge()


def _text_lengths(content: bytes) -> list[int]:
    """Characters of each shared text."""
    lengths: list[int] = []

    def start(name: str, _: dict[str, str]) -> None:
        if name == "si":
            lengths.append(0)

    def text(data: str) -> None:
        if lengths:
            lengths[-1] += len(data)

    parse(content, start, text=text)
    return lengths


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,9}", text) else None


def _row_number(text: str | None) -> int | None:
    """Return the number of a row, None if it states none; WorkbookError for what the library reads as another one."""
    if text is not None and _ROW.fullmatch(text) is None:
        raise WorkbookError(f'a row has the number "{text[:20]}"')
    return _number(text)


def _is_set(text: str | None) -> bool:
    return text in ("1", "true")


def _letters(column: int) -> str:
    """Letters of a column's number: AB for 28."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
