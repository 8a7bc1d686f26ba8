"""Own OCR: RapidOCR with the PP-OCRv6 models of its wheel, on ONNX Runtime, without network access.

Locating lines takes three quarters of the time and grows with the number of pixels; recognition is cheap. So lines are
located on a face scaled to 1536 pixels, with low thresholds, and recognised on crops of the full face. The model that
locates them runs without its subnormal weights, which gives the same result in a third of the time: decision 0029. The
rotation classifier stays on, since some plates are mounted at 90 or 180 degrees; a line that it is not sure about is
recognised both ways up. A second ONNX thread costs a third more for a tenth more speed: each process uses one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, cached_property, partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from typing_extensions import override

from capture360.detection.cache import OcrCache
from capture360.detection.outline import VERSION as OUTLINE_VERSION
from capture360.detection.outline import with_outlines
from capture360.detection.protocol import Detector, Line, ReadFace
from capture360.detection.seams import reread_seams
from capture360.detection.weights import without_subnormals
from capture360.errors import BadInputError, CdfError, ConfigError
from capture360.geometry.polygons import clipped
from capture360.model import FACES, MAX_TEXT_LENGTH, Detection, FaceName, FaceRef, PublishedImage
from capture360.rules.finding import Finding
from capture360.rules.links import L04, L05
from capture360.settings.detection import OcrSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray


_LOCATOR = "PP-OCRv6_det_small.onnx"
"""Model that locates lines of text, in the wheel of RapidOCR."""
_BOTH_WAYS = "both-ways-1"
"""Part of the cache key; changed with how lines are turned."""
_SURELY_UPRIGHT = 0.95
"""Classifier's score from which a line that it takes for upright is not tried upside down."""
_LEVELS = np.arange(256, dtype=np.float32) * np.float32(1 / 255) * 2 - 1
"""What the model is given for each level of a channel."""


class OcrEngine:
    """OCR engine, loaded when the first face is read. Loading takes a second, so one engine serves a whole batch."""

    def __init__(self, settings: OcrSettings | None = None) -> None:
        self.settings = settings or OcrSettings()

    @cached_property
    def version(self) -> str:
        """Names and versions of engine and models."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            return f"rapidocr-{version('rapidocr')}/PP-OCRv6-small/onnxruntime-{version('onnxruntime')}"
        except PackageNotFoundError as missing:
            raise _not_installed(missing.name) from None

    @property
    def cache_key(self) -> str:
        """Everything that a result depends on besides the content; which faces are read is no part of it."""
        return f"{self.version} {OUTLINE_VERSION} {_BOTH_WAYS} {self.settings.model_dump_json(exclude={'faces'})}"

    def read(self, pixels: NDArray[np.uint8]) -> list[Line]:
        """Return the lines of one face (height x width x 3, RGB), in reading order."""
        height, width = pixels.shape[:2]
        output = self.rapidocr(pixels[:, :, ::-1])
        if output.boxes is None or output.txts is None or output.scores is None:
            return []
        lines = []
        for box, text, score in zip(output.boxes, output.txts, output.scores, strict=True):
            polygon = clipped([(x / width, y / height) for x, y in box])
            if polygon is not None and text.strip():
                lines.append(Line(text.strip(), round(float(score), 4), polygon))
        return with_outlines(pixels, lines)

    @cached_property
    def rapidocr(self) -> Any:
        """The loaded engine; DetectorError if it is not installed."""
        try:
            import cv2
            import onnxruntime  # noqa: F401 - RapidOCR would only fail at the first face
            import rapidocr
        except ModuleNotFoundError as missing:
            raise _not_installed(missing.name) from None
        cv2.setNumThreads(1)
        settings = self.settings
        params = {
            "Global.log_level": "error",
            "Global.max_side_len": 4096,
            "Global.text_score": settings.min_score,
            "Det.limit_type": "max",
            "Det.limit_side_len": settings.detector_side,
            "Det.box_thresh": settings.box_threshold,
            "Det.thresh": settings.pixel_threshold,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "EngineConfig.onnxruntime.enable_cpu_mem_arena": True,  # memory is kept from face to face, not given back
        }
        shipped = Path(rapidocr.__file__).parent / "models" / _LOCATOR
        if not shipped.is_file():
            raise _not_installed(f"the model {_LOCATOR} of rapidocr 3.10")
        with TemporaryDirectory() as folder:
            model = Path(folder) / _LOCATOR
            model.write_bytes(without_subnormals(shipped.read_bytes()))
            engine = rapidocr.RapidOCR(params={**params, "Det.model_path": str(model)})
            engine(np.zeros((32, 32, 3), np.uint8))  # a model is only loaded when a picture is read
        engine.text_det.get_preprocess = lambda: partial(_model_input, side=settings.detector_side)
        engine.cls_and_rotate = partial(_turned_upright, engine, engine.cls_and_rotate)
        return engine


class OcrDetector(Detector):
    """Detector that reads each face with own OCR, or takes the cached result of the same content."""

    def __init__(self, read_face: ReadFace, engine: OcrEngine | None = None, cache: OcrCache | None = None) -> None:
        self._read_face = read_face
        self._engine = engine or OcrEngine()
        self._cache = cache
        self.findings: list[Finding] = []

    @property
    @override
    def engine(self) -> str:
        return self._engine.version

    @property
    @override
    def images_at_once(self) -> int:
        return 1

    @override
    def detect(self, images: Sequence[PublishedImage]) -> Iterator[Detection]:
        """Yield the texts on the faces that the settings name; a face that cannot be read becomes a finding."""
        wanted = self._engine.settings.faces
        for image in images:
            contents: dict[FaceName, bytes] = {}
            lines = {
                face: self._lines(image, image.faces[face], contents)
                for face in FACES
                if face in wanted and face in image.faces
            }
            for face, some in self._across_edges(image, lines, contents).items():
                for line in some:
                    text = self._short(line.text, image, face)
                    yield Detection(
                        image=image.external_id,
                        face=face,
                        text=text,
                        score=line.score,
                        polygon=line.polygon,
                        outline=line.outline,
                        whole=line.whole,
                        cap_px=line.cap_px,
                        uncut=line.uncut,
                    )

    def _lines(self, image: PublishedImage, ref: FaceRef, contents: dict[FaceName, bytes]) -> list[Line]:
        """Return the lines of one face, whose file is added to `contents` if it is a picture."""
        from capture360.pictures.decoding import decode

        place = f"{image.external_id} {ref.face}"
        try:
            content = self._read_face(ref)
            lines = self._read(sha256(content).hexdigest(), lambda: decode(content, place))
        except (BadInputError, CdfError) as error:
            if isinstance(error, CdfError) and not error.absent:
                raise
            self.findings.append(L04.finding(where=place, value=ref.external_id, error=str(error)))
            return []
        contents[ref.face] = content
        return lines

    def _across_edges(
        self, image: PublishedImage, lines: Mapping[FaceName, list[Line]], contents: Mapping[FaceName, bytes]
    ) -> Mapping[FaceName, list[Line]]:
        """Return the lines by face, those that an edge between two faces cuts as they are read across it."""
        from capture360.pictures.decoding import decode

        @cache
        def pixels_of(face: FaceName) -> NDArray[np.uint8] | None:
            return decode(contents[face], f"{image.external_id} {face}") if face in contents else None

        def read(pixels: NDArray[np.uint8]) -> list[Line]:
            return self._read(sha256(pixels.tobytes()).hexdigest(), lambda: pixels)

        return reread_seams(lines, pixels_of, read)

    def _read(self, content_sha256: str, pixels: Callable[[], NDArray[np.uint8]]) -> list[Line]:
        """Return the lines of a picture, from the cache if it was read before."""
        key = self._cache.key(content_sha256, self._engine.cache_key) if self._cache else ""
        lines = self._cache.get(key) if self._cache else None
        if lines is None:
            lines = self._engine.read(pixels())
            if self._cache:
                self._cache.put(key, lines, self._engine.cache_key)
        return lines

    def _short(self, text: str, image: PublishedImage, face: FaceName) -> str:
        if len(text) <= MAX_TEXT_LENGTH:
            return text
        self.findings.append(
            L05.finding(where=f"{image.external_id} {face}", value=text, length=len(text), limit=MAX_TEXT_LENGTH)
        )
        return text[:MAX_TEXT_LENGTH]


def _model_input(picture: NDArray[np.uint8], *, side: int) -> NDArray[np.float32]:
    """Return a picture (height x width x 3, BGR) as input (1, 3, h, w) of the model that locates lines.

    The same numbers as from RapidOCR, which takes a tenth of a face's time for them, since it does not look them up.
    """
    import cv2

    height, width = picture.shape[:2]
    ratio = min(1.0, side / max(height, width))
    columns, rows = (max(32, round(int(length * ratio) / 32) * 32) for length in (width, height))
    levels = cv2.LUT(cv2.resize(picture, (columns, rows)), _LEVELS)
    return np.ascontiguousarray(levels.transpose(2, 0, 1)[np.newaxis], dtype=np.float32)


def _turned_upright(
    engine: Any, classify: Callable[[list[NDArray[np.uint8]]], tuple[Any, Any]], crops: list[NDArray[np.uint8]]
) -> tuple[list[NDArray[np.uint8]], Any]:
    """Return the crops of lines the right way up, with the answer of `classify`, RapidOCR's rotation classifier.

    RapidOCR turns a line only if its classifier is sure, which it is not of a quarter of the lines that stand on their
    last letter (plates at 76 to 104 degrees): those are recognised both ways, and the higher engine score decides.
    """
    _, answer = classify(crops)
    unsure = [number for number, (label, score) in enumerate(answer.cls_res) if label != "0" or score < _SURELY_UPRIGHT]
    upright = list(crops)
    if unsure:
        both = [crop for number in unsure for crop in (crops[number], np.rot90(crops[number], 2))]
        scores = engine.recognize_txt(both).scores
        for place, number in enumerate(unsure):
            as_is, turned = scores[2 * place : 2 * place + 2]
            upright[number] = both[2 * place + (turned > as_is)]
    return upright, answer


def _not_installed(module: str | None) -> ConfigError:
    return ConfigError(
        f'Own OCR needs {module}, which is not installed. Install the extra with: pip install "capture360[ocr]"'
    )
