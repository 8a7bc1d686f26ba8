"""What a project lacks is told before anything is written, one sentence each: rights, mode, views, data set, room."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from capture360.cdf.client import CdfProject, Connection
from capture360.cdf.preflight import missing_for_extraction
from capture360.cdf.project_mode import ModeName
from capture360.cdf.registry import MODES, mode_of
from capture360.cdf.three_d.scans import START_WORK
from capture360.errors import ConfigError
from capture360.model import CaptureKey
from cdf_sandbox.core.auth import register_client
from cdf_sandbox.core.capabilities import all_capabilities
from ingest_world import World
from local_cdf import RunningSandbox, fast_options, run_sandbox

KEY = CaptureKey("hall-7", "asked")
Grants = dict[str, tuple[tuple[str, ...], Mapping[str, Any]] | None]
"""By access control list: actions and scope instead of everything; None for no grant at all."""
ALL: Mapping[str, Any] = {"all": {}}
RW = ("READ", "WRITE")
IN_SPACE = {"spaceIdScope": {"spaceIds": ["captures360"]}}
ELSEWHERE = {"spaceIdScope": {"spaceIds": ["elsewhere"]}}
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def sandboxes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[ModeName, RunningSandbox]]:
    with ExitStack() as stack:
        running: dict[ModeName, RunningSandbox] = {}
        for mode in MODES:
            options = fast_options(tmp_path_factory.mktemp("sandbox"), mode)
            running[mode] = stack.enter_context(run_sandbox(options))
        yield running


Asker = Callable[..., list[str]]


@pytest.fixture
def ask(sandboxes: dict[ModeName, RunningSandbox], tmp_path: Path) -> Asker:
    """What is missing, in a project of one kind seen through a connection of some mode; nothing may be written."""

    def missing(
        mode: ModeName, project: ModeName | None = None, grants: Grants | None = None, **settings: object
    ) -> list[str]:
        running = sandboxes[project or mode]
        world = World(running, tmp_path, mode, **settings)
        if grants is not None:
            world.cdf = narrowed(running, mode, grants)
        before = running.mutating()
        found = mode_of(world.cdf).images(world.cdf, world.site).missing(KEY, 10)
        assert running.mutating() == before
        return [finding.message for finding in found]

    return missing


def narrowed(running: RunningSandbox, mode: ModeName, grants: Grants) -> CdfProject:
    """The project behind a connection that has these rights."""
    client_id = f"narrow-{next(_numbers)}"
    secret = register_client(running.sandbox, client_id, _capabilities(grants))
    values = {**running.connection, "mode": mode, "client_id": client_id, "client_secret": secret}
    return CdfProject(Connection.from_mapping(values, "test"))


def _capabilities(grants: Grants) -> list[dict[str, Any]]:
    kept = []
    for capability in all_capabilities("capture360"):
        acl = next(name for name in capability if name.endswith("Acl"))
        if acl not in grants:
            kept.append(capability)
        elif (grant := grants[acl]) is not None:
            actions, scope = grant
            kept.append({**capability, acl: {"actions": list(actions), "scope": dict(scope)}})
    return kept


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_missing_where_everything_is_granted(ask: Asker, mode: ModeName) -> None:
    assert ask(mode, scene={"external_id": "plant"}) == []


@pytest.mark.parametrize("mode", MODES)
def test_rights_for_the_site_alone_are_enough(ask: Asker, mode: ModeName) -> None:
    narrow: Grants = {
        "dataModelInstancesAcl": (RW, IN_SPACE),
        "annotationsAcl": None,
        "assetsAcl": None,
        "datasetsAcl": None,
        "extractionPipelinesAcl": None,
        "sessionsAcl": None,
        "threedAcl": (("READ", "CREATE"), ALL) if mode == "data_modeling" else None,
    }
    assert ask(mode, grants=narrow) == []


_OF_CLASSIC_FILES = "filesAcl:WRITE"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("grants", "told"),
    [
        (
            {"projectsAcl": None},
            ["projectsAcl:LIST is not granted in project capture360. Ask its administrator for it."],
        ),
        ({"groupsAcl": None}, ["groupsAcl:LIST is not granted in project capture360."]),
        ({"dataModelsAcl": None}, ["dataModelsAcl:READ is not granted"]),
        ({"dataModelsAcl": (("READ",), ALL)}, ['dataModelsAcl:WRITE for space "captures360" is not granted']),
        ({"dataModelInstancesAcl": (("READ",), ALL)}, ['dataModelInstancesAcl:WRITE for space "captures360" is not']),
        (
            {"dataModelInstancesAcl": (RW, ELSEWHERE)},
            [
                'dataModelInstancesAcl:READ for space "captures360"',
                'dataModelInstancesAcl:WRITE for space "captures360"',
            ],
        ),
        ({"filesAcl": None, "projectsAcl": None}, ["projectsAcl:LIST", "filesAcl:READ", _OF_CLASSIC_FILES]),
    ],
    ids=str,
)
def test_a_missing_right_is_named_with_its_scope(ask: Asker, mode: ModeName, grants: Grants, told: list[str]) -> None:
    sentences = ask(mode, grants=grants)
    if mode == "data_modeling":  # files of nodes are uploaded by the capabilities of data modeling
        told = [start for start in told if start != _OF_CLASSIC_FILES]
    assert len(sentences) == len(told)
    for sentence, start in zip(sentences, told, strict=True):
        assert sentence.startswith(start)


def test_the_right_to_create_360_models_is_asked_where_one_is_made(ask: Asker) -> None:
    (sentence,) = ask("data_modeling", grants={"threedAcl": (("READ",), ALL)})
    assert sentence.startswith("threedAcl:CREATE is not granted")


@pytest.mark.parametrize("mode", ["asset_centric", "hybrid"])
def test_files_of_a_data_set_need_the_rights_for_it(
    ask: Asker, sandboxes: dict[ModeName, RunningSandbox], mode: ModeName
) -> None:
    from cognite.client.data_classes import DataSetWrite

    made = sandboxes[mode].client().data_sets.create(DataSetWrite(external_id="surveys", name="Surveys"))
    mine = {"datasetScope": {"ids": [str(made.id)]}}
    other = {"datasetScope": {"ids": ["1"]}}
    surveys = {"data_set": "surveys"}
    assert ask(mode, grants={"filesAcl": (RW, mine)}, files=surveys) == []
    read, write = ask(mode, grants={"filesAcl": (RW, other)}, files=surveys)
    assert read.startswith('filesAcl:READ for data set "surveys" is not granted')
    assert write.startswith('filesAcl:WRITE for data set "surveys" is not granted')
    (_, write) = ask(mode, grants={"filesAcl": (RW, mine)})
    assert write.startswith("filesAcl:WRITE with scope all is not granted")
    assert ask(mode, grants={"datasetsAcl": None}, files=surveys) == [
        "datasetsAcl:READ is not granted in project capture360. Ask its administrator for it."
    ]


@pytest.mark.parametrize("mode", ["asset_centric", "hybrid"])
def test_labels_of_files_must_be_there(ask: Asker, sandboxes: dict[ModeName, RunningSandbox], mode: ModeName) -> None:
    from cognite.client.data_classes import LabelDefinitionWrite

    sandboxes[mode].client().labels.create(LabelDefinitionWrite("checked", "checked"))
    assert ask(mode, files={"labels": ["checked"]}) == []
    assert ask(mode, files={"labels": ["checked", "b", "a", "b"]}) == [
        'Project capture360 has no label "b", "a". Create what is missing, or correct files.labels.'
    ]
    assert ask(mode, grants={"labelsAcl": None}) == []
    assert ask(mode, grants={"labelsAcl": None}, files={"labels": ["checked"]}) == [
        "labelsAcl:READ is not granted in project capture360. Ask its administrator for it."
    ]


def test_labels_are_tags_in_a_data_modeling_project(ask: Asker) -> None:
    assert ask("data_modeling", files={"labels": ["nobody made this"]}) == []


@pytest.mark.parametrize(
    ("mode", "project", "fitting"),
    [
        ("asset_centric", "data_modeling", "data_modeling"),
        ("hybrid", "data_modeling", "data_modeling"),
        ("data_modeling", "asset_centric", "asset_centric or hybrid"),
        ("data_modeling", "hybrid", "asset_centric or hybrid"),
    ],
)
def test_the_wrong_mode_is_told_with_the_fitting_ones(
    ask: Asker, mode: ModeName, project: ModeName, fitting: str
) -> None:
    kind = "DATA_MODELING_ONLY" if project == "data_modeling" else "HYBRID"
    assert ask(mode, project)[0] == (
        f"Project capture360 says that it is {kind}, but its connection has mode {mode}. "
        f"Set the connection's mode to {fitting}."
    )


@pytest.mark.parametrize(
    ("mode", "schema", "views"), [("asset_centric", "cdf_360_image_schema", 3), ("data_modeling", "cdf_cdm", 6)]
)
def test_views_that_cannot_be_seen_are_named(ask: Asker, mode: ModeName, schema: str, views: int) -> None:
    scope = {"spaceIdScope": {"spaceIds": ["captures360"]}}
    (sentence,) = ask(mode, grants={"dataModelsAcl": (RW, scope)})
    assert sentence.startswith(f"The views {schema}/")
    assert sentence.count(f"{schema}/") == views
    assert sentence.endswith(f'to enable them and to grant dataModelsAcl:READ for space "{schema}".')


def test_what_a_scene_needs_is_asked_too(ask: Asker) -> None:
    in_site: Grants = {"dataModelInstancesAcl": (RW, IN_SPACE)}
    read, write = ask("hybrid", grants=in_site, scene={"external_id": "plant", "space": "scenes"})
    assert read.startswith('dataModelInstancesAcl:READ for space "scenes"')
    assert write.startswith('dataModelInstancesAcl:WRITE for space "scenes"')
    assert ask("hybrid", grants=in_site, scene={"external_id": "plant"}) == []
    own, space = ask("hybrid", create_space=False, space="cdf_cdm", scene={"external_id": "plant", "space": "scenes"})
    assert own.startswith('Space "cdf_cdm" belongs to CDF itself (global)')
    assert space == 'Space "scenes" is not in project capture360. Create it, or set create_space.'


def test_a_project_without_scenes_is_told_before_anything_is_written(
    sandboxes: dict[ModeName, RunningSandbox], tmp_path: Path
) -> None:
    """CDF's own views cannot be deleted; one that may not be read looks as if it were not there."""
    world = World(sandboxes["hybrid"], tmp_path, "hybrid", scene={"external_id": "plant"})
    seen = {"spaceIdScope": {"spaceIds": ["captures360", "cdf_360_image_schema"]}}
    world.cdf = narrowed(world.running, "hybrid", {"dataModelsAcl": (RW, seen)})
    drop = world.drop("viewless", stations=1)
    before = world.running.mutating()
    with pytest.raises(ConfigError, match=r"^The views scene/SceneConfiguration/v1, scene/Image360Coll\w+/v1 are not"):
        world.ingest(drop)
    assert world.running.mutating() == before


def test_extraction_by_cdf_needs_more_rights(sandboxes: dict[ModeName, RunningSandbox], tmp_path: Path) -> None:
    world = World(sandboxes["asset_centric"], tmp_path, create_space=False)
    assert [each.message for each in missing_for_extraction(world.cdf, world.site, START_WORK, "scans")] == [
        'Space "scans" is not in project capture360. Create it, or set create_space.'
    ]
    granted: Grants = {"threedAcl": (("READ",), ALL), "sessionsAcl": None, "dataModelInstancesAcl": (RW, IN_SPACE)}
    cdf = narrowed(world.running, "asset_centric", granted)
    lacking = [finding.value for finding in missing_for_extraction(cdf, world.site, START_WORK, "scans")]
    in_scans = [f'dataModelInstancesAcl:{action} for space "scans"' for action in RW]
    assert lacking == ["threedAcl:CREATE", "sessionsAcl:CREATE", *in_scans]


def test_settings_that_cannot_hold_in_a_data_modeling_project(ask: Asker) -> None:
    data_set, model = ask("data_modeling", files={"data_set": "surveys"}, data_modeling={"model": "hall"})
    assert data_set.startswith('files.data_set is "surveys", but instances are in no data set. Remove it')
    assert model.startswith('data_modeling.model is "hall", but space "captures360" holds no such Cognite360ImageModel')


@pytest.mark.parametrize(("mode", "more"), [("asset_centric", 24), ("data_modeling", 84)])
def test_a_full_project_is_told_with_how_much_is_needed(tmp_path: Path, mode: ModeName, more: int) -> None:
    options = fast_options(tmp_path / "sandbox", mode, instance_limit=more - 1)
    with run_sandbox(options) as running:
        world = World(running, tmp_path, mode)
        model = mode_of(world.cdf).images(world.cdf, world.site)
        (finding,) = model.missing(KEY, 10)
        assert finding.message.startswith(
            f"Project capture360 holds 0 of at most {more - 1} instances, and 10 panoramas need about {more} more."
        )
        assert model.missing(KEY, 9) == []


@pytest.mark.parametrize("mode", ["asset_centric", "data_modeling"])
def test_what_is_published_already_needs_no_room(tmp_path: Path, mode: ModeName) -> None:
    each = 8 if mode == "data_modeling" else 2
    options = fast_options(tmp_path / "sandbox", mode, instance_limit=3 * each + 4)
    with run_sandbox(options) as running:
        world = World(running, tmp_path, mode)
        drop = world.drop("asked", stations=3)
        world.ingest(drop)
        assert world.ingest(drop).uploaded == 0
        before = running.mutating()
        with pytest.raises(ConfigError, match=f"and 1 panoramas need about {each + 4} more"):
            world.ingest(world.drop("asked", stations=4))
        assert running.mutating() == before
