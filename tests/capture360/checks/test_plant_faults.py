"""Every fault that the plant knows how to make gets the verdict that its truth demands."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

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
from capture360_local.plant.delivered import Delivered
from capture360_local.plant.faults import FAULTS, Effect
from capture360_local.plant.sample import Truth, write_sample

CASES = [
    pytest.param(name, form, id=f"{name}-{form.value}")
    for name, fault in FAULTS.items()
    for form in (sorted(fault.forms)[:1] if fault.forms & {Delivered.CUBEMAP} == frozenset() else [Delivered.CUBEMAP])
]

FACE_SIZES = {"lens-cap": 128}
"""A black picture is known by how small its file is, and in a tiny one the header alone is more than that."""


def checked(truth: Truth) -> Validation:
    checks = CheckSettings(
        min_face_resolution=16, recommended_face_resolution=16, min_panorama_width=64, min_file_bytes=50
    )
    site = Site(id="north-hall", name="North hall", landing=Landing(url="unused"), space="captures", checks=checks)
    return check_capture(CaptureFolder(str(truth.folder)), site=site, key=CaptureKey(truth.site, truth.capture))


@pytest.mark.parametrize(("name", "form"), CASES)
def test_the_verdict_is_what_the_truth_says(tmp_path: Path, name: str, form: Delivered) -> None:
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
    if effect is Effect.WARN:
        warned = {finding.station for finding in validation.findings if finding.disposition is Disposition.WARN}
        assert warned.issuperset(touched), said
    if effect is Effect.WAIT:
        look = settling(CaptureFolder(str(truth.folder)), None, Landing(url="unused"), datetime.now(UTC))
        assert look.waiting_for is not None
