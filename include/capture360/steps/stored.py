"""Verification of uploaded faces, with another upload of those that differ."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence

from capture360.cdf.polling import wait_until
from capture360.cdf.ports import Image360Store
from capture360.errors import CdfError, CdfUnavailableError
from capture360.model import Capture, EncodedFace, FaceRef, Station
from capture360.text import listed

_UPLOADS = 3

Face = tuple[Station, EncodedFace]


def wait_until_stored(model: Image360Store, shas: Mapping[FaceRef, str]) -> None:
    """Wait until CDF reports all faces as uploaded with their sha256; CdfUnavailableError after the time limit."""
    wanting = dict(shas)

    def all_stored() -> bool:
        for ref in model.stored(wanting):
            del wanting[ref]
        return not wanting

    if not wait_until(all_stored):
        shown = listed(sorted(ref.external_id for ref in wanting))
        raise CdfUnavailableError(
            f"{len(wanting)} face files are not readable in CDF ({shown}). Clear the tasks that upload faces."
        )


def make_whole(
    model: Image360Store, capture: Capture, faces: Mapping[FaceRef, Face], *, sample: bool, log: Callable[[str], None]
) -> None:
    """Compare the size of every stored face, and with `sample` the bytes of one, with what was sent.

    Faces that differ are uploaded again; CdfError names those that differ after several uploads.
    """
    checked = list(faces)
    for left in reversed(range(_UPLOADS)):
        wait_until_stored(model, {ref: faces[ref][1].sha256 for ref in checked})
        wrong = _differing(model, faces, checked, sample=sample)
        if not wrong:
            return
        ref, problem = next(iter(wrong.items()))
        if not left:
            raise CdfError(
                f"{len(wrong)} faces are not stored completely behind CDF after {_UPLOADS} uploads; the first: "
                f"{ref.external_id}, {problem}. Nothing of them is published. Ask Cognite support about the store."
            )
        log(f"{len(wrong)} faces are uploaded again; the first: {ref.external_id}, {problem}")
        model.put_faces(capture, [faces[ref] for ref in wrong])
        checked = list(wrong)


def _differing(
    model: Image360Store, faces: Mapping[FaceRef, Face], checked: Sequence[FaceRef], *, sample: bool
) -> dict[FaceRef, str]:
    """What is wrong with those that are."""
    sizes = model.stored_sizes(checked)
    sent = {ref: faces[ref][1] for ref in checked}
    wrong = {
        ref: f"{sizes[ref]:,} of {len(face.content):,} bytes"
        for ref, face in sent.items()
        if sizes[ref] != len(face.content)
    }
    whole = [ref for ref in checked if ref not in wrong]
    if sample and whole:
        ref = random.choice(whole)
        if hashlib.sha256(model.face_content(ref)).hexdigest() != sent[ref].sha256:
            wrong[ref] = "other bytes than were sent"
    return wrong
