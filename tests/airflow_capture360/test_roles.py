"""The table of docs/how-to/roles.md is what Airflow's own web server allows each role of FAB."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from airflow_home import ROOT

ASKING = ROOT / "tests/roles_of_fab.py"
PAGE = ROOT / "docs/how-to/roles.md"
NOBODY, FORBIDDEN = 401, 403
Statuses = dict[str, dict[str, list[int]]]


@pytest.fixture(scope="module")
def answers() -> tuple[Statuses, dict[str, int]]:
    """What was answered, by role and what was done, and to who asked for a site of Op and the user "User"."""
    asked = subprocess.run([sys.executable, str(ASKING)], capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stderr[-3000:]
    statuses, of_op = json.loads(asked.stdout.splitlines()[-1])
    return statuses, of_op


@pytest.fixture
def statuses(answers: tuple[Statuses, dict[str, int]]) -> Statuses:
    """What was answered, by role and what was done; "nobody" has not logged in."""
    return answers[0]


def documented() -> dict[str, dict[str, bool]]:
    """The table of the page, by what a person does and role."""
    rows = [
        [cell.strip() for cell in line.strip("|\n").split("|")] for line in PAGE.read_text().splitlines() if "|" in line
    ]
    head, _, *body = rows
    return {what: dict(zip(head[1:], (cell == "yes" for cell in cells), strict=True)) for what, *cells in body}


def test_the_table_is_what_is_allowed(statuses: Statuses) -> None:
    allowed = {
        what: {
            role: all(status != FORBIDDEN for status in statuses[role][what]) for role in statuses if role != "nobody"
        }
        for what in statuses["Admin"]
    }
    assert documented() == allowed


def test_a_role_may_all_of_a_thing_or_nothing_of_it(statuses: Statuses) -> None:
    for role, answers in statuses.items():
        for what, found in answers.items():
            assert len({status == FORBIDDEN for status in found}) == 1, (role, what, found)
            assert not any(status >= 500 and status != 503 for status in found), (role, what, found)


def test_nobody_does_anything_without_a_login(statuses: Statuses) -> None:
    for what, found in statuses["nobody"].items():
        assert set(found) == {NOBODY}, (what, found)


def test_the_answers_are_those_of_the_pages_and_not_of_a_page_that_is_not_there(statuses: Statuses) -> None:
    assert statuses["Viewer"]["see captures, panoramas, reports, digests, health"] == [200, 404, 200, 404, 200, 503]
    assert statuses["User"]["backfill"] == [200, 200]
    assert set(statuses["Op"]["trigger"]) == {200}


def test_a_site_is_seen_by_the_roles_and_users_that_it_names(answers: tuple[Statuses, dict[str, int]]) -> None:
    assert answers[1] == {"nobody": NOBODY, "Viewer": 404, "User": 200, "Op": 200, "Admin": 404}
