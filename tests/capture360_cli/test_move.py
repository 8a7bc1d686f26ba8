"""`capture360 move`: plan first, then do it, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import yaml
from typer.testing import CliRunner, Result

from capture360.errors import ConfigError
from capture360.model import CaptureKey
from capture360.steps.retract import retract
from capture360_cli.main import app
from moved_site import PLATES, MovedSite, links, moved_site, name_assets


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MovedSite]:
    """Two reviewed captures, of which one has lost its files, and one that was retracted."""
    root = tmp_path_factory.mktemp("move")
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        site = moved_site(stack, root, "hybrid")
        for number in (1, 2):
            site.reviewed(f"walk-{number}", shade=number)
        site.lose_files(site.old.landing / "walk-2")
        site.old.ingest(site.deliver("walk-3", shade=3))
        retract(site.old.ctx(), CaptureKey("hall-7", "walk-3"), approved=None, by="Ada")
        for name, world in (("old", site.old), ("new", site.new)):
            (root / f"{name}.json").write_text(json.dumps({**world.running.connection, "mode": world.connection.mode}))
            values = json.loads(world.site.model_dump_json(exclude={"id"}))
            register = {"records": world.records.url, "sites": {"hall-7": values}}
            (root / f"{name}.yaml").write_text(yaml.safe_dump(register))
        patch.setenv("CAPTURE360_CONFIG", str(root / "old.yaml"))
        patch.setenv("XDG_STATE_HOME", str(root / "state"))
        patch.chdir(root)
        yield site


def move(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["move", "hall-7", "--from", "old.json", "--to", "new.json", *arguments])


def test_it_is_planned_then_done_and_then_there_is_nothing_to_do(site: MovedSite) -> None:
    quiet = site.old.running.mutating(), site.new.running.mutating()
    planned = move("--register", "new.yaml", "--plan")
    assert planned.exit_code == 0, planned.output
    project = site.old.connection.project
    assert planned.stdout.splitlines() == [
        f"Site hall-7 from project {project} (hybrid) to {project} (data_modeling)",
        f"Records of the new project: {site.new.records.url}",
        "hall-7/walk-1: to move, 1 station from the landing zone, 1 approval and 1 rejection of people",
        "hall-7/walk-2: to move, 1 station from the faces of the old project, 1 approval and 1 rejection of people",
        "hall-7/walk-3: to keep out, it was retracted in the old project",
        "3 captures: 2 to move, 1 to keep out; decisions that stay behind: 0",
    ]
    assert (site.old.running.mutating(), site.new.running.mutating()) == quiet

    done = move("--register", "new.yaml", "--json")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert (document["site"], document["plan"], document["records"]) == ("hall-7", False, site.new.records.url)
    assert [(each["key"], each["state"], each["left"]) for each in document["captures"]] == [
        ("hall-7/walk-1", "moved", []), ("hall-7/walk-2", "moved", []), ("hall-7/walk-3", "kept out", []),
    ]  # fmt: skip
    for name in ("walk-1", "walk-2"):
        assert links(site.new, CaptureKey("hall-7", name)) == {PLATES[0]: "approved"}
    assert site.old.running.mutating() == quiet[0]

    quiet = site.old.running.mutating(), site.new.running.mutating()
    assert (
        move("--register", "new.yaml").stdout.splitlines()[-1]
        == "3 captures: 3 unchanged; decisions that stay behind: 0"
    )
    assert (site.old.running.mutating(), site.new.running.mutating()) == quiet


def test_what_stays_behind_is_listed_with_its_reason(site: MovedSite) -> None:
    """With the settings of today, and records of this user: the register of the new project is not there yet."""
    name_assets(site.new, [("plant", PLATES[0], "\x1b[31mrenamed")])
    planned = move("--plan")
    name_assets(site.new, [("plant", PLATES[0], PLATES[0])])
    assert planned.exit_code == 3, planned.output
    assert "/state/capture360/records/" in planned.stdout.splitlines()[1]
    assert (
        f'  stays behind: "{PLATES[0]}" as {PLATES[0]} at 001 front, approved by Ada: no asset of the site in the new '
        f'project is called "{PLATES[0]}"'
    ) in planned.stdout.splitlines()
    assert planned.stdout.splitlines()[-1] == "3 captures: 2 to move, 1 to keep out; decisions that stay behind: 2"
    assert "\x1b" not in planned.output


def test_records_of_the_old_project_are_refused(site: MovedSite) -> None:
    refused = move("--records", site.old.records.url, "--plan").exception
    assert isinstance(refused, ConfigError)
    assert "Use the connection that belongs to the records, or another folder" in refused.message
