"""The validation report: one self-contained HTML file, and the bad rows as CSV."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

from capture360.checks.rules import RULES
from capture360.checks.validation import RuleCount, Validation
from capture360.checks.verdict import ranges
from capture360.geometry import rotation
from capture360.landing.folder import CaptureFolder
from capture360.model import FaceName, Station, StationMedia
from capture360.reports.cells import safe_csv
from capture360.reports.page import page
from capture360.reports.plan_view import plan_view
from capture360.reports.thumbnails import thumbnail
from capture360.rules.finding import Disposition, Finding
from capture360.rules.rule import Rule

_SENTENCES_SHOWN = 12
_STATIONS_SHOWN = 400
_BAD_PICTURES = 24
_ROW_RANGES = 40
_SHEET_STATIONS = 12
_SIDES: tuple[tuple[FaceName, float], ...] = (("front", 0.0), ("right", 90.0), ("back", 180.0), ("left", 270.0))
_WORDS = {
    Disposition.STOP: "stops the capture",
    Disposition.QUARANTINE: "holds stations back",
    Disposition.WARN: "warning",
    Disposition.NOTE: "note",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """All findings of one rule and one disposition, which can be fixed together."""

    rule: str
    title: str
    why: str
    weight: Disposition
    sentences: tuple[str, ...]
    more: int
    stations: tuple[str, ...]
    more_stations: int
    rows: str

    @property
    def weight_in_words(self) -> str:
        """How grave the cause is, as the page words it."""
        return _WORDS[self.weight]


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture with its caption."""

    image: str | None
    caption: str
    detail: str = ""
    bearing: float = 0.0


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A station of the contact sheet: its pictures, and the compass bearing of its front."""

    station: str
    name: str
    taken: str
    bearing: float
    tilt: float
    shots: tuple[Shot, ...]


BAD_ROWS = "bad_rows.csv"


def render(validation: Validation, folder: CaptureFolder, bad_rows: str = BAD_ROWS) -> str:
    """Return the report as one HTML document; pictures of `folder` are embedded. `bad_rows` is the table beside it."""
    return page(
        "validation",
        validation=validation,
        bad_rows=bad_rows,
        accepted=len(validation.capture.stations) if validation.capture else 0,
        causes=causes(validation),
        plan=plan_view(validation.plan),
        bad_pictures=_bad_pictures(validation, folder),
        sheet=_sheet(validation, folder),
        stated=_stated(validation),
        broken=[_row(count, validation) for count in validation.counts if count.failed],
        passed=[_row(count, validation) for count in validation.counts if not count.failed],
    )


def _row(count: RuleCount, validation: Validation) -> tuple[Rule, RuleCount, str]:
    """Return the rule, its count, and what breaking it does: here, if it was broken, else in general."""
    rule = RULES[count.rule]
    done = [finding.disposition for finding in validation.findings if finding.rule == rule.id]
    return rule, count, _WORDS[min(done, key=list(Disposition).index, default=rule.disposition)]


def _stated(validation: Validation) -> str:
    """Message that the headline of a rejected capture already contains; empty for any other capture."""
    stops = [finding.message for finding in validation.findings if finding.disposition is Disposition.STOP]
    return stops[0] if stops and stops[0] in validation.headline else ""


def bad_rows_csv(validation: Validation) -> bytes:
    """Return the rows to fix as CSV in UTF-8 with BOM, without formulas."""
    header = ("where", "row", "station_id", "rule", "weight", "column", "value", "message")
    found = (*validation.findings, *validation.bad_rows)
    return safe_csv(
        header,
        (
            (f.where, f.row, f.station, f.rule, _WORDS[f.disposition], f.column, f.value, f.message)
            for f in found
            if f.disposition is not Disposition.NOTE
        ),
    )


def causes(validation: Validation) -> list[Cause]:
    """Group findings by rule and disposition, the gravest first."""
    groups: dict[tuple[Disposition, str], list[Finding]] = defaultdict(list)
    for finding in validation.findings:
        groups[finding.disposition, finding.rule].append(finding)
    behind: dict[tuple[str, Disposition], list[Finding]] = defaultdict(list)
    for finding in validation.bad_rows:
        behind[finding.rule, finding.disposition].append(finding)
    order = list(Disposition)
    result = []
    for (weight, rule), found in sorted(groups.items(), key=lambda item: order.index(item[0][0])):
        rows = behind[rule, weight]
        if weight is Disposition.STOP and (Disposition.QUARANTINE, rule) not in groups:
            rows = [*rows, *behind[rule, Disposition.QUARANTINE]]  # too many stations held back stop the capture
        sentences = [finding.message for finding in found]
        affected = list(dict.fromkeys(f.station for f in (*found, *rows) if f.station))
        numbers = sorted({f.row for f in (*found, *rows) if f.row})
        result.append(
            Cause(
                rule=rule,
                title=RULES[rule].title,
                why=RULES[rule].why,
                weight=weight,
                sentences=tuple(sentences[:_SENTENCES_SHOWN]),
                more=max(0, len(sentences) - _SENTENCES_SHOWN),
                stations=tuple(affected[:_STATIONS_SHOWN]),
                more_stations=max(0, len(affected) - _STATIONS_SHOWN),
                rows=ranges(numbers, _ROW_RANGES),
            )
        )
    return result


def _bad_pictures(validation: Validation, folder: CaptureFolder) -> list[Shot]:
    """The pictures that findings are about, each once."""
    about: dict[str, Finding] = {}
    for finding in (*validation.findings, *validation.bad_rows):
        if finding.column == "file" and finding.path in folder.sizes and len(about) < _BAD_PICTURES:
            about.setdefault(finding.path, finding)
    return [
        Shot(thumbnail(folder, path, 240), path, finding.message.removeprefix(finding.where).lstrip(" :"))
        for path, finding in about.items()
    ]


def _sheet(validation: Validation, folder: CaptureFolder) -> list[SheetRow]:
    """Some accepted stations, spread over the capture, with the compass bearing of each picture."""
    capture = validation.capture
    if capture is None:
        return []
    step = max(1, math.ceil(len(capture.stations) / _SHEET_STATIONS))
    return [
        _sheet_row(station, capture.media[station.id], folder)
        for station in capture.stations[::step]
        if station.id in capture.media
    ]


def _sheet_row(station: Station, media: StationMedia, folder: CaptureFolder) -> SheetRow:
    cube = rotation.matrix_from_quaternion(station.pose.rotation)
    bearing = _bearing(-cube[:, 1])
    tilt = math.degrees(math.acos(max(-1.0, min(1.0, float(cube[2, 2])))))
    if media.panorama is not None:
        shots = [Shot(thumbnail(folder, media.panorama, 480), "panorama", bearing=bearing)]
    else:
        shots = [
            Shot(thumbnail(folder, media.faces[name], 160), name, bearing=(bearing + turn) % 360)
            for name, turn in _SIDES
        ]
    taken = station.taken_at.strftime("%Y-%m-%d %H:%M UTC")
    return SheetRow(station.id, station.name, taken, bearing, tilt, tuple(shots))


def _bearing(direction: rotation.Matrix) -> float:
    """Bearing in degrees clockwise from +Y of the site frame."""
    return math.degrees(math.atan2(float(direction[0]), float(direction[1]))) % 360
