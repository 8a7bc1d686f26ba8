"""Whatever surveyors deliver, by chance or on purpose, is told in sentences and never raises."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from capture360.checks.validation import Validation
from capture360.model import FACES, Verdict
from capture360.reports.validation import bad_rows_csv, render
from capture360.rules.finding import Disposition
from capture360.text import printable
from damage import fuzzing
from delivery import Delivery, picture, table

HOSTILE_CELLS = (
    "", " ", "NA", "null", "nan", "inf", "-inf", "1e400", "-1e308", "12,5", "1.234,5", "0x10", "1_000", "٣", "½", "−4",
    "=HYPERLINK(\"http://x\")", "+1", "@SUM(A1)", "<script>alert(1)</script>", "../../etc/passwd", "/etc/passwd",
    "C:\\x.jpg", "\\\\host\\share\\x.jpg", "a\x00b", "a\nb", "a\"b", "a'b", "a,b", "a;b", "\ufeff", "\u202e", "\ud7ff",
    "s-02", "S-02", "ｓ-02", "s" * 5000, "9" * 400, "2026-13-45T99:99:99Z", "2026-04-17", "99999-01-01T00:00:00Z",
    "0000-00-00T00:00:00Z", "2026-04-17T09:00:00", "1713345000", "true", "{}", "%s%n", "{where}", "{{7*7}}",
)  # fmt: skip
cell = st.sampled_from(HOSTILE_CELLS) | st.text(max_size=12)


@st.composite
def mutations(draw: st.DrawFn) -> list[tuple[str, int, int, str]]:
    kinds = st.sampled_from(["cell", "cell", "cell", "header", "drop", "repeat", "cut", "bytes", "delimiter"])
    one = st.tuples(kinds, st.integers(0, 8), st.integers(0, 9), cell)
    return draw(st.lists(one, min_size=1, max_size=4))


def mutated(rows: list[dict[str, str]], changes: list[tuple[str, int, int, str]]) -> bytes:
    grid = [list(rows[0]), *([*row.values()] for row in rows)]
    delimiter = ","
    for kind, row, column, text in changes:
        row, column = row % len(grid), column % len(grid[0])
        if kind == "cell":
            grid[row][column % len(grid[row])] = text
        elif kind == "header":
            grid[0][column % len(grid[0])] = text
        elif kind == "drop" and len(grid[row]) > 1:
            grid[row].pop(column % len(grid[row]))
        elif kind == "repeat":
            grid.insert(row, list(grid[row]))
        elif kind == "delimiter":
            delimiter = ";"
    stream = io.StringIO()
    for cells in grid:
        stream.write(delimiter.join(quoted(text, delimiter) for text in cells) + "\n")
    content = stream.getvalue().encode("utf-8", "surrogatepass")
    for kind, row, column, text in changes:
        if kind == "cut":
            content = content[: len(content) * (row + 1) // 10]
        elif kind == "bytes":
            at = len(content) * row // 9
            content = content[:at] + text.encode("utf-16", "surrogatepass") + content[at + column :]
    return content


def quoted(text: str, delimiter: str) -> str:
    return f'"{text.replace(chr(34), 2 * chr(34))}"' if any(c in text for c in (delimiter, '"', "\n", "\r")) else text


@fuzzing(60)
@given(mutations())
@example([("cell", 0, 0, "0\xa00")])
def test_mutated_tables(changes: list[tuple[str, int, int, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        delivery = Delivery(Path(folder) / "hall-7" / "2026-04-17", face_size=64)
        delivery.stations = delivery.stations[:4]
        delivery.files = {f"images/{row['station_id']}/{face}.jpg": FACE for row in delivery.stations for face in FACES}
        delivery.files["stations.csv"] = mutated(delivery.stations, changes)
        complain_well(delivery.check())


FACE = picture(512, 512, 9)


Recipe = tuple[str, list[tuple[int, bytes]], int | None]
anywhere = st.integers(0, 700) | st.integers(0, len(FACE))
recipes = st.tuples(
    st.sampled_from([".jpg", ".png", ".jpeg"]),
    st.lists(st.tuples(anywhere, st.binary(min_size=1, max_size=6)), max_size=4),
    st.none() | anywhere,
)


def spoilt_picture(seed: int, patches: list[tuple[int, bytes]], cut: int | None) -> bytes:
    """The sound JPEG with some bytes changed, in its header or anywhere, and perhaps its end cut off."""
    content = bytearray(picture(512, 512, seed))
    for at, patch in patches:
        content[at : at + len(patch)] = patch
    return bytes(content[:cut])


@fuzzing(25, shrinks=False)
@given(st.lists(recipes, min_size=8, max_size=8))
def test_two_hundred_mutated_pictures(pictures: list[Recipe]) -> None:
    """Eight at a time, one in each station of a capture."""
    with tempfile.TemporaryDirectory() as folder:
        delivery = Delivery(Path(folder) / "hall-7" / "2026-04-17")
        delivery.put_pictures()
        delivery.checks["max_quarantine_fraction"] = 1.0
        names = {}
        for seed, (row, (extension, patches, cut)) in enumerate(zip(delivery.stations, pictures, strict=True), 100):
            del delivery.files[f"images/{row['station_id']}/front.jpg"]
            names[row["station_id"]] = f"images/{row['station_id']}/front{extension}"
            delivery.files[names[row["station_id"]]] = spoilt_picture(seed, patches, cut)
        validation = delivery.check()
        complain_well(validation)
        told = (*validation.findings, *validation.bad_rows)
        for station in validation.quarantined:
            assert any(names[station] in finding.message for finding in told)


def complain_well(validation: Validation) -> None:
    """Every finding names where and how to fix it; nothing of a rejected capture is handed on."""
    if validation.verdict is Verdict.REJECTED:
        assert validation.capture is None
        assert any(finding.disposition is Disposition.STOP for finding in validation.findings)
    if validation.verdict is Verdict.PARTIAL:
        assert validation.quarantined or any(finding.row for finding in validation.findings)
    for finding in (*validation.findings, *validation.bad_rows):
        assert finding.where
        assert finding.where in finding.message
        assert printable(finding.message, len(finding.message)) == finding.message
        assert len(finding.message) < 1500
        assert finding.message.rstrip().endswith((".", "?", ")"))


@pytest.mark.parametrize("text", HOSTILE_CELLS)
def test_hostile_ids_and_names_are_escaped_everywhere(tmp_path: Path, text: str) -> None:
    delivery = Delivery(tmp_path / "hall-7" / "2026-04-17")
    delivery.stations = delivery.stations[:4]
    delivery.stations[1] |= {"station_id": text, "station_name": text}
    delivery.files["stations.csv"] = table(delivery.stations).encode("utf-8", "surrogatepass")
    validation = delivery.check()
    complain_well(validation)
    assert "<script>alert" not in render(validation, delivery.write())
    for line in bad_rows_csv(validation).decode("utf-8-sig").splitlines():
        assert not line.startswith(("=", "+", "@"))
