"""Great Expectations' Data Docs of a site, from the validation results that the records keep. Reads only."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from capture360.errors import BadInputError, RecordsError
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.reports.data_docs import KeptResult, build_data_docs
from capture360.steps.validation_record import SUITES

_MARKER = ".capture360-gx-docs"
"""Marks a folder as written by this step, so that it may be overwritten."""
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class DataDocs:
    """`index` is the first page; `left_out` counts older deliveries, `damaged` has a sentence a broken record."""

    index: Path
    deliveries: int
    left_out: int
    damaged: Sequence[str]


def gx_docs(records: Records, site: str, folder: Path, most: int) -> DataDocs:
    """Write the pages of the `most` deliveries of a site that were validated last.

    BadInputError if the folder holds anything but earlier pages, or if no result is kept.
    """
    _refuse_foreign(folder)
    damaged: list[str] = []
    found = sorted(_validated(records, site, damaged), key=lambda each: each[0], reverse=True)
    if not found:
        raise BadInputError(f"No validation result of {site} is kept. Ingest a capture whose tables can be read.")
    newest = found[:most]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / _MARKER).touch()
    index = build_data_docs((each for _, key, delivery in newest for each in _kept(records, key, delivery)), folder)
    return DataDocs(index, len(newest), len(found) - len(newest), damaged)


def _validated(records: Records, site: str, damaged: list[str]) -> Iterator[tuple[datetime, CaptureKey, str]]:
    """Time, capture and fingerprint of each delivery with results."""
    for key in records.keys_of(site):
        for fingerprint in records.fingerprints(key):
            try:
                record = records.get(key, fingerprint, SUITES)
            except RecordsError as error:
                damaged.append(str(error))
                continue
            if record is not None and record.body["results"]:
                yield record.at, key, fingerprint


def _kept(records: Records, key: CaptureKey, fingerprint: str) -> Iterator[KeptResult]:
    record = records.get(key, fingerprint, SUITES)
    if record is not None:
        for document in record.body["results"]:
            yield KeptResult(key.capture, fingerprint[:_SHOWN], record.at, document)


def _refuse_foreign(folder: Path) -> None:
    if folder.exists() and not (folder / _MARKER).exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInputError(f"{folder} holds other files. Name an empty or a new folder with --out.")
