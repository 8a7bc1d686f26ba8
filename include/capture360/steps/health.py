"""Health for monitoring, by the last look of captures_watch and the last sensing of the landing zones.

Takes one read, and one for each site; nothing is searched for.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from capture360 import dag_names
from capture360.records import EXTRACTIONS, Records
from capture360.settings.register import Register
from capture360.steps.last_sensing import last_sensing
from capture360.steps.watch_life import LONGEST_BETWEEN, Found, last_look
from capture360.text import counted

_SENSE = "sensing has stopped"


@dataclass(frozen=True, slots=True)
class Health:
    """Problems (`causes`), and captures that wait for surveyors or reviewers while all is well."""

    causes: tuple[Found, ...]
    waiting: tuple[Found, ...] = ()
    looked_at: datetime | None = None
    sensed_at: datetime | None = None

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong."""
        return not self.causes

    def without(self, sites: Set[str], connections: Set[str] = frozenset()) -> Health:
        """Return it without details about these sites and the connections that only they use.

        Nor about spaces that captures share, which may be those of such a site.
        """
        if not sites:
            return self
        names = "|".join(map(re.escape, (*sites, EXTRACTIONS)))
        hidden = re.compile(rf"(?<![\w.-])(?:{names})(?![\w-])")  # a site of a longer name is another

        def shown(found: Found) -> Found:
            texts = (found.subject, found.what, found.fix)
            if found.subject not in connections and not any(map(hidden.search, texts)):
                return found
            return replace(found, subject="a site", what="It is about a site that you may not see.", fix="")

        return replace(self, causes=tuple(map(shown, self.causes)), waiting=tuple(map(shown, self.waiting)))

    def document(self) -> dict[str, Any]:
        """Return the health as JSON values; each text is one printable line."""
        return {
            "healthy": self.is_well,
            "causes": [asdict(each) for each in self.causes],
            "waiting": [asdict(each) for each in self.waiting],
            "looked_at": self.looked_at.isoformat() if self.looked_at else None,
            "sensed_at": self.sensed_at.isoformat() if self.sensed_at else None,
        }


def health(register: Register, records: Records, now: datetime) -> Health:
    """Return the known problems. A look that is too old is one as well; its findings still count."""
    last, sensed = last_look(records, now), last_sensing(records, now)
    found = list(last.found) if last else []
    if last is None or now - last.at >= LONGEST_BETWEEN:
        seen = f"looked last at {_at(last.at)}" if last else "has never looked"
        fix = "See whether captures_watch is paused or its runs hang, and whether the scheduler is healthy."
        found.insert(0, Found("nobody watches", dag_names.WATCH, f"captures_watch {seen}.", fix, "platform team"))
    limit = register.watch.sensed_within
    began = last.since if last else None
    latest = max((at for at in (sensed, began) if at is not None), default=None)
    if (latest is None or now - latest > limit) and all(each.kind != _SENSE for each in found):
        seen = f"The last sensing began at {_at(sensed)}." if sensed else "No sensing of the landing zones has ended."
        fix = "See whether captures_sense is paused or its runs hang, and whether scheduler and triggerer are healthy."
        found.append(Found(_SENSE, dag_names.SENSE, seen, fix, "platform team"))
    for more, who in ((last.more, "platform team"), (last.more_waiting, "surveyor")) if last else ():
        if more:
            fix = "The log of captures_watch lists more, the alerts all of it."
            found.append(Found("more findings", dag_names.WATCH, f"{counted(more, 'more finding')}.", fix, who))
    return Health(
        causes=tuple(each for each in found if not each.waits_for_people),
        waiting=tuple(each for each in found if each.waits_for_people),
        looked_at=last.at if last else None,
        sensed_at=sensed,
    )


def unknown(problem: str, fix: str) -> Health:
    """Return the health of a system whose records or register cannot be read."""
    return Health((Found("nobody can say", "records", problem, fix, "platform team"),))


def _at(when: datetime) -> str:
    return when.isoformat(sep=" ", timespec="minutes")
