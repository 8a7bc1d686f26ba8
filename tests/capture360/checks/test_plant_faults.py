"""Every fault that the plant knows how to make gets the verdict that its truth demands, for the reason it was given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest

from capture360.checks.check import check_capture
from capture360.checks.validation import Validation
from capture360.landing.folder import CaptureFolder
from capture360.model import CaptureKey, Verdict
from capture360.rules.finding import Disposition
from capture360.settings.checks import CheckSettings
from capture360.settings.landing import Landing
from capture360.settings.site import Site
from capture360.steps.settling import settling
from capture360_local.plant import sample
from capture360_local.plant.camera import Projection
from capture360_local.plant.delivered import Delivered
from capture360_local.plant.faults import FAULTS, Effect
from capture360_local.plant.render import Camera, Pixels, Renderer
from capture360_local.plant.sample import Truth, write_sample

CASES = [
    pytest.param(name, form, id=f"{name}-{form.value}")
    for name, fault in FAULTS.items()
    for form in (sorted(fault.forms)[:1] if fault.forms & {Delivered.CUBEMAP} == frozenset() else [Delivered.CUBEMAP])
]
SAID = {
    "missing-face": ("F01", 'face "left" is missing'),
    "truncated-jpeg": ("F08", "is cut off: its end is missing"),
    "zero-byte-face": ("F07", "front.jpg is empty"),
    "wrong-face-size": ("F09", "16 x 15 pixels, a cube face must be square"),
    "not-2to1": ("F11", "64 x 24 is not a full panorama"),
    "png-named-jpg": ("F08", "is a PNG file. Rename it to front.png"),
    "giant-png": ("F08", "says it has 50000 x 50000 pixels"),
    "copied-face": ("F14", "front.jpg is the same picture as images/s-002/back.jpg"),
    "lens-cap": ("F16", "front.jpg is blank"),
    "decimal-comma": ("S06", '"4,7969" is not a number. Decimal comma?'),
    "duplicate-station": ("I02", 'station_id "s-002" appears 2 times'),
    "empty-z": ("P01", "z is empty"),
    "nonunit-quaternion": ("P04", "has length 1.12, must be 1"),
    "overflow-number": ("P01", 'x "1e400" is too large for a pose'),
    "bad-date": ("T01", '"31/04/2025" is not a date and time'),
    "path-escape": ("S07", '"../../outside.jpg" points outside the capture folder'),
    "missing-column": ("S04", 'column "x" is missing. Found "pos_x"'),
    "millimetres": ("P03", "Are these millimetres?"),
    "all-zero": ("P10", "all 6 stations have the position 0, 0, 0"),
    "no-timezone": ("S09", "time.zone is missing"),
    "wrong-count": ("S08", "capture.yaml promises 8 stations, stations.csv has 6"),
    "stretched-pose": ("E03", "is no unit quaternion: its length is 1.12"),
    "truncated-e57": ("E01", "scan.e57 is cut off: header says"),
    "corrupt-page": ("E01", "the checksum of page 8 (byte 8,192) is wrong"),
    "no-panoramas": ("E02", "holds 1 image but no 360 panorama"),
}
"""The one rule that stops the capture, holds back the touched station or warns of it, and a part of its sentence."""
DISPOSITIONS = {
    Effect.STOP: Disposition.STOP,
    Effect.QUARANTINE: Disposition.QUARANTINE,
    Effect.WARN: Disposition.WARN,
}
FACE_SIZES = {"lens-cap": 128}
"""A black picture is known by how small its file is, and in a tiny one the header alone is more than that."""


class Remembering(Renderer):
    """Renders a view of the hall once, since faults damage what was drawn."""

    drawn: ClassVar[dict[tuple[bytes, bytes, tuple[Projection, ...]], list[Pixels]]] = {}

    def render(self, camera: Camera, views: Sequence[Projection]) -> list[Pixels]:
        key = (camera.position.tobytes(), camera.rotation.tobytes(), tuple(views))
        if key not in self.drawn:
            self.drawn[key] = super().render(camera, views)
        return self.drawn[key]


def checked(truth: Truth) -> Validation:
    checks = CheckSettings(
        min_face_resolution=16, recommended_face_resolution=16, min_panorama_width=64, min_file_bytes=50
    )
    site = Site(id="north-hall", name="North hall", landing=Landing(url="unused"), space="captures", checks=checks)
    return check_capture(CaptureFolder(str(truth.folder)), site=site, key=CaptureKey(truth.site, truth.capture))


@pytest.mark.parametrize(("name", "form"), CASES)
def test_the_verdict_is_what_the_truth_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, form: Delivered
) -> None:
    monkeypatch.setattr(sample, "Renderer", Remembering)
    truth = write_sample(
        tmp_path / "north-hall" / "visit-1",
        kind=form,
        stations=6,
        face_size=FACE_SIZES.get(name, 16),
        spoil=(name,),
        views=False,
    )
    validation = checked(truth)
    said = "\n".join(finding.message for finding in validation.findings)
    if truth.rejected:
        assert validation.verdict is Verdict.REJECTED, said
        assert validation.capture is None
    elif truth.quarantined:
        assert validation.verdict is Verdict.PARTIAL, said
    else:
        assert validation.verdict is Verdict.ACCEPTED, said
    if not truth.rejected:
        assert set(validation.quarantined) == set(truth.quarantined), said
    effect, touched = FAULTS[name].effect, truth.spoilt[0].stations
    if effect in DISPOSITIONS:
        rule, sentence = SAID[name]
        found = [finding for finding in validation.findings if finding.disposition is DISPOSITIONS[effect]]
        assert {finding.rule for finding in found} == {rule}, said
        assert {finding.station for finding in found} == (set(touched) or {None}), said
        assert sentence in found[0].message
    else:
        assert validation.findings == (), said
    if effect is Effect.WAIT:
        look = settling(CaptureFolder(str(truth.folder)), None, Landing(url="unused"), datetime.now(UTC))
        assert look.waiting_for is not None
