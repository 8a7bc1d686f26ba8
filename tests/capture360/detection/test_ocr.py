"""Own OCR on drawn plates: what is read, where, and what is not read twice."""

from __future__ import annotations

import logging
import socket
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from capture360.cdf.client import CdfProject, Connection
from capture360.cdf.images.files import ClassicFiles
from capture360.detection.cache import OcrCache
from capture360.detection.legibility import legible_distance_m
from capture360.detection.ocr import OcrDetector, OcrEngine
from capture360.detection.protocol import Line
from capture360.errors import CdfError, CdfUnavailableError, ConfigError
from capture360.geometry.boxes import bounds, touches_border
from capture360.matching.policy import score_matches
from capture360.model import FACES, Asset, FaceRef, Pose, PublishedImage
from capture360.pictures.jpeg import encode_jpeg
from capture360.settings.detection import OcrSettings
from capture360.settings.files import FileSettings
from capture360.store import DocumentStore
from local_cdf import RunningSandbox

LEVEL = Pose((0, 0, 0), (1, 0, 0, 0))


def plates(*some: tuple[str, int, int, int]) -> NDArray[np.uint8]:
    """A grey face with white plates: text, left, top and degrees counter-clockwise."""
    image = Image.new("RGB", (512, 512), (90, 110, 100))
    font = ImageFont.load_default(26)
    for text, left, top, turn in some:
        box = ImageDraw.Draw(image).multiline_textbbox((0, 0), text, font=font)
        plate = Image.new("RGB", (int(box[2]) + 24, int(box[3]) + 16), "white")
        ImageDraw.Draw(plate).multiline_text((12, 4), text, font=font, fill="black")
        image.paste(plate.rotate(turn, expand=True), (left, top))
    return np.asarray(image)


@pytest.fixture(scope="module")
def engine() -> OcrEngine:
    return OcrEngine()


def published(name: str = "image-1") -> PublishedImage:
    faces = {face: FaceRef(face, f"{name}_{face}") for face in FACES}
    return PublishedImage(name, "space", "station-1", LEVEL, faces)


class CountingEngine(OcrEngine):
    """The real engine's place, with an answer laid down: for what surrounds it."""

    version = "laid-down-1"

    def __init__(self, lines: list[Line], settings: OcrSettings | None = None) -> None:
        super().__init__(settings)
        self.lines = lines
        self.calls = 0

    def read(self, pixels: NDArray[np.uint8]) -> list[Line]:
        self.calls += 1
        return self.lines


BOX = ((0.1, 0.1), (0.3, 0.1), (0.3, 0.2), (0.1, 0.2))
BLANK = encode_jpeg(np.zeros((64, 64, 3), np.uint8))


def test_plates_are_read_where_they_hang_and_become_links(engine: OcrEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refused)
    picture = encode_jpeg(
        plates(
            ("LIC-2591B", 40, 30, 0),
            ("21-PT\n1018A", 300, 30, 0),
            ("P-101A", 60, 200, 90),
            ("21-PT-1021A", 420, 400, 0),
        )
    )
    detector = OcrDetector(lambda ref: picture if ref.face == "left" else BLANK, engine)
    detections = list(detector.detect([published()]))
    assert {found.face for found in detections} == {"left"}
    found = {detection.text: detection for detection in detections}
    assert {"LIC-2591B", "21-PT", "1018A", "P-101A"} <= set(found)
    x_min, y_min, x_max, y_max = bounds(found["LIC-2591B"].polygon)
    assert (x_min, y_min) == pytest.approx((52 / 512, 36 / 512), abs=0.03)
    assert x_max - x_min > 3 * (y_max - y_min)
    tags = ["LIC-2591B", "LIC-2591A", "21-PT-1018A", "21-PT-1021A", "P-101A", "P-101B"]
    judged = score_matches(detections, [Asset(tag, tag, (tag,)) for tag in tags])
    approved = {each.match.asset.ref for each in judged if each.match.asset and each.match.status == "approved"}
    assert approved == {"LIC-2591B", "21-PT-1018A", "P-101A"}
    (at_border,) = [
        detection for detection in detections if detection.text not in {"LIC-2591B", "21-PT", "1018A", "P-101A"}
    ]
    assert touches_border(at_border.polygon)


def test_a_plate_that_stands_on_either_end_or_on_its_head_is_read(engine: OcrEngine) -> None:
    tags = ("TIC-1189D", "31TT0017", "FT-1257A")
    for turn in (90, 180, 270):
        shown = plates(*((tag, 40 + 150 * place, 60 + 130 * place, turn) for place, tag in enumerate(tags)))
        assert sorted(line.text for line in engine.read(shown)) == sorted(tags)


def test_a_line_that_the_classifier_is_not_sure_about_is_read_both_ways(
    engine: OcrEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    rapidocr = engine.rapidocr
    shown = plates(("TIC-1189D", 60, 200, 90))
    engine.read(shown)  # loads the classifier
    classify = rapidocr.text_cls.postprocess_op
    for answer in (("180", 0.6), ("0", 0.6), ("180", 0.99)):
        monkeypatch.setattr(rapidocr.text_cls, "postprocess_op", lambda out, a=answer: [a] * len(classify(out)))
        assert [line.text for line in engine.read(shown)] == ["TIC-1189D"]


def test_an_empty_face_holds_nothing_and_the_engine_is_quiet(
    engine: OcrEngine, capfd: pytest.CaptureFixture[str]
) -> None:
    assert engine.read(plates()) == []
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert logging.getLogger("RapidOCR").level == logging.ERROR


def test_one_thread_for_the_engine(engine: OcrEngine) -> None:
    engine.read(plates(("P-101A", 60, 200, 0)))
    options = engine.rapidocr.text_det.session.session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)


def test_top_and_bottom_are_skipped_unless_asked_for() -> None:
    seen: list[str] = []

    def read(ref: FaceRef) -> bytes:
        seen.append(ref.face)
        return BLANK

    list(OcrDetector(read, CountingEngine([])).detect([published()]))
    assert seen == ["front", "back", "left", "right"]
    seen.clear()
    list(OcrDetector(read, CountingEngine([], OcrSettings(faces=("top",)))).detect([published()]))
    assert seen == ["top"]


def test_the_same_content_is_read_once_and_new_settings_read_anew(tmp_path: Path) -> None:
    cache = OcrCache(DocumentStore(str(tmp_path)))
    first = CountingEngine([Line("P-101A", 0.97, BOX)])
    kept = list(OcrDetector(lambda _: BLANK, first, cache).detect([published(), published("image-2")]))
    assert first.calls == 1
    assert [each.text for each in kept] == ["P-101A"] * 8
    again = CountingEngine([])
    assert list(OcrDetector(lambda _: BLANK, again, cache).detect([published(), published("image-2")])) == kept
    assert again.calls == 0
    fewer_faces = CountingEngine([], OcrSettings(faces=("left",)))
    assert len(list(OcrDetector(lambda _: BLANK, fewer_faces, cache).detect([published()]))) == 1
    assert fewer_faces.calls == 0
    other = CountingEngine([], OcrSettings(box_threshold=0.5))
    assert list(OcrDetector(lambda _: BLANK, other, cache).detect([published()])) == []
    assert other.calls == 1
    newer = CountingEngine([])
    newer.version = "laid-down-2"
    list(OcrDetector(lambda _: BLANK, newer, cache).detect([published()]))
    assert newer.calls == 1


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"lines": [["P-1"]]}', b"\xff", b'{"lines": [["P-1", "x", []]]}'])
def test_a_damaged_cache_entry_is_made_again(tmp_path: Path, damage: bytes) -> None:
    engine = CountingEngine([Line("P-101A", 0.97, BOX)])
    store = DocumentStore(str(tmp_path))
    cache = OcrCache(store)
    key = cache.key(sha256(BLANK).hexdigest(), engine.cache_key)
    store.put(key, damage)
    only_left = replace(published(), faces={"left": FaceRef("left", "x")})
    assert [each.text for each in OcrDetector(lambda _: BLANK, engine, cache).detect([only_left])] == ["P-101A"]
    assert cache.get(key) == engine.lines


def test_a_long_text_is_cut_and_told() -> None:
    detector = OcrDetector(lambda _: BLANK, CountingEngine([Line("A1" * 100, 0.97, BOX)], OcrSettings(faces=("left",))))
    (detection,) = detector.detect([published()])
    assert detection.text == "A1" * 64
    (finding,) = detector.findings
    assert (finding.rule, finding.where, finding.value) == ("L05", "image-1 left", "A1" * 100)


@pytest.mark.parametrize("content", [b"", b"no picture", BLANK[:200]])
def test_a_face_that_cannot_be_read_is_told_and_the_others_go_on(content: bytes) -> None:
    def read(ref: FaceRef) -> bytes:
        return content if ref.face == "front" else BLANK

    detector = OcrDetector(read, CountingEngine([Line("P-101A", 0.97, BOX)]))
    assert [each.face for each in detector.detect([published()])] == ["back", "left", "right"]
    (finding,) = detector.findings
    assert (finding.rule, finding.where, finding.value) == ("L04", "image-1 front", "image-1_front")


def test_a_face_that_is_not_in_cdf_becomes_a_finding(running: RunningSandbox) -> None:
    cdf = CdfProject(Connection.from_mapping(running.connection, "test"))
    cdf.client.files.upload_bytes(BLANK, name="there.jpg", external_id="there")
    files = ClassicFiles(cdf.client, FileSettings())
    image = replace(published(), faces={"front": FaceRef("front", "nowhere"), "left": FaceRef("left", "there")})
    detector = OcrDetector(lambda ref: files.content(ref.external_id), CountingEngine([Line("P-101A", 0.97, BOX)]))
    assert [each.face for each in detector.detect([image])] == ["left"]
    (finding,) = detector.findings
    assert (finding.rule, finding.where, finding.value) == ("L04", "image-1 front", "nowhere")


@pytest.mark.parametrize("error", [CdfError("not allowed"), CdfUnavailableError("no answer")])
def test_a_project_that_cannot_be_read_fails_the_batch(error: Exception) -> None:
    def read(_: FaceRef) -> bytes:
        raise error

    with pytest.raises(type(error)):
        list(OcrDetector(read, CountingEngine([])).detect([published()]))


@pytest.mark.parametrize("module", ["rapidocr", "onnxruntime"])
def test_without_the_extra_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=rf'needs {module}.*pip install "capture360\[ocr\]"'):
        OcrEngine().read(plates())


def test_legibility_is_the_pinhole_law() -> None:
    focal_length_px = 2048 / 2  # a face spans 90 degrees
    assert focal_length_px * 0.025 / legible_distance_m(0.025, 2048) == pytest.approx(14)
