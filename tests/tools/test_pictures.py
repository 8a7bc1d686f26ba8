"""The pictures of the README: all there and small, and taken of a stack that runs."""

from __future__ import annotations

import importlib.util
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("tools_pictures", ROOT / "tools/pictures.py")
assert _spec
assert _spec.loader
pictures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(pictures)


def test_the_pages_show_pictures_that_are_there_and_small() -> None:
    shown = {
        (page.parent / name).resolve()
        for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
        for name in re.findall(r"!?\[[^\]]+\]\(([^)]+\.png)\)", page.read_text(encoding="utf-8"))
    }
    assert shown == set(pictures.FOLDER.glob("*.png"))
    for file in shown:
        assert file.stat().st_size <= pictures.MOST_BYTES
        with Image.open(file) as picture:
            assert min(picture.size) >= 700


def test_a_picture_with_too_many_colours_gets_fewer() -> None:
    content = io.BytesIO()
    across, down = np.meshgrid(np.arange(400), np.arange(400))
    smooth = np.stack([across * 255 // 400, down * 255 // 400, (across + down) % 256], axis=-1).astype(np.uint8)
    Image.fromarray(smooth).save(content, "PNG")
    small = pictures.small_enough(content.getvalue())
    assert len(small) <= pictures.MOST_BYTES
    assert Image.open(io.BytesIO(small)).size == (400, 400)
    noise = io.BytesIO()
    Image.effect_noise((1280, 800), 90).save(noise, "PNG")
    with pytest.raises(SystemExit, match="more than"):
        pictures.small_enough(noise.getvalue())


def test_without_a_stack_it_says_what_to_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pictures, "LOCAL_STATE", tmp_path)
    with pytest.raises(SystemExit, match="capture360 demo --open"):
        pictures.main(tmp_path / "pictures")
    assert not (tmp_path / "pictures").exists()
