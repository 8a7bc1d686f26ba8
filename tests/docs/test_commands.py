"""Every command that a page names exists with its options; those of the first pages run in the order of the page."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.exceptions import TyperException
from typer.main import get_command
from typer.testing import CliRunner

from capture360_cli.main import app
from capture360_local.stack.profile import Home
from local_cdf import fast_options, run_sandbox

ROOT = Path(__file__).parents[2]
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")} - {ROOT / "docs/reference/command.md"})
ROOT_COMMAND: Any = get_command(app)
SMALL = ("--face-size", "512", "--no-views")
"""What makes the pages' captures in seconds."""
NOT_HERE = {"demo", "sandbox", "dags", "pools"}
"""Commands that take minutes, run until Ctrl-C, or need an Airflow: they are compared alone."""


def commands(page: Path) -> Iterator[tuple[list[str], bool]]:
    """The words of each command of capture360 or make, and whether it is to be run as it stands, not only named."""
    text = page.read_text()
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            if "capture360 " in line or "make " in line:
                yield from ((words, True) for words in _of_line(line))
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    for code in re.findall(r"`([^`]+)`", prose):
        yield from ((words, False) for words in _of_line(" ".join(code.split())))


def _of_line(line: str) -> Iterator[list[str]]:
    for part in line.split(" && "):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:
            continue
        while words and re.fullmatch(r"[A-Z_0-9]+=\S*", words[0]):
            words = words[1:]
        words = words[: words.index(">")] if ">" in words else words
        verbs = [at for at, word in enumerate(words) if word == "capture360" and words[at + 1 : at + 2]]
        verbs = [at for at in verbs if at == 0 or words[at + 1] in ROOT_COMMAND.commands]
        if words[:1] == ["make"] and len(words) > 1:
            yield words
        elif verbs:
            yield words[verbs[-1] :]


def problem(words: list[str], *, whole: bool) -> str:
    """What the command line or the Makefile has against it, empty if nothing; values may be missing in prose."""
    if words[0] == "make":
        makefile = (ROOT / "Makefile").read_text()
        verbs = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
        values = {word.partition("=")[0] for word in words[1:] if "=" in word}
        unknown = [word for word in words[1:] if "=" not in word and word not in verbs]
        return " ".join([*unknown, *(value for value in values if not re.search(rf"\b{value}\b", makefile))])
    command, rest = ROOT_COMMAND, words[1:]
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        if rest[0] not in command.commands:
            return f"{rest[0]} is no verb"
        command, rest = command.commands[rest[0]], rest[1:]
    try:
        command.make_context(str(command.name), list(rest))
    except TyperException as error:
        said = str(error.format_message())
        absent = r".* does not exist\.$" if whole else r".* does not exist\.$|Missing |Option .* requires an argument"
        return "" if re.match(absent, said) else said
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_exist_with_their_options(page: Path) -> None:
    wrong = {shlex.join(words): said for words, whole in commands(page) if (said := problem(words, whole=whole))}
    assert not wrong


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("capture360 ingest x --connection y --dry-run", ""),
        ("capture360 ingest x --connection y --dry-runn", "No such option"),
        ("capture360 pools --not-in x > y", ""),
        ("capture360 swallow x", "swallow is no verb"),
        ("capture360 retract a/b c --connection d", "unexpected extra argument"),
        ("capture360 generate x --kind sphere", "sphere"),
        ("make dema", "dema"),
        ("make soak HOURS=1", "HOURS"),
    ],
)
def test_a_command_that_is_no_longer_there_is_found(line: str, said: str) -> None:
    (words,) = _of_line(line)
    found = problem(words, whole=True)
    assert said in found if said else not found


def run_in_order(page: Path) -> list[str]:
    """Run the commands of a page's blocks in the working folder; the verbs that ran."""
    ran = []
    for words, whole in commands(page):
        if not whole or words[0] == "make" or words[1] in NOT_HERE:
            continue
        more = SMALL if words[1] == "generate" else ()
        done = CliRunner().invoke(app, [*words[1:], *more])
        assert done.exit_code == 0, f"{shlex.join(words)}: {done.output} {done.exception!r}"
        ran.append(words[1])
    return ran


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout in which nothing was done yet."""
    monkeypatch.delenv("CAPTURE360_CONFIG", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


def test_the_readme_runs_as_written(tmp_path: Path) -> None:
    CliRunner().invoke(app, ["generate", "hall-7/FOLDER", "--stations", "2", *SMALL])
    (tmp_path / "FOLDER").symlink_to("hall-7/FOLDER")
    with run_sandbox(fast_options(tmp_path / ".local/cdf")):
        assert run_in_order(ROOT / "README.md") == ["check", "generate", "ingest", "ingest"]
    assert (tmp_path / "report.html").exists()


def test_the_tutorial_runs_as_written(tmp_path: Path) -> None:
    home = Home(tmp_path / ".local")
    home.prepare()
    home.status_file.write_text("{}")
    with run_sandbox(fast_options(home.sandbox)):
        assert run_in_order(ROOT / "docs/tutorial.md") == ["generate", "check", "ingest", "ingest"]
    assert list(home.records.glob("hall-7/mine/*")), "the records of the stack, not of this user"
    assert not (tmp_path / "state").exists()


def test_what_the_pages_have_people_write_into_the_checkout_is_not_added_to_git() -> None:
    written = [".env", "before.dump", "airflow.dump", "records.tar.gz", "docker-compose.override.yaml", ".local/x"]
    listed = subprocess.run(["git", "check-ignore", *written], cwd=ROOT, capture_output=True, text=True, check=False)
    assert listed.stdout.split() == written
