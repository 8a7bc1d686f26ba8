"""From what the stages found to one verdict: quarantine by station, and one root cause where that went too far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from capture360.checks.rules import RULES
from capture360.checks.violations import MOST_TOLD, FindingGroup, RowViolations
from capture360.model import Verdict
from capture360.rules.finding import Disposition, Finding
from capture360.settings.checks import CheckSettings

if TYPE_CHECKING:
    import pandas as pd

Group = RowViolations | FindingGroup
_ORDER = list(Disposition)
_RANGES_SHOWN = 6


@dataclass(frozen=True)
class Settled:
    """The verdict with the sentences to tell, the rows behind them, and the stations held back."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    bad_rows: tuple[Finding, ...] = ()
    quarantined: dict[str, tuple[str, ...]] = field(default_factory=dict)
    accepted: frozenset[str] = frozenset()
    failed: dict[str, int] = field(default_factory=dict)
    total: int = 0

    def also(self, findings: Sequence[Finding]) -> Settled:
        """The same verdict with what follows from it."""
        failed = dict(self.failed)
        for finding in findings:
            failed[finding.rule] = failed.get(finding.rule, 0) + 1
        told = sorted((*self.findings, *findings), key=lambda finding: _ORDER.index(finding.disposition))
        return replace(self, findings=tuple(told), failed=failed)


def settle(groups: Iterable[Group], stations: pd.Series[str], settings: CheckSettings) -> Settled:
    """The verdict on a capture with these station ids, one per row of its table."""
    groups = [group for group in groups if len(group)]
    stopping = {group.rule for group in groups if _disposition(group, settings) is Disposition.STOP}
    explained = {other for rule in stopping for other in RULES[rule].explains}
    groups = [group for group in groups if group.rule not in explained]
    failed: dict[str, int] = defaultdict(int)
    for group in groups:
        failed[group.rule] += len(group)
    held: dict[str, list[str]] = {}
    by_rule: dict[str, list[Group]] = defaultdict(list)
    told: list[Finding] = []
    bad_rows: list[Finding] = []
    for group in groups:
        if _disposition(group, settings) is Disposition.QUARANTINE:
            by_rule[group.rule].append(group)
        else:
            told += _at(group, _disposition(group, settings))
    ids = stations.unique()
    nameless = int((stations == "").sum())
    total = len(ids) + max(0, nameless - 1)
    hit_by_rule = {rule: _hit(found, ids) for rule, found in by_rule.items()}
    most = _allowed(total, settings)
    held_back = len(set().union(*hit_by_rule.values())) + max(0, nameless - 1)
    root = max(hit_by_rule, key=lambda rule: len(hit_by_rule[rule]), default="")
    hit = len(hit_by_rule[root]) + (max(0, nameless - 1) if root == "I01" else 0) if root else 0
    dominant = hit > most
    if dominant:
        told.append(_one_cause(root, by_rule[root], hit, total))
    elif held_back > most:
        told.append(_many_causes(root, by_rule, held_back, total))
    for rule, found in by_rule.items():
        for group in found:
            if dominant and rule == root:
                bad_rows += group.findings()
            else:
                told += _at(group, Disposition.QUARANTINE)
            for station in group.stations():
                if station:
                    held.setdefault(str(station), []).append(rule)
    told.sort(key=lambda finding: _ORDER.index(finding.disposition))
    kept = frozenset(ids).difference(held, ("",))
    stopped = any(finding.disposition is Disposition.STOP for finding in told)
    verdict = Verdict.REJECTED if stopped or not kept else Verdict.PARTIAL if held or nameless else Verdict.ACCEPTED
    quarantined = {station: tuple(dict.fromkeys(rules)) for station, rules in held.items()}
    return Settled(
        verdict,
        tuple(told),
        tuple(bad_rows),
        quarantined,
        frozenset() if verdict is Verdict.REJECTED else kept,
        dict(failed),
        total,
    )


def stopped(groups: Iterable[Group], settings: CheckSettings) -> bool:
    """Whether something was found that stops the capture by itself, so that later stages need not run."""
    return any(_disposition(group, settings) is Disposition.STOP for group in groups if len(group))


def _disposition(group: Group, settings: CheckSettings) -> Disposition:
    """As the rule has it, or one step graver where the site is strict."""
    if isinstance(group, FindingGroup):
        plain = group.told[0].disposition
    else:
        plain = RULES[group.rule].messages[group.message].disposition or RULES[group.rule].disposition
    if not settings.strict or plain is Disposition.NOTE:
        return plain
    if plain is Disposition.WARN and len(group.stations()):
        return Disposition.QUARANTINE
    return Disposition.STOP


def _at(group: Group, disposition: Disposition) -> list[Finding]:
    told = [replace(finding, disposition=disposition) for finding in group.findings()]
    if len(group) > MOST_TOLD:
        last = told[-1]
        told[-1] = replace(last, message=f"{last.message} (And {len(group) - MOST_TOLD:,} more of the same kind.)")
    return told


def _hit(groups: Sequence[Group], ids: Any) -> set[str]:
    """Ids of the capture's stations that a rule holds back."""
    hit = set().union(*(set(group.stations()) for group in groups))
    return hit.intersection(ids)


def _allowed(total: int, settings: CheckSettings) -> float:
    """How many stations may be held back; never all of them."""
    if settings.strict:
        return 0
    fraction = max(0, min(settings.max_quarantine_fraction * total, total - 1))
    most = settings.max_quarantined_stations
    return fraction if most is None else min(fraction, most)


def _one_cause(rule: str, groups: Sequence[Group], hit: int, total: int) -> Finding:
    """One sentence for many rows: how many, where, the first of them, and what may be behind it."""
    first = next(finding for group in groups for finding in group.findings(1))
    cause = next((group.cause for group in groups if group.cause), "")
    rows = sorted({finding.row for group in groups for finding in group.findings() if finding.row})
    where = f"{first.path} {'row' if len(rows) == 1 else 'rows'} {ranges(rows)}" if rows and first.row else first.where
    title = RULES[rule].title
    message = (
        f"{hit:,} of {total:,} stations break one rule: {title[0].lower()}{title[1:]}.{cause} "
        f"The first: {first.message} ({where})"
    )
    return replace(first, disposition=Disposition.STOP, where=where, message=message, station=None)


def _many_causes(root: str, by_rule: Mapping[str, Sequence[Group]], held_back: int, total: int) -> Finding:
    """Too many stations are held back, but by several faults."""
    first = next(finding for group in by_rule[root] for finding in group.findings(1))
    message = (
        f"{held_back:,} of {total:,} stations are held back, by {len(by_rule)} different faults; that is more than the "
        f'site allows. The rule they break most often is {root}, "{RULES[root].title}", first in {first.where}. '
        "Mend them and deliver again."
    )
    return replace(first, disposition=Disposition.STOP, message=message, station=None, row=None, column=None)


def ranges(numbers: Sequence[int], most: int = _RANGES_SHOWN) -> str:
    """2, 3, 4, 9 as "2-4, 9"; after `most` spans the rest is counted."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    shown = [f"{low}-{high}" if low != high else f"{low}" for low, high in spans[:most]]
    return ", ".join(shown) + (f" and {len(spans) - most} more places" if len(spans) > most else "")
