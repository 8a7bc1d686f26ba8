"""A site's own callable sees every face before CDF does, and a face it failed on is never uploaded."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageFilter

from capture360.errors import ConfigError
from capture360.model import CaptureKey
from capture360.sources.blurred import blur_named
from capture360.steps.validate import preflight
from ingest_world import World

PATH = "blur_of_the_site.blur"


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    """Makes `blur_of_the_site.blur` be this."""

    def put(blur: object) -> None:
        import sys
        import types

        module = types.ModuleType("blur_of_the_site")
        module.blur = blur
        monkeypatch.setitem(sys.modules, "blur_of_the_site", module)

    return put


def blurred(face: bytes, key: CaptureKey, station: str, face_name: str) -> bytes:
    content = io.BytesIO()
    Image.open(io.BytesIO(face)).filter(ImageFilter.BoxBlur(4)).save(content, "JPEG", quality=90)
    return content.getvalue()


def test_what_is_uploaded_is_what_the_callable_gave_back(
    make_world: Callable[..., World], install: Callable[[object], None]
) -> None:
    install(blurred)
    world = make_world(files={"blur": PATH}, verify="all")
    drop = world.drop("crowd", stations=1)
    world.ingest(drop)
    plain = (drop.folder / "images/001/front.jpg").read_bytes()
    sent = blurred(plain, drop.key, "001", "front")
    name = next(name for name in world.files("crowd") if "_front_" in name)
    assert name.endswith(hashlib.sha256(sent).hexdigest()[:16])
    assert world.cdf.client.files.download_bytes(external_id=name) == sent != plain
    assert world.ingest(drop, "run 2").uploaded == 0


def test_settings_that_change_later_act_on_a_new_revision(
    make_world: Callable[..., World], install: Callable[[object], None]
) -> None:
    """As those of JPEG quality and the libraries that encode do: what was delivered is the same, and not refused."""
    install(blurred)
    world = make_world()
    drop = world.drop("later", stations=2)
    world.ingest(drop)
    before = world.files("later")
    blurring = world.site.files.model_copy(update={"blur": PATH})
    world.site = world.site.model_copy(update={"files": blurring})
    assert world.ingest(drop, "run 2").uploaded == 0
    assert world.files("later") == before
    assert any(
        line.startswith("2 stations with the pictures that are published: their faces stay") for line in world.said
    )
    third = world.drop("later", stations=3)
    assert world.ingest(third, "run 3").uploaded == 6
    assert set(before) < set(world.files("later"))
    world.ingest(world.drop("later", stations=3, revision=2), "run 4")
    assert set(before).isdisjoint(world.files("later"))


def fails(face: bytes, key: CaptureKey, station: str, face_name: str) -> bytes:
    raise RuntimeError("no model weights")


def shrinks(face: bytes, key: CaptureKey, station: str, face_name: str) -> bytes:
    content = io.BytesIO()
    Image.open(io.BytesIO(face)).resize((8, 8)).save(content, "JPEG")
    return content.getvalue()


@pytest.mark.parametrize(
    ("blur", "sentence"),
    [
        (fails, r"blur_of_the_site.blur failed at hall-7/spoilt-fails 001 \w+ \(RuntimeError: no model weights\)"),
        (shrinks, "returned 8 x 8 pixels of image/jpeg"),
        (lambda *face: None, "returned NoneType at hall-7/"),
        (lambda *face: b"hello", "returned no picture"),
    ],
    ids=["fails", "shrinks", "nothing", "text"],
)
def test_a_face_that_was_not_blurred_is_not_uploaded(
    make_world: Callable[..., World],
    install: Callable[[object], None],
    blur: object,
    sentence: str,
    request: pytest.FixtureRequest,
) -> None:
    install(blur)
    world = make_world(files={"blur": PATH})
    drop = world.drop(f"spoilt-{request.node.callspec.id}", stations=1)
    with pytest.raises(ConfigError, match=sentence):
        world.ingest(drop)
    assert world.files(drop.key.capture) == {}


@pytest.mark.parametrize("path", ["nowhere.blur", "json.blur", "blur", "math.pi"])
def test_a_callable_that_is_not_there_is_told_before_anything_is_written(
    make_world: Callable[..., World], path: str
) -> None:
    world = make_world(files={"blur": path})
    with pytest.raises(ConfigError, match=f"files.blur: {path} "):
        preflight(world.ctx(), CaptureKey("hall-7", "any"), 1, "faces")


@pytest.mark.parametrize("content", ["def blur(:", "raise RuntimeError('no weights')", "x = None.weights"])
def test_a_module_that_cannot_be_imported_is_no_bug_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    (tmp_path / "broken_blur.py").write_text(content)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match=r"files\.blur: broken_blur\.blur cannot be imported"):
        blur_named("broken_blur.blur")


def test_scans_that_cdf_would_extract_are_refused(
    make_world: Callable[..., World], install: Callable[[object], None]
) -> None:
    install(blurred)
    world = make_world(files={"blur": PATH})
    with pytest.raises(ConfigError, match=r"Set e57\.extraction to local"):
        preflight(world.ctx(), CaptureKey("hall-7", "any"), 1, "revision")
