"""`capture360 e57` as a person meets it: a table, a sentence, an exit code."""

import io

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from capture360.e57.images import ScannerPose
from capture360.errors import BadInputError
from capture360_cli.e57 import e57
from e57_writer import E57Writer
from pictures import encode_png


@pytest.fixture
def run():
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(e57)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


@pytest.fixture
def scan(tmp_path):
    def written(*poses) -> str:
        picture = encode_png(np.random.default_rng(1).integers(0, 256, (64, 128, 3), dtype=np.uint8))
        stream = io.BytesIO()
        with E57Writer(stream) as writer:
            for number, pose in enumerate(poses):
                writer.add_spherical(picture, name=f"Hall {number}", pose=pose)
        path = tmp_path / "scan.e57"
        path.write_bytes(stream.getvalue())
        return str(path)

    return written


GOOD = ScannerPose((1.0, 0.0, 0.0, 0.0), (1.0, 2.0, 3.0))


def test_a_sound_file_exits_with_zero_and_becomes_a_capture(run, scan, tmp_path):
    result = run(scan(GOOD, GOOD), "--full", "--extract", tmp_path / "site/cap")
    assert result.exit_code == 0, result.output
    assert "scan.e57: 2 usable of 2 photospheres." in result.output
    assert "Hall-0" in result.output
    assert "pages are sound" in result.output
    assert (tmp_path / "site/cap/stations.csv").exists()


def test_a_part_exits_with_three_and_nothing_with_four(run, scan, tmp_path):
    result = run(scan(GOOD, None))
    assert result.exit_code == 3
    assert "has no pose" in result.output
    result = run(scan(None), "--extract", tmp_path / "site/cap")
    assert result.exit_code == 4
    assert "no usable one of 1 photosphere" in result.output
    assert not (tmp_path / "site").exists()


def test_damage_between_the_pictures_is_found_by_the_full_check(run, scan):
    path = scan(GOOD, GOOD)
    with open(path, "r+b") as stream:
        stream.seek(10 * 1024)
        stream.write(b"\x00\x00")
    assert run(path).exit_code == 0
    result = run(path, "--full")
    assert result.exit_code == 4
    assert "is damaged" in result.output


def test_a_file_that_cannot_be_read_is_an_error_in_words(run, tmp_path):
    for path in (tmp_path / "nothing.e57", tmp_path, "nowhere://x/scan.e57"):
        result = run(path)
        assert isinstance(result.exception, BadInputError)
        assert "cannot be read" in str(result.exception)
