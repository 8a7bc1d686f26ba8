"""Polling: the first true answer ends it, and so does its limit."""

from __future__ import annotations

from itertools import islice

from capture360.cdf.polling import growing_pauses, wait_until


def test_the_first_true_answer_is_returned() -> None:
    answers = iter([None, "", "there", "later"])
    assert wait_until(lambda: next(answers)) == "there"
    assert next(answers) == "later"


def test_a_limit_of_nothing_asks_once() -> None:
    asked: list[int] = []
    assert wait_until(lambda: asked.append(1), limit_s=0) is None
    assert asked == [1]


def test_pauses_double_up_to_the_longest() -> None:
    assert list(islice(growing_pauses(1, 5), 5)) == [1, 2, 4, 5, 5]
