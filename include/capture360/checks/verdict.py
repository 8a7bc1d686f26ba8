"""The verdict from all violations: stations are quarantined, or the capture is stopped if they are too many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from capture360.checks.rules import RULES
from capture360.checks.violations import MOST_FINDINGS, Group, RowViolations
from capture360.model import Verdict
from capture360.rules.finding import Disposition, Finding
from capture360.settings.checks import CheckSettings
from capture360.text import printable

if TYPE_CHECKING:
    import pandas as pd

_ORDER = list(Disposition)
_RANGES_SHOWN = 6
_MOST_ALIKE = 20
"""Findings of one rule and kind that are listed singly; more are merged into one with their number."""
_PLACES_SHOWN = 3
_LONGEST_PLACE = 80
_CAUSES_NAMED = 3


@dataclass(frozen=True)
class Settled:
    """The verdict with its findings, their rows, and the quarantined stations."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    bad_rows: tuple[Finding, ...] = ()
    quarantined: dict[str, tuple[str, ...]] = field(default_factory=dict)
    accepted: frozenset[str] = frozenset()
    failed: dict[str, int] = field(default_factory=dict)
    total: int = 0

    def also(self, findings: Sequence[Finding]) -> Settled:
        """Add findings that follow from the verdict."""
        failed = dict(self.failed)
        for finding in findings:
            failed[finding.rule] = failed.get(finding.rule, 0) + 1
        shown = sorted((*self.findings, *findings), key=lambda finding: _ORDER.index(finding.disposition))
        return replace(self, findings=tuple(shown), failed=failed)


def settle(groups: Iterable[Group], stations: pd.Series[str], settings: CheckSettings) -> Settled:
    """Decide on a capture with these station ids, one per row of its table."""
    groups = _unrepeated(_unexplained([group for group in groups if len(group)], settings), settings)
    failed: dict[str, int] = defaultdict(int)
    by_rule: dict[str, list[Group]] = defaultdict(list)
    others: list[Group] = []
    for group in groups:
        failed[group.rule] += len(group)
        if _disposition(group, settings) is Disposition.QUARANTINE:
            by_rule[group.rule].append(group)
        else:
            others.append(group)
    findings, bad_rows = _listed(others, settings)
    quarantine = _Quarantine(by_rule, stations.unique(), int((stations == "").sum()))
    stop, root = quarantine.root_cause(settings)
    bad_rows += [
        replace(finding, disposition=Disposition.QUARANTINE)
        for group in by_rule.get(root, ())
        for finding in group.findings()
    ]
    held_one_by_one, counted = _listed(
        [group for rule, found in by_rule.items() if rule != root for group in found], settings
    )
    findings += [*stop, *held_one_by_one]
    bad_rows += counted
    findings.sort(key=lambda finding: _ORDER.index(finding.disposition))
    held = quarantine.rules_by_station()
    kept = frozenset(quarantine.ids).difference(held, ("",))
    rejected = not kept or any(finding.disposition is Disposition.STOP for finding in findings)
    partial = held or quarantine.nameless
    verdict = Verdict.REJECTED if rejected else Verdict.PARTIAL if partial else Verdict.ACCEPTED
    accepted = frozenset() if rejected else kept
    return Settled(verdict, tuple(findings), tuple(bad_rows), held, accepted, dict(failed), quarantine.total)


@dataclass(frozen=True)
class _Quarantine:
    """Groups that quarantine stations, by rule; the distinct ids of the capture; the number of rows without an id."""

    by_rule: Mapping[str, Sequence[Group]]
    ids: Any
    nameless: int

    @property
    def total(self) -> int:
        """Number of stations; each row without an id counts as one."""
        return len(self.ids) + self._more_nameless

    @property
    def _more_nameless(self) -> int:
        """Number of rows without an id beyond the first, which the empty id represents."""
        return max(0, self.nameless - 1)

    def rules_by_station(self) -> dict[str, tuple[str, ...]]:
        """Return the rules that quarantine each station."""
        held: dict[str, dict[str, None]] = {}
        for rule, groups in self.by_rule.items():
            for group in groups:
                for station in group.stations():
                    if station:
                        held.setdefault(str(station), {})[rule] = None
        return {station: tuple(rules) for station, rules in held.items()}

    def root_cause(self, settings: CheckSettings) -> tuple[list[Finding], str]:
        """Return the finding that stops a capture with too many quarantined stations, and its rule."""
        if not self.by_rule:
            return [], ""
        ids = set(self.ids)
        stations = {
            rule: ids.intersection(set().union(*(group.stations() for group in groups)))
            for rule, groups in self.by_rule.items()
        }
        counts = {rule: len(found) + (self._more_nameless if rule == "I01" else 0) for rule, found in stations.items()}
        most, limit = _allowed(self.total, settings), _limit_in_words(settings)
        leading = sorted(rule for rule, count in counts.items() if count == max(counts.values()))
        explained = [rule for rule in leading if any(group.cause for group in self.by_rule[rule])]
        root = (explained or leading)[0]
        if counts[root] > most and len(explained or leading) == 1:
            return [_one_cause(root, self.by_rule[root], counts[root], self.total, limit)], root
        held_back = len(set().union(*stations.values())) + self._more_nameless
        if held_back > most:
            return [_many_causes(leading, self.by_rule, held_back, self.total, limit)], ""
        return [], ""


def stopped(groups: Iterable[Group], settings: CheckSettings) -> bool:
    """Return whether a finding stops the capture, so that later stages need not run."""
    return any(_disposition(group, settings) is Disposition.STOP for group in groups if len(group))


def _disposition(group: Group, settings: CheckSettings) -> Disposition:
    """Return the disposition: the rule's, or one step graver where the site is strict."""
    plain = group.disposition
    if not settings.strict or plain is Disposition.NOTE:
        return plain
    if plain is Disposition.WARN and len(group.stations()):
        return Disposition.QUARANTINE
    return Disposition.STOP


def _unexplained(groups: Sequence[Group], settings: CheckSettings) -> list[Group]:
    """Drop groups that a rule which stops the capture explains."""
    stopping = {group.rule for group in groups if _disposition(group, settings) is Disposition.STOP}
    explained = {other for rule in stopping for other in RULES[rule].explains}
    return [group for group in groups if group.rule not in explained]


def _unrepeated(groups: Sequence[Group], settings: CheckSettings) -> list[Group]:
    """Drop of a station that a rule holds back what that rule explains, since it is held back for the same fault."""
    held: dict[str, set[Any]] = defaultdict(set)
    for group in groups:
        for other in RULES[group.rule].explains if _disposition(group, settings) is Disposition.QUARANTINE else ():
            held[other].update(group.stations())
    kept = (group.without(held[group.rule]) if group.rule in held else group for group in groups)
    return [group for group in kept if len(group)]


def _listed(groups: Iterable[Group], settings: CheckSettings) -> tuple[list[Finding], list[Finding]]:
    """Return the findings to show, and those merged into one."""
    kinds: dict[tuple[str, Disposition, str], list[Group]] = defaultdict(list)
    for group in groups:
        kind = f"{group.message} {group.column}" if isinstance(group, RowViolations) else ""
        kinds[group.rule, _disposition(group, settings), kind].append(group)
    shown: list[Finding] = []
    behind: list[Finding] = []
    for (_, disposition, _), alike in kinds.items():
        made = [replace(finding, disposition=disposition) for group in alike for finding in group.findings()]
        count = sum(len(group) for group in alike)
        if count <= _MOST_ALIKE:
            shown += made
        else:
            shown.append(_counted(made, count))
            behind += made[:MOST_FINDINGS]
    return shown, behind


def _counted(alike: Sequence[Finding], count: int) -> Finding:
    """Merge findings of one kind: their number, the first of them, and the places of the next."""
    first = alike[0]
    rows = sorted({finding.row for finding in alike if finding.row})
    places = list(dict.fromkeys(finding.where for finding in alike))
    in_table = bool(rows and first.row)
    # With a place for each finding there are as many as findings, which are not all made where they are very many.
    different = count if len(places) == len(alike) else len(places)
    where = f"{first.table or first.path} rows {ranges(rows)}" if in_table else _named(places, different)
    rule = RULES[first.rule]
    things = "rows" if in_table else f"{rule.scope}s" if rule.scope in ("station", "file", "face") else ""
    opening = f"{count:,} {things} break one rule" if things else f"One rule is broken {count:,} times"
    message = f"{opening}: {rule.title[0].lower()}{rule.title[1:]}. The first: {first.message} ({where})"
    return replace(first, where=where, message=message, station=None)


def _named(places: Sequence[str], count: int) -> str:
    """List the first places, and the number of the others of `count`."""
    shown = ", ".join(printable(each, _LONGEST_PLACE) for each in places[:_PLACES_SHOWN])
    return f"{shown} and {count - _PLACES_SHOWN:,} more" if count > _PLACES_SHOWN else shown


def _allowed(total: int, settings: CheckSettings) -> float:
    """Return how many stations may be quarantined; never all."""
    if settings.strict:
        return 0
    fraction = max(0, min(settings.max_quarantine_fraction * total, total - 1))
    most = settings.max_quarantined_stations
    return fraction if most is None else min(fraction, most)


def _limit_in_words(settings: CheckSettings) -> str:
    """Word the site's limit of quarantined stations."""
    if settings.strict:
        return "none, since it is strict"
    most = settings.max_quarantined_stations
    share = f"{100 * settings.max_quarantine_fraction:g} %"
    if most is None:
        return share if settings.max_quarantine_fraction < 1 else "all but one"
    return f"{most:,} or {share}, whichever is less"


def _one_cause(rule: str, groups: Sequence[Group], count: int, total: int, limit: str) -> Finding:
    """Merge many rows into one finding: their number, their places, the first of them, and a likely cause."""
    first = next(finding for group in groups for finding in group.findings(1))
    cause = next((group.cause for group in groups if group.cause), "")
    rows = sorted({finding.row for group in groups for finding in group.findings() if finding.row})
    table = first.table or first.path
    where = f"{table} {'row' if len(rows) == 1 else 'rows'} {ranges(rows)}" if rows and first.row else first.where
    title = RULES[rule].title
    message = (
        f"{count:,} of {total:,} stations break one rule, where the site allows {limit}: "
        f"{title[0].lower()}{title[1:]}.{cause} The first: {first.message} ({where})"
    )
    return replace(first, disposition=Disposition.STOP, where=where, message=message, station=None)


def _many_causes(
    leading: Sequence[str], by_rule: Mapping[str, Sequence[Group]], held_back: int, total: int, limit: str
) -> Finding:
    """Return the finding for too many stations with several faults; `leading` are the most frequent rules."""
    first = next(finding for group in by_rule[leading[0]] for finding in group.findings(1))
    named = " and ".join(f'{rule}, "{RULES[rule].title}"' for rule in leading[:_CAUSES_NAMED])
    more = f" and {len(leading) - _CAUSES_NAMED} more" if len(leading) > _CAUSES_NAMED else ""
    most = "The rule that most of them break is" if len(leading) == 1 else "As many of them each break"
    message = (
        f"{held_back:,} of {total:,} stations are held back, by {len(by_rule)} different faults, where the site allows "
        f"{limit}. {most} {named}{more}; the first is in {first.where}. Fix them and deliver again."
    )
    return replace(first, disposition=Disposition.STOP, message=message, station=None, row=None, column=None)


def ranges(numbers: Sequence[int], most: int = _RANGES_SHOWN) -> str:
    """Format row numbers: 2, 3, 4, 9 as "2-4, 9"; after `most` spans the rest is counted."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    shown = [f"{low}-{high}" if low != high else f"{low}" for low, high in spans[:most]]
    return ", ".join(shown) + (f" and {len(spans) - most} more places" if len(spans) > most else "")
