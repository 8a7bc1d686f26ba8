"""A capture for the benchmarks of growth: tiny faces, a plate of its own in front of each station, and its assets."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import simplejpeg
from cognite.client.data_classes import AssetWrite
from cognite.client.data_classes.data_modeling import SpaceApply
from cognite.client.data_classes.data_modeling.cdm.v1 import CogniteAssetApply

from capture360 import names
from capture360.batches import batched
from capture360.cdf.client import CdfProject
from capture360.cdf.project_mode import ModeName
from capture360.model import FACES, CaptureKey, Detection, FaceName, PublishedImage
from capture360.rules.finding import Finding

if TYPE_CHECKING:
    from cdf_sandbox.core.options import Options

KEY = CaptureKey("bench", "tiny")
FACE_SIZE = 32
MISREAD = 10
"""Every plate of so many is misread."""
MANIFEST = """schema: capture/1
site_id: {key.site}
capture_id: {key.capture}
kind: cubemap
frame: {{name: site, up: z, unit: m, handedness: right}}
rotation: {{kind: quaternion, quaternion_order: wxyz, direction: camera_to_world}}
time: {{base: utc}}
"""


def deliver(landing: Path, count: int, key: CaptureKey = KEY, seed: int = 5) -> None:
    """Write a cubemap capture of `count` stations in rows of 100, a metre apart."""
    folder = landing / key.capture
    folder.mkdir(parents=True)
    (folder / "capture.yaml").write_text(MANIFEST.format(key=key))
    rows = ["station_id,x,y,z,qw,qx,qy,qz,time_taken"]
    noise = np.random.default_rng(seed)
    for number in range(count):
        minute, second = divmod(number, 60)
        time_taken = f"2026-05-01T{8 + minute // 60:02}:{minute % 60:02}:{second:02}Z"
        rows.append(f"{number:05},{number % 100}.25,{number // 100}.75,1.6,1.0,0.0,0.0,0.0,{time_taken}")
        (folder / "images" / f"{number:05}").mkdir(parents=True)
        for face in FACES:
            pixels = noise.integers(0, 256, (FACE_SIZE, FACE_SIZE, 3), np.uint8)
            (folder / "images" / f"{number:05}" / f"{face}.jpg").write_bytes(simplejpeg.encode_jpeg(pixels))
    (folder / "stations.csv").write_text("\n".join(rows) + "\n")
    (folder / "_READY").touch()


def store_faces(options: Options, landing: Path, key: CaptureKey = KEY) -> None:
    """Let the sandbox hold the delivered faces, as an earlier try would have left them."""
    from cdf_sandbox.core.app import create_sandbox
    from cdf_sandbox.services.files.store import FILES

    held = create_sandbox(options)
    with held.storage.write() as db:
        for path in sorted((landing / key.capture / "images").glob("*/*.jpg")):
            content = path.read_bytes()
            sha256 = hashlib.sha256(content).hexdigest()
            file = {
                "name": f"{path.parent.name}_{path.name}",
                "externalId": names.face_id(key, path.parent.name, face_of(path.stem), sha256),
                "mimeType": "image/jpeg",
                "metadata": {"sha256": sha256},
            }
            blob = uuid.uuid4().hex
            stored = held.blobs.path(blob)
            stored.parent.mkdir(exist_ok=True)
            stored.hardlink_to(path)
            now = held.clock.now_ms()
            arrived = {"uploaded_time": now, "uploaded_from": now, "size": len(content), "content_type": "image/jpeg"}
            FILES.insert(db, file, now, present_from=now, blob=blob, **arrived)


def face_of(name: str) -> FaceName:
    return next(face for face in FACES if face == name)


def tag_of(number: int) -> str:
    return f"{10 + number // 1000}-PT-{1000 + number % 1000}"


@dataclass
class GivenTexts:
    """A detector that finds a plate of its own in front of each station, all of one size."""

    engine: str = "given"
    images_at_once: int = 50
    findings: Sequence[Finding] = ()

    def detect(self, images: Sequence[PublishedImage]) -> Iterator[Detection]:
        for image in images:
            east, north, _ = image.pose.position
            number = int(east) + 100 * int(north)
            tag = tag_of(number)
            text = tag.replace("1", "I", 1) if number % MISREAD == 0 else tag
            score = 0.7 if number % MISREAD == 0 else 0.99
            yield Detection(image.external_id, "front", text, score, ((0.4, 0.5), (0.6, 0.5), (0.6, 0.54), (0.4, 0.54)))


def bring_assets(project: CdfProject, mode: ModeName, count: int) -> None:
    tags = [tag_of(number) for number in range(count)]
    if mode != "data_modeling":
        for some in batched(tags, 1_000):
            project.client.assets.create([AssetWrite(name=tag, external_id=tag) for tag in some])
        return
    project.client.data_modeling.spaces.apply(SpaceApply("tags"))
    for some in batched(tags, 1_000):
        project.client.data_modeling.instances.apply([CogniteAssetApply("tags", tag, name=tag) for tag in some])
