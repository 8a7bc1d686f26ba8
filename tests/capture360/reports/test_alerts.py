"""Texts of alerts for each kind of target."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from capture360.reports.alerts import Cause, Message, about, chat, markdown, over, plain
from capture360.reports.escaping import for_message

HOSTILE = "see [this](http://evil) <!channel> @all ![p](http://evil/p.png) `x` <b>"


def test_links_of_ours_work_in_markdown_and_texts_from_outside_do_not() -> None:
    message = Message("t", (f"What broke: {HOSTILE}",), {"Log": "http://airflow/log?a_b_c=1"})
    page = MarkdownIt("commonmark").render(markdown(message))
    assert page.count("<a ") == 1
    assert '<a href="http://airflow/log?a_b_c=1">Log</a>' in page
    assert "<img" not in page
    assert "<code" not in page


def test_a_webhook_gets_entities_and_a_mail_does_not() -> None:
    message = Message("a < b", ("c & d",), {"Log": "http://airflow/log"})
    assert chat(message) == "a &lt; b\nc &amp; d\nLog: http://airflow/log"
    assert plain(message) == "c & d\nLog: http://airflow/log"


@given(st.text(st.sampled_from("ab \\|`*_[]()<>!@:#\n\t\x1b"), max_size=40) | st.text(max_size=40))
def test_any_text_is_one_line_without_links_pictures_tags_and_mentions(text: str) -> None:
    shown = for_message(text)
    assert len(shown.splitlines()) <= 1
    page = MarkdownIt("commonmark").renderInline(shown)
    assert not any(tag in page for tag in ("<a ", "<img", "<code"))
    for start in "<@":
        assert all(shown[at + 1 : at + 2] in {"", "\u200b"} for at, each in enumerate(shown) if each == start)


def test_a_message_can_be_kept() -> None:
    message = Message("t", ("a", "b"), {"Log": "http://airflow"}, is_over=True, cause="c-1")
    assert Message.parse(message.document()) == message


@pytest.mark.parametrize(
    ("subjects", "title"),
    [
        (["captures_sense"], "complain failed in captures_sense, try 1"),
        (["hall-7/walk-1"], "hall-7/walk-1: complain failed in captures_sense, try 1"),
        (["captures_sense", "hall-7/walk-1"], "2 places: complain failed in captures_sense, try 1"),
    ],
)
def test_a_title_names_a_dag_once(subjects: list[str], title: str) -> None:
    cause = Cause("complain failed in captures_sense, try 1", "it broke", "fix it", "platform team", {}, "c-1")
    assert about(cause, subjects).title == title
    assert over(cause, subjects, datetime(2026, 12, 1, tzinfo=UTC)).title == f"Over: {title}"
