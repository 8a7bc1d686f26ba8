"""Changes in the landing zones from one poll to the next, for the watcher that wakes captures_sense.

A poll of a site lists the names of its capture folders, the marks of sensing, every capture that has not ended, and
ENDED_AT_ONCE of the others in turn: however many have ended, it takes the same requests. An ended capture is compared
with its mark, so that what changed while no watcher ran is found as well. If it differs, the mark is removed: sensing
lists the capture at every sensing from then on.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from datetime import timedelta
from functools import partial

from capture360.landing.fingerprint import fingerprint
from capture360.landing.listing import capture_folder, captures
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.settings.register import Register
from capture360.settings.site import Site
from capture360.steps.listing_state import ENDED_AT_ONCE, in_turn
from capture360.steps.sense_findings import is_found
from capture360.text import digest_of

_SIDE_BY_SIDE = 16
"""Folders that are listed at once."""
_NAMES = ""
"""Stands for the names of a site's captures among the digests of their folders."""
_IN_ERROR = "in error"


class LandingChanges:
    """What earlier polls saw: digests by site and capture, and the ended capture at which a site's turns continue.

    `trouble` is why sites could not be listed at the last poll, although captures_sense lists them.
    """

    def __init__(self) -> None:
        self._seen: dict[str, Mapping[str, str]] = {}
        self._next: dict[str, str] = {}
        self.trouble: Mapping[str, str] = {}

    def poll(self) -> tuple[bool, timedelta]:
        """Return whether anything has changed since the last poll, and the longest quiet period of the sites.

        A site in error contributes that fact alone. captures_sense reports the error, unless only this host has it.
        """
        register = Register()
        records = Records(register.records_url)
        has_changed = False
        quiet_period = timedelta()
        trouble: dict[str, str] = {}
        for site_id in register.site_ids:
            try:
                site = register.site(site_id)
                quiet_period = max(quiet_period, site.landing.quiet_period)
                has_changed |= self._has_changed(site, records)
            except Exception as error:  # noqa: BLE001 - stores raise what they like, and the other sites must be seen
                trouble[site_id] = str(error)
                before = self._seen.get(site_id, {})
                self._seen[site_id] = {**before, _NAMES: _IN_ERROR}
                has_changed |= before.get(_NAMES) != _IN_ERROR
        self.trouble = {site: why for site, why in trouble.items() if not is_found(records, site)}
        return has_changed, quiet_period

    def _has_changed(self, site: Site, records: Records) -> bool:
        listing = captures(site)
        marks: dict[str, set[str]] = {}
        for capture, mark in records.done(site.id):
            marks.setdefault(capture, set()).add(mark)
        names = [key.capture for key in listing.keys]
        ended = [name for name in names if name in marks]
        # A watcher that seldom lives for all turns begins elsewhere each time.
        begin = self._next.get(site.id) or random.choice(ended or [""])
        turn, following = in_turn(ended, begin, ENDED_AT_ONCE)
        looked_at = [name for name in names if name not in marks or name in turn]
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            found = dict(zip(looked_at, pool.map(partial(_state, site), looked_at), strict=True))
        unmarked = [name for name in turn if found[name].delivery not in {*marks[name], _IN_ERROR}]
        for name in unmarked:
            for mark in marks[name]:
                records.unmark_done(CaptureKey(site.id, name), mark)
        before = self._seen.get(site.id, {})
        now = {
            _NAMES: digest_of([names, [astuple(each) for each in listing.left_out], dict(listing.changed)]),
            **{name: before[name] for name in names if name in before},
            **{name: state.digest for name, state in found.items()},
        }
        self._seen[site.id] = now
        self._next[site.id] = following
        # An ended capture that a watcher sees for the first time has changed only if its mark says so.
        return bool(unmarked) or any(
            digest != before.get(name) for name, digest in now.items() if name not in marks or name in before
        )


@dataclass(frozen=True, slots=True)
class _State:
    """A digest of everything in a capture's folder, and the fingerprint of the delivery."""

    digest: str
    delivery: str


def _state(site: Site, name: str) -> _State:
    """Return the state of a capture's folder; a folder that cannot be listed is in error, and sensing reports it."""
    try:
        folder = capture_folder(site, CaptureKey(site.id, name))
        entries = [*map(astuple, folder.files), *map(astuple, folder.left_out)]
        return _State(digest_of([entries, dict(folder.hidden)]), fingerprint(folder, site.landing.ready_markers))
    except Exception:  # noqa: BLE001 - stores raise anything, and one broken folder must not hide the others
        return _State(_IN_ERROR, _IN_ERROR)
