"""The DAGs come along with the package."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from capture360_cli.main import app

DAGS = Path(__file__).parent.parent.parent / "dags"


def test_the_dags_are_copied_whole_and_again(tmp_path: Path) -> None:
    for _ in range(2):
        assert CliRunner().invoke(app, ["dags", str(tmp_path / "new")]).exit_code == 0
    copied = {file.name: file.read_bytes() for file in (tmp_path / "new").iterdir()}
    assert copied == {file.name: file.read_bytes() for file in DAGS.glob("*.py")}


def test_a_changed_dag_is_replaced_only_by_force(tmp_path: Path) -> None:
    own = tmp_path / "captures_ingest.py"
    own.write_text("# ours\n")
    refused = CliRunner().invoke(app, ["dags", str(tmp_path)])
    assert "captures_ingest.py" in str(refused.exception)
    assert [file.name for file in tmp_path.iterdir()] == ["captures_ingest.py"]
    assert own.read_text() == "# ours\n"
    assert CliRunner().invoke(app, ["dags", str(tmp_path), "--force"]).exit_code == 0
    assert own.read_bytes() == (DAGS / own.name).read_bytes()


def test_a_dag_that_the_version_has_no_more_is_named(tmp_path: Path) -> None:
    """It would run on with the new package."""
    (tmp_path / "captures_old.py").write_text("from airflow_capture360 import tasks\n")
    (tmp_path / "captures_mine.py").write_text("import airflow\n")
    done = CliRunner().invoke(app, ["dags", str(tmp_path), "--force"])
    assert done.exit_code == 0
    assert f"{tmp_path}/captures_old.py is no DAG of this version. Remove it" in done.stderr
    assert "captures_mine" not in done.stderr
    assert (tmp_path / "captures_old.py").exists()
