"""Sensing: what lies in the landing zones, which captures are complete, and which of them to announce."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from capture360.landing.listing import capture_folder, captures
from capture360.landing.settling import Look, settling
from capture360.model import CaptureKey, Disposition, Finding
from capture360.records import SENSING, STATE_STEPS, Receipt, Records, State
from capture360.settings import Register, Site
from capture360.steps import lease

_LOOK = "look"
_CONTEXTUALIZE = "contextualize"
_FINDINGS = f"{SENSING}/findings.json"
_LONGEST_WAIT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Sensed:
    """`ready` are to be announced now; `waiting` says why each of the others is not; `findings` are what is wrong.

    `published` are to be announced again for contextualization, which has not come to an end. `news` are those findings
    that the look before did not have. Captures that came to an end, and did not change since, are in none.
    """

    ready: tuple[CaptureKey, ...]
    waiting: tuple[tuple[CaptureKey, str], ...]
    findings: tuple[Finding, ...]
    published: tuple[CaptureKey, ...] = ()
    news: tuple[Finding, ...] = ()


def sense(
    register: Register,
    records: Records,
    *,
    now: datetime,
    is_finished: Callable[[str], bool] = lease.process_is_finished,
    run: str | None = None,
) -> Sensed:
    """Look at every site's landing zone. An error in one site or capture never hides the others.

    Level-triggered: a complete capture without an end state is ready, and again each `announce_again_after`, unless an
    unfinished run holds its lease. `is_finished` is asked about that run. `run` names this look: done again after a
    kill, the same look announces the same captures.
    """
    looking = _Looking(records, now, is_finished, run)
    ready: list[CaptureKey] = []
    published: list[CaptureKey] = []
    waiting: list[tuple[CaptureKey, str]] = []
    findings: list[Finding] = []
    for site_id in register.site_ids:
        try:
            site = register.site(site_id)
            keys, misnamed = captures(site)
        except Exception as error:  # noqa: BLE001 - stores raise what they like, and the other sites must be seen
            findings.append(_finding(site_id, str(error)))
            continue
        findings += [
            _finding(
                f"{site.landing.url}/{name}",
                f'The folder "{name}" is no capture: use letters, digits, dot, underscore and minus in its name.',
            )
            for name in misnamed
        ]
        for key in keys:
            try:
                why = looking.waiting_for(site, key)
            except Exception as error:  # noqa: BLE001 - as above: one broken folder must not hide the others
                findings.append(_finding(str(key), str(error)))
                continue
            if why is None:
                ready.append(key)
            elif why is _TO_CONTEXTUALIZE:
                published.append(key)
            elif why:
                waiting.append((key, why))
    return Sensed(tuple(ready), tuple(waiting), tuple(findings), tuple(published), _news(records, findings))


_TO_CONTEXTUALIZE = "contextualization"


@dataclass(frozen=True, slots=True)
class _Looking:
    """One look at all landing zones."""

    records: Records
    now: datetime
    is_finished: Callable[[str], bool]
    run: str | None

    def waiting_for(self, site: Site, key: CaptureKey) -> str | None:
        """None if the capture is to be announced, which is recorded; empty if it is done; else what it waits for."""
        note = self.records.note(key, _LOOK)
        last = Look.from_document(note) if note else None
        folder = capture_folder(site, key)
        settled = settling(folder, last, site.landing, self.now)
        receipt = self.records.load(key, settled.look.fingerprint, only=STATE_STEPS)
        if receipt is not None and receipt.state.is_end:
            return _TO_CONTEXTUALIZE if self._contextualize_again(site, receipt) else ""
        if settled.look != last:
            self.records.put_note(key, _LOOK, settled.look.document())
        if settled.waiting_for is not None:
            return settled.waiting_for
        holder = self._holder(key)
        if holder is not None:
            return f"its turn: it is being written by {holder}"
        announced = None if receipt is None else receipt.body("sense")
        if announced is not None and not self._is_mine(announced):
            at = datetime.fromisoformat(announced["announced"])
            if self.now - at < site.announce_again_after:
                return f"its run: announced at {at.isoformat(timespec='seconds')}"
        body = {
            "announced": self.now.isoformat(),
            "by": self.run,
            "files": len(folder.files),
            "bytes": sum(folder.sizes.values()),
        }
        self.records.put(key, settled.look.fingerprint, "sense", body, run=self.run or "sense")
        return None

    def _is_mine(self, announced: Mapping[str, Any]) -> bool:
        """Whether this look announced it before it was killed."""
        return self.run is not None and announced.get("by") == self.run

    def _holder(self, key: CaptureKey) -> str | None:
        """The unfinished run that holds the capture's lease."""
        holder = lease.holder(self.records, key)
        return None if holder is None or self.is_finished(holder) else holder

    def _contextualize_again(self, site: Site, receipt: Receipt) -> bool:
        """Whether to announce a published capture whose contextualization has not ended; which is noted.

        Its event is lost while that DAG is paused. Each wait is twice as long as the one before, up to a day.
        """
        if receipt.state is not State.PUBLISHED or not site.links.enabled or self._holder(receipt.key):
            return False
        note = self.records.note(receipt.key, _CONTEXTUALIZE) or {}
        mine = note.get("fingerprint") == receipt.fingerprint
        times = int(note["times"]) if mine else 0
        since = datetime.fromisoformat(note["announced"]) if mine else receipt.records[-1].at
        if not (mine and self._is_mine(note)):
            if self.now - since < min(site.announce_again_after * 2**times, _LONGEST_WAIT):
                return False
            times += 1
        body = {"fingerprint": receipt.fingerprint, "announced": self.now.isoformat(), "times": times, "by": self.run}
        self.records.put_note(receipt.key, _CONTEXTUALIZE, body)
        return True


def _news(records: Records, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings that the last look did not have; this look's are kept for the next."""
    told = sorted({f"{finding.where}: {finding.message}" for finding in findings})
    content = records.store.read(_FINDINGS)
    before = [] if content is None else json.loads(content)
    if told != before:
        records.store.put(_FINDINGS, json.dumps(told, ensure_ascii=False).encode())
    return tuple(finding for finding in findings if f"{finding.where}: {finding.message}" not in set(before))


def _finding(where: str, message: str) -> Finding:
    return Finding(rule="sense", disposition=Disposition.STOP, where=where, value="", message=message)
