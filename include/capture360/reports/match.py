"""The match report: what was linked, suggested and dropped and why, and which assets were never seen.

It is one HTML file, beside rows for a spreadsheet and the same as Parquet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from capture360.detection.legibility import MIN_CAP_PX, legible_distance_m
from capture360.geometry.boxes import bounds
from capture360.matching.coverage import CoverageTable
from capture360.matching.places import Place
from capture360.matching.questions import in_question
from capture360.model import Asset, Match
from capture360.reports.cells import parquet, safe_csv
from capture360.reports.crops import FaceContent, crops
from capture360.reports.page import page
from capture360.rules.finding import Finding

_SUGGESTED_SHOWN = 200
_OPEN_SHOWN = 60
_APPROVED_SHOWN = 120
_TEXTS_SHOWN = 12
_UNSEEN_SHOWN = 2_000
_LETTERS_MM = (10, 25, 50)
_COLUMNS = ("status", "text", "asset", "asset_name", "confidence", "score", "reason", "station", "image", "face",
            "x_min", "y_min", "x_max", "y_max", "candidates", "plate", "x_m", "y_m", "z_m", "error_m")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Card:
    """A match with its crop, None if that is not available."""

    match: Match
    picture: str | None
    place: str
    position: str

    @property
    def text(self) -> str:
        """The text on one line."""
        return self.match.detection.on_one_line


@dataclass(frozen=True, slots=True)
class Section:
    """The first matches of one status, and the number of the others."""

    cards: tuple[Card, ...]
    total: int

    @property
    def more(self) -> int:
        """Number of matches without a card."""
        return self.total - len(self.cards)


@dataclass(frozen=True, slots=True)
class Dropped:
    """Texts dropped for one reason, with examples."""

    reason: str
    count: int
    texts: tuple[str, ...]


def render(
    heading: str,
    matches: Sequence[Match],
    assets: Sequence[Asset],
    face: FaceContent,
    findings: Sequence[Finding] = (),
    labels: Mapping[str, str] | None = None,
    resolution: int = 2048,
    places: Mapping[str, Place] | None = None,
    coverage: CoverageTable | None = None,
) -> str:
    """The report as one HTML document.

    `assets` are those of the area; `face` returns the file of a face, and one that it cannot return is shown as
    missing; `findings` are those of detection and consensus; `labels` are display names of images by external id;
    `resolution` is the size of a face in pixels; `places` is where plates are, by their names;
    `coverage` is what of the site is seen.
    """
    called = labels or {}
    suggested = sorted((m for m in matches if m.status == "suggested"), key=lambda m: (-m.confidence, _name(m)))
    approved = sorted((m for m in matches if m.status == "approved"), key=_name)
    open_ones = [m for m in matches if m.status == "dropped" and m.candidates]
    illegible = [m for m in open_ones if is_illegible(m)]
    elsewhere = {m.detection for m in (*suggested, *approved, *illegible)}
    undecided = list({m.detection: m for m in open_ones if m.detection not in elsewhere}.values())
    chosen = (*suggested[:_SUGGESTED_SHOWN], *undecided[:_OPEN_SHOWN], *illegible[:_OPEN_SHOWN],
              *approved[:_APPROVED_SHOWN])  # fmt: skip
    pictures = crops([match.detection for match in chosen], face)

    def position(match: Match) -> str:
        place = (places or {}).get(match.plate)
        if place is None:
            return ""
        error = f" ± {place.error_m:.2f}" if place.error_m is not None else ""
        return f"at {', '.join(f'{value:.2f}' for value in place.position)}{error}\u00a0m"

    def card(match: Match) -> Card:
        seen = match.detection
        return Card(match, pictures.get(seen), f"{called.get(seen.image, seen.image)} {seen.face}", position(match))

    def section(some: Sequence[Match], shown: int) -> Section:
        return Section(tuple(map(card, some[:shown])), len(some))

    def shown(finding: Finding) -> Finding:
        return replace(finding, where=" ".join(called.get(word, word) for word in finding.where.split(" ")))

    unseen = never_seen(matches, assets)
    return page(
        "match",
        heading=heading,
        texts=len({match.detection for match in matches if match.cause != "line"}),
        lines=sum(match.cause == "line" for match in matches),
        assets=len(assets),
        linked=len({match.asset.ref for match in approved if match.asset}),
        suggested=section(suggested, _SUGGESTED_SHOWN),
        undecided=section(undecided, _OPEN_SHOWN),
        illegible=section(illegible, _OPEN_SHOWN),
        approved=section(approved, _APPROVED_SHOWN),
        dropped=dropped_by_reason(matches),
        findings=[shown(finding) for finding in findings],
        unseen=[asset.name for asset in unseen[:_UNSEEN_SHOWN]],
        unseen_total=len(unseen),
        min_cap_px=MIN_CAP_PX,
        distances=[(letters, legible_distance_m(letters / 1000, resolution)) for letters in _LETTERS_MM],
        resolution=resolution,
        coverage=coverage,
        critical_shown=coverage.critical_never_seen[:_UNSEEN_SHOWN] if coverage else (),
    )


def is_illegible(match: Match) -> bool:
    """Whether a match is of a plate that no view shows well enough for anybody to read it."""
    return match.status == "dropped" and match.cause == "illegible"


def never_seen(matches: Sequence[Match], assets: Sequence[Asset]) -> list[Asset]:
    """Return the assets that no link and no question names, by name."""
    seen = {match.asset.ref for match in matches if match.asset and match.status == "approved"}
    seen |= {asset.ref for match in matches if match.status == "suggested" for asset in in_question(match)}
    return sorted((asset for asset in assets if asset.ref not in seen), key=lambda asset: (asset.name, asset.ref))


def dropped_by_reason(matches: Sequence[Match]) -> list[Dropped]:
    """Group texts of which nothing else became by the reason of their first match, the most frequent first.

    Left out are lines that were joined to another's plate, and plates that are not legible.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    counted = {match.detection for match in matches if match.status != "dropped" or is_illegible(match)}
    for match in matches:
        if match.cause != "line" and match.detection not in counted:
            counted.add(match.detection)
            groups[match.reason].append(match.detection.on_one_line)
    return [
        Dropped(reason, len(texts), tuple(list(dict.fromkeys(texts))[:_TEXTS_SHOWN]))
        for reason, texts in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def matches_csv(matches: Sequence[Match], labels: Mapping[str, str], places: Mapping[str, Place]) -> bytes:
    """Return all matches as CSV in UTF-8 with BOM, without formulas."""
    return safe_csv(_COLUMNS, (_row(match, labels, places) for match in matches))


def matches_parquet(matches: Sequence[Match], labels: Mapping[str, str], places: Mapping[str, Place]) -> bytes:
    """Return all matches as one Parquet file with the columns of the CSV."""
    import pyarrow as pa

    texts = {"status", "text", "asset", "asset_name", "reason", "station", "image", "face", "candidates", "plate"}
    schema = pa.schema([(name, pa.string() if name in texts else pa.float64()) for name in _COLUMNS])
    rows = (dict(zip(_COLUMNS, _row(match, labels, places), strict=True)) for match in matches)
    return parquet(schema, rows)


def _row(match: Match, labels: Mapping[str, str], places: Mapping[str, Place]) -> tuple[object, ...]:
    detection = match.detection
    candidates = "; ".join(f"{asset.name} ({share:.3f})" for asset, share in match.candidates)
    asset = (match.asset.ref, match.asset.name) if match.asset else (None, None)
    place = (labels.get(detection.image), detection.image, detection.face, *bounds(detection.polygon))
    at = places.get(match.plate)
    position = (*at.position, at.error_m) if at else (None,) * 4
    return (match.status, detection.text, *asset, match.confidence, detection.score, match.reason, *place, candidates,
            match.plate or None, *position)  # fmt: skip


def _name(match: Match) -> str:
    return match.asset.name if match.asset else ""
