"""Any text, shown in each target, judged by a parser of that target's grammar."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from capture360.reports.cells import parquet, safe_csv
from capture360.reports.escaping import for_chat, for_markdown

MARKUP = st.text(st.sampled_from("ab \\|`*_[]()<>!@:&#;~\n\t\"'/{}%=+-\x00\x1b\u2028\u202e"), max_size=40)
DROPPED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
ANY = MARKUP | st.text(max_size=40)


def gfm_cells(row: str) -> list[str]:
    """Cells as GitHub's and micromark's tokenizers split them: a backslash takes a backslash or a pipe with it."""
    cells = [""]
    at = 0
    while at < len(row):
        if row[at] == "\\" and row[at + 1 : at + 2] in ("\\", "|"):
            cells[-1] += row[at : at + 2]
            at += 2
        elif row[at] == "|":
            cells.append("")
            at += 1
        else:
            cells[-1] += row[at]
            at += 1
    return cells


@given(ANY)
def test_markdown_keeps_a_text_within_its_cell(text: str) -> None:
    cell = for_markdown(text)
    assert len(gfm_cells(f"| {cell} | after |")) == 4
    page = f"| a | b |\n|---|---|\n| {cell} | after |\n"
    body = re.search(r"<tbody>(.*)</tbody>", MarkdownIt("commonmark").enable("table").render(page), re.DOTALL)
    assert body is not None
    assert body[1].count("<td") == 2
    assert not set(re.findall(r"<(\w+)", body[1])) - {"tr", "td", "code"}


def test_a_backslash_before_a_pipe_ends_no_cell() -> None:
    assert for_markdown("a\\|![x](http://evil)") == "`a\\`&#124;`![x](http://evil)`"
    assert for_markdown("a|b") == "`a\\|b`"


def test_delivered_markup_of_plates(shared: Path) -> None:
    content = json.loads((shared / "data/hostile/review-markup/texts.json").read_text())
    texts = _strings(content)
    assert texts
    for text in texts:
        assert len(gfm_cells(f"| {for_markdown(text)} | after |")) == 4


def _strings(content: object) -> list[str]:
    if isinstance(content, str):
        return [content]
    parts = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    return [text for part in parts for text in _strings(part)]


@given(ANY)
def test_a_chat_gets_no_link_and_no_mention(text: str) -> None:
    line = for_chat(text)
    assert not set(line) & set("<>`\n\r\x00\x1b")
    assert re.fullmatch(r"(?:[^&]|&(?:amp|lt|gt);)*", line)
    assert not re.search(r"\]\(|\]\[|\]:|!\[|@\w", line)
    shown = MarkdownIt("commonmark").disable(["html_block", "html_inline"]).render(line)
    assert "<a " not in shown
    assert "<img" not in shown


@pytest.mark.parametrize("fence", ["~~~", "~~~~", "$$x$$", "```"])
def test_a_chat_gets_no_fence_that_hides_what_follows(fence: str) -> None:
    page = MarkdownIt("commonmark").render(f"{for_chat(fence + ' x')}\n[Log](http://airflow/log)")
    assert '<a href="http://airflow/log">' in page
    assert "$$" not in for_chat(fence)


def test_what_people_wrote_stays_readable_in_a_chat() -> None:
    shown = for_chat('stations.csv row 3 (s-02): x "<!channel> & [a](b)" is not a number')
    assert html.unescape(shown).replace("\u200b", "") == (
        'stations.csv row 3 (s-02): x "<!channel> & [a](b)" is not a number'
    )


def test_a_long_text_is_cut_off() -> None:
    assert len(for_chat("x" * 100_000, 500)) == 500
    assert len(for_markdown("x" * 100_000)) < 400


@pytest.mark.parametrize("unseen", ["\u200b", "\ufeff", "\u202e", "\u00ad \u2060", "\x00\u200e"])
def test_no_formula_begins_behind_what_is_not_seen(unseen: str) -> None:
    """Copies of a cell into another program may lose it."""
    cells = f"{unseen}=1+1", f"a;{unseen}@SUM(1)", f"{unseen}pump", f"pump;{unseen}hall"
    _, read = csv.reader(io.StringIO(safe_csv("abcd", [cells]).decode("utf-8-sig")))
    kept = unseen.replace("\x00", "")
    assert read == [f"'{kept}=1+1", f"a;'{kept}@SUM(1)", f"{kept}pump", f"pump;{kept}hall"]


@given(st.lists(st.tuples(ANY, ANY), max_size=4))
@example([("a", "x\n=1+1"), ("a", "x\r@SUM(1)"), ("a", "\x01=1"), ("a", "x;\x02=1")])
@example([("a", 'x;"=1+1;y'), ("a", 'x|"\t"-1+1'), ("a", 'x\n""=1+1')])
def test_a_table_of_cells_comes_back_and_starts_no_formula(rows: list[tuple[str, str]]) -> None:
    content = safe_csv(("a", "b"), rows).decode("utf-8-sig")
    read = list(csv.reader(io.StringIO(content, newline="")))
    assert len(read) == len(rows) + 1
    for delivered, cells in zip(rows, read[1:], strict=True):
        assert [cell.replace("'", "") for cell in cells] == [
            DROPPED.sub("", text).replace("'", "") for text in delivered
        ]
        assert not any(cell.lstrip(" ").startswith(("=", "@", "\t", "\r")) for cell in cells)
    for sign in ";\t":
        parted = csv.reader(io.StringIO(content, newline=""), delimiter=sign)
        assert not any(cell.lstrip().startswith(("=", "@")) for row in parted for cell in row)


def test_a_cell_that_other_signs_part() -> None:
    content = safe_csv(("a",), [('x;=HYPERLINK("http://evil")',), ("x\t @SUM(1)",), ("5; 6 - 7",), (" \n-1+1",)])
    assert content.decode("utf-8-sig") == (
        'a\r\n"x;\'=HYPERLINK(""http://evil"")"\r\nx\t\' @SUM(1)\r\n5; 6 - 7\r\n"\' \n\'-1+1"\r\n'
    )


@pytest.mark.parametrize("part", ["\n", "\t", " ", ";", "; ", "|\n ", " ;"])
def test_a_long_cell_is_searched_once(part: str) -> None:
    began = time.process_time()
    safe_csv(("a",), [(part * 200_000 + "x",)])
    assert time.process_time() - began < 5


def test_half_a_character_in_a_table() -> None:
    """JSON holds it as an escape, and CDF's names come as JSON."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    assert safe_csv(("a",), [("P-\ud8001",)]) == b"\xef\xbb\xbfa\r\nP-\\ud8001\r\n"
    content = parquet(pa.schema([("a", pa.string()), ("b", pa.float64())]), [{"a": "P-\ud8001", "b": 1.0}])
    assert pq.read_table(io.BytesIO(content)).to_pylist() == [{"a": "P-\\ud8001", "b": 1.0}]
