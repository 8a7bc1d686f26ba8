"""Progress on stderr: a bar on a terminal, a line at each tenth elsewhere; no sentence is taken for progress."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from capture360.steps.progress import ProgressLine
from capture360_cli.main import app
from capture360_cli.progress import counting, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal in the place of stderr, from now on: pytest puts its own there before each test."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    return screen


def test_a_line_of_progress_moves_the_bar_and_a_sentence_that_looks_like_one_is_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = terminal(monkeypatch)
    with progress() as log:
        log(ProgressLine("faces [1]", 3, 4))
        log("hall-7/walk: 3 of 4")
    shown = screen.getvalue()
    assert "hall-7/walk: 3 of 4\n" in shown
    assert "faces [1]: 3 of 4" not in shown
    assert "faces [1]" in shown
    assert "3/4" in shown


def test_a_bar_moves_with_each_and_lines_come_at_each_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    def count() -> None:
        with counting() as done:
            for number in range(1, 201):
                done(number, 200, "stations")

    screen = terminal(monkeypatch)
    count()
    assert "200/200" in screen.getvalue()
    piped = io.StringIO()
    monkeypatch.setattr(sys, "stderr", piped)
    count()
    lines = piped.getvalue().splitlines()
    assert (len(lines), lines[-1]) == (11, "stations: 200 of 200")


def test_commands_that_take_long_say_how_far_they_are_when_piped(tmp_path: Path) -> None:
    folder = tmp_path / "hall-7" / "may"
    made = CliRunner().invoke(app, ["generate", str(folder), "--stations", "2", "--face-size", "16", "--no-views"])
    assert made.exit_code == 0, made.output
    assert made.stderr.splitlines() == ["stations rendered: 1 of 2", "stations rendered: 2 of 2"]
    checked = CliRunner().invoke(app, ["check", str(folder), "--json"])
    assert ": 12 of 12" in checked.stderr
    assert checked.stdout.startswith("{")
