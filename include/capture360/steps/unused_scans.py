"""E57 files in CDF of deliveries whose upload broke off, and that no later delivery uses.

Their ids carry the capture, so they are never those of another one.
"""

from __future__ import annotations

from collections.abc import Sequence

from capture360 import names
from capture360.capture_document import capture_from_document
from capture360.capture_state import PUBLISH
from capture360.cdf.registry import mode_of
from capture360.cdf.three_d.scans import ScansMade
from capture360.errors import CdfError
from capture360.model import CaptureKey
from capture360.steps.context import StepContext
from capture360.steps.e57_extraction import REVISION, recorded_spaces
from capture360.steps.route import extraction_space
from capture360.steps.validation_record import CAPTURE
from capture360.text import counted


def unused_scans(ctx: StepContext, key: CaptureKey) -> list[str]:
    """Return external ids of E57 files in CDF that are of deliveries before the published one, and without revision."""
    unused, spaces = _unused(ctx, key)
    backend = mode_of(ctx.cdf).scans(ctx.cdf, ctx.site)
    return sorted({name for space in spaces for name in backend.unused(key, unused, space)})


def remove_unused_scans(ctx: StepContext, key: CaptureKey) -> None:
    """Remove what `unused_scans` returns, but for spaces that CDF does not give: reconciliation reports those."""
    unused, spaces = _unused(ctx, key)
    backend = mode_of(ctx.cdf).scans(ctx.cdf, ctx.site)
    for space in spaces:
        try:
            found = backend.unused(key, unused, space)
            if found:
                backend.remove(ScansMade(files=frozenset(found)), space)
        except CdfError as error:
            ctx.log(f"E57 files that a delivery left whose upload broke off stay in space {space}: {error}")
            continue
        if found:
            ctx.log(f"{counted(len(found), 'E57 file')} removed that a delivery left whose upload broke off")


def _unused(ctx: StepContext, key: CaptureKey) -> tuple[Sequence[str], Sequence[str]]:
    """Return the files that no delivery uses, and the spaces to ask for them; no spaces if there are no such files.

    A delivery that was validated after the published one may be about to be extracted: its run may wait for its turn.
    """
    records = ctx.records
    published = records.newest_with(key, PUBLISH)
    accepted = records.get(key, published, CAPTURE) if published else None
    if accepted is None:
        return (), ()
    wanted, used = set[str](), set[str]()
    for fingerprint in records.fingerprints(key):
        record = records.get(key, fingerprint, CAPTURE)
        if record is None:
            continue
        scans = capture_from_document(record.body).scans
        is_used = record.at > accepted.at or fingerprint == published or records.has(key, fingerprint, REVISION)
        (used if is_used else wanted).update(names.e57_id(key, path, sha256) for path, sha256 in scans.items())
    if not wanted - used:
        return (), ()
    return sorted(wanted - used), sorted({*recorded_spaces(records, key), extraction_space(ctx.site, key)})
