"""Records speak of one CDF project: what happened in one decides nothing in another."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture360.errors import ConfigError, RecordsError
from capture360.records import Records
from cdf_sandbox.core.options import Options
from ingest_world import World
from local_cdf import fast_options, run_sandbox
from record_files import document_paths


def options(folder: Path, project: str = "capture360") -> Options:
    return fast_options(folder, project=project)


@pytest.mark.parametrize("projects", [("trial", "real"), ("same", "same")], ids=" and ".join)
def test_records_of_one_project_are_refused_in_another(tmp_path: Path, projects: tuple[str, str]) -> None:
    one, other = (options(tmp_path / str(number), project) for number, project in enumerate(projects))
    with run_sandbox(one) as trial, run_sandbox(other) as real:
        drop = World(trial, tmp_path).drop("may", stations=2)
        World(trial, tmp_path).ingest(drop)
        before = document_paths(World(trial, tmp_path).records.store)
        with pytest.raises(ConfigError) as refused:
            World(real, tmp_path).ingest(drop)
        assert f"in project {projects[0]} on sandbox-" in str(refused.value)
        assert f"leads to project {projects[1]} on sandbox-" in str(refused.value)
        assert document_paths(World(trial, tmp_path).records.store) == before
        assert real.mutating() == 0
        World(trial, tmp_path).ingest(drop, run="run 2")


def test_a_sandbox_that_starts_again_on_another_port_is_the_same_project(tmp_path: Path) -> None:
    with run_sandbox(options(tmp_path / "data")) as first:
        drop = World(first, tmp_path).drop("may", stations=2)
        World(first, tmp_path).ingest(drop)
    with run_sandbox(options(tmp_path / "data")) as second:
        assert World(second, tmp_path).ingest(drop, run="run 2").uploaded == 0


def test_the_first_project_that_is_bound_wins(tmp_path: Path) -> None:
    bindings = Records(str(tmp_path)).bindings
    bindings.refuse_other("hall-7", "a", "p")
    bindings.bind("hall-7", "a", "p")
    bindings.bind("hall-7", "a", "p")
    bindings.bind("yard", "b", "p")
    for cluster, project in (("b", "p"), ("a", "q")):
        with pytest.raises(ConfigError, match=r"Use the connection that belongs to the records"):
            bindings.bind("hall-7", cluster, project)
    assert list(Records(str(tmp_path)).keys()) == []


def test_a_damaged_binding_is_no_permission(tmp_path: Path) -> None:
    records = Records(str(tmp_path))
    records.store.put("projects/hall-7.json", b"{}")
    with pytest.raises(RecordsError, match=r"projects/hall-7.json is broken \(cluster is missing\)"):
        records.bindings.bind("hall-7", "a", "p")
