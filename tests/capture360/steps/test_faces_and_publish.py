"""Faces, instances and read-back against a running CDF: what is written, and what a second run does not write."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import IO

import pytest
from cognite.client.data_classes.data_modeling import NodeApply, NodeOrEdgeData, ViewId

from capture360 import names
from capture360.capture_state import VALIDATE
from capture360.cdf.images.files import ClassicFiles
from capture360.cdf.ports import Collection
from capture360.cdf.registry import mode_of
from capture360.errors import BadInputError, CdfError, ConfigError, MissingStepError
from capture360.landing.folder import CaptureFolder
from capture360.model import FACES, CaptureKey, EncodedFace
from capture360.steps.faces import faces
from capture360.steps.plan import plan
from capture360.steps.publish import publish
from capture360.steps.reconcile import reconcile
from capture360.steps.retract import plan_retraction, retract
from capture360.steps.validate import preflight
from capture360.steps.verify import verify
from captures import jpeg, record_as_validated, station_pose
from ingest_world import COLLECTION_VIEW, IMAGE_VIEW, STATION_VIEW, World
from local_cdf import PLAIN
from record_files import document_paths


def test_batches_are_those_of_the_validation(world: World) -> None:
    """The version that validated it made smaller batches than this one would."""
    drop = world.drop("batches", stations=3)
    fingerprint = record_as_validated(world.records, drop, world.site)
    verdict = world.records.get(drop.key, fingerprint, VALIDATE)
    assert verdict is not None
    world.records.put(drop.key, fingerprint, VALIDATE, {**verdict.body, "batches": 2}, run="test")
    ctx = world.ctx()
    assert [faces(ctx, drop.key, fingerprint, batch).stations for batch in range(2)] == [2, 1]
    assert publish(ctx, drop.key, fingerprint).images == 3
    assert verify(ctx, drop.key, fingerprint).images == 3


def test_a_capture_becomes_a_collection_of_images(world: World) -> None:
    drop = world.drop("first", stations=2)
    done, published, verified = world.write(drop)
    assert [(d.batch, d.stations, d.uploaded, d.found) for d in done] == [(0, 2, 12, 0)]
    assert published.collections == (Collection("captures360", names.collection_id(drop.key)),)
    assert (published.images, published.written, published.removed_files) == (2, 5, 0)
    assert (verified.images, verified.compared_faces) == (2, 12)

    assert world.nodes(COLLECTION_VIEW, "first") == {names.collection_id(drop.key): {"label": "first"}}
    images = world.nodes(IMAGE_VIEW, "first")
    stations = world.nodes(STATION_VIEW, "first")
    for station in drop.capture.stations:
        image = images[names.image_id(drop.key, station.id)]
        assert image["label"] == station.name
        assert image["collection360"] == {"space": "captures360", "externalId": names.collection_id(drop.key)}
        assert stations[image["station"]["externalId"]] == {"label": station.name}
        assert datetime.fromisoformat(image["timeTaken"]) == station.taken_at
        assert [image[f"translation{axis}"] for axis in "XYZ"] == pytest.approx(station.pose.position)


def test_face_files_carry_the_metadata_of_the_guide(make_world: Callable[..., World]) -> None:
    world = make_world(files={"source": "survey", "directory": "/captures/hall-7"})
    drop = world.drop("labelled", stations=1)
    world.write(drop)
    files = world.files("labelled")
    station = drop.capture.stations[0]
    assert len(files) == 6
    for face in FACES:
        content = (drop.folder / drop.capture.media[station.id].faces[face]).read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        file = files[names.face_id(drop.key, station.id, face, sha256)]
        assert file.uploaded
        assert (file.name, file.mime_type, file.source) == (f"001_{face}.jpg", "image/jpeg", "survey")
        assert file.directory == "/captures/hall-7"
        assert file.metadata == {
            "site_id": "hall-7",
            "site_name": "Hall 7",
            "station_id": "001",
            "station_name": "Pump 001",
            "image_type": "cubemap",
            "image_resolution": "64",
            "face": face,
            "sha256": sha256,
        }
        assert world.cdf.client.files.download_bytes(external_id=file.external_id) == content


def test_without_records_the_same_capture_again_writes_nothing(world: World) -> None:
    """CDF is the truth: records that got lost cost time, not writes."""
    drop = world.drop("forgotten", stations=2)
    world.write(drop)
    for path in document_paths(world.records.store):
        world.records.store.remove(path)
    before = world.running.mutating()
    done, published, _ = world.write(drop)
    assert world.running.mutating() == before
    assert (done[0].uploaded, done[0].found, published.written) == (0, 12, 0)


def test_a_station_that_comes_later_is_added(world: World) -> None:
    world.write(world.drop("growing", stations=1))
    done, published, _ = world.write(world.drop("growing", stations=2))
    assert (done[0].uploaded, done[0].found) == (6, 6)
    assert published.written == 2
    assert len(world.nodes(IMAGE_VIEW, "growing")) == 2


def test_a_station_that_is_gone_from_a_delivery_stays_published(world: World) -> None:
    world.write(world.drop("shrinking", stations=2))
    world.write(world.drop("shrinking", stations=1))
    assert len(world.nodes(IMAGE_VIEW, "shrinking")) == 2
    assert any("1 published before and not in this delivery are kept" in line for line in world.said)


def test_other_pictures_without_a_new_revision_are_refused_before_anything_is_uploaded(world: World) -> None:
    world.write(world.drop("changed", stations=1))
    before = world.running.mutating()
    with pytest.raises(BadInputError, match=r'pictures of station "001" differ.*write revision: 2 in capture.yaml'):
        world.write(world.drop("changed", stations=1, shade=50))
    assert world.running.mutating() == before


def test_the_revision_that_confirms_is_above_the_published_one(world: World) -> None:
    world.write(world.drop("unstated", stations=1, revision=3))
    unstated = world.drop("unstated", stations=1, shade=50)
    with pytest.raises(BadInputError, match=r'pictures of station "001" differ.*write revision: 4 in capture.yaml'):
        world.write(unstated)
    first = dataclasses.replace(unstated.capture.stations[0], pose=station_pose(5))
    moved = dataclasses.replace(unstated, capture=dataclasses.replace(unstated.capture, stations=(first,)))
    with pytest.raises(BadInputError, match=r'pose of station "001" differ.*write revision: 4 in capture.yaml'):
        world.write(moved)


def test_a_new_revision_replaces_pictures_and_removes_the_old_files(world: World) -> None:
    world.write(world.drop("revised", stations=2))
    old = set(world.files("revised"))
    _, published, _ = world.write(world.drop("revised", stations=2, shade=50, revision=2))
    assert published.removed_files == 12
    new = set(world.files("revised"))
    assert len(new) == 12
    assert not new & old
    images = world.nodes(IMAGE_VIEW, "revised").values()
    assert {value for image in images for name, value in image.items() if name.startswith("cubeMap")} == new


@pytest.mark.parametrize("lost", [{"cubeMapTop": None}, {"translationX": 99.0}], ids=["a face", "the pose"])
def test_what_somebody_changed_in_cdf_is_corrected_by_the_same_delivery(world: World, lost: dict[str, object]) -> None:
    """The records say what was published; the message that sends people here must not be answered by a refusal."""
    drop = world.drop("drifted" if "cubeMapTop" in lost else "shoved", stations=1)
    world.write(drop)
    before = world.nodes(IMAGE_VIEW, drop.key.capture)
    (name,) = before
    source = NodeOrEdgeData(ViewId(*IMAGE_VIEW), lost)
    changed = NodeApply(world.site.space, name, sources=[source])
    world.cdf.client.data_modeling.instances.apply(changed)
    assert world.nodes(IMAGE_VIEW, drop.key.capture) != before
    world.write(drop, "run 2")
    assert world.nodes(IMAGE_VIEW, drop.key.capture) == before


def test_a_folder_that_changed_since_its_validation_is_not_uploaded(world: World) -> None:
    drop = world.drop("moving", stations=1)
    fingerprint = record_as_validated(world.records, drop, world.site)
    (drop.folder / "stations.csv").write_text("half")
    with pytest.raises(BadInputError, match="has changed since it was validated"):
        faces(world.ctx(), drop.key, fingerprint, 0)
    assert world.files("moving") == {}


def to_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def to_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


CHANGES: dict[str, Callable[[Path], object]] = {
    "cut off": lambda path: os.truncate(path, 300),
    "empty": lambda path: os.truncate(path, 0),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"x"),
    "gone": Path.unlink,
    "a folder": to_folder,
    "a pipe": to_pipe,
}


@pytest.mark.parametrize(
    ("name", "after", "kind"),
    [
        *(("stations.csv", 0, kind) for kind in ("cut off", "gone", "a pipe")),
        *(("images/001/back.jpg", 0, kind) for kind in ("cut off", "a folder")),
        *(("images/001/back.jpg", 1, kind) for kind in CHANGES),
    ],
)
def test_a_file_that_changes_between_listing_and_reading_waits(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, after: int, kind: str
) -> None:
    """It is not rejected for what is only half there, and nothing of it stays in CDF.

    A picture is read twice: by the check and for the upload.
    """
    drop = world.drop("arriving", stations=1)
    reads = iter(range(100))
    opened = CaptureFolder.open

    def open_changed(folder: CaptureFolder, path: str) -> AbstractContextManager[IO[bytes]]:
        if path == name and next(reads) == after:
            CHANGES[kind](drop.folder / name)
        return opened(folder, path)

    monkeypatch.setattr(CaptureFolder, "open", open_changed)
    with pytest.raises(BadInputError, match="has changed since it was validated"):
        world.ingest(drop)
    assert world.files("arriving") == {}
    assert not world.nodes(IMAGE_VIEW, "arriving")
    shutil.rmtree(drop.folder)


def test_a_folder_that_changes_while_it_is_read_is_not_taken_in(world: World) -> None:
    """What is uploaded is what was validated, though both look at the files at different times."""
    drop = world.drop("shifting", stations=6)
    fingerprint = record_as_validated(world.records, drop, world.site)
    progress = world.ctx().log

    def change_the_last_station(line: str) -> None:
        (drop.folder / "images/006/front.jpg").write_bytes(jpeg(48, (1, 2, 3)))
        progress(line)

    ctx = dataclasses.replace(world.ctx(), log=change_the_last_station)
    with pytest.raises(BadInputError, match="has changed since it was validated"):
        faces(ctx, drop.key, fingerprint, 0)
    assert world.files("shifting") == {}
    assert world.records.get(drop.key, fingerprint, "faces", 0) is None


def test_a_picture_that_cannot_be_decoded_stops_no_other_station(world: World) -> None:
    """Damage that neither size nor time of the file shows, as a failing disk makes it."""
    drop = world.drop("bad-sector", stations=6)
    fingerprint = record_as_validated(world.records, drop, world.site)
    broken = drop.folder / "images/002/front.jpg"
    content, times = broken.read_bytes(), broken.stat()
    broken.write_bytes(content[:200] + bytes(len(content) - 200))
    os.utime(broken, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(BadInputError, match=r"images/002/front.jpg"):
        faces(world.ctx(), drop.key, fingerprint, 0)
    assert len(world.files("bad-sector")) == 30
    assert any(line.startswith("002 failed: images/002/front.jpg") for line in world.said)
    broken.write_bytes(content)
    os.utime(broken, ns=(times.st_atime_ns, times.st_mtime_ns))
    done = faces(world.ctx(), drop.key, fingerprint, 0)
    assert (done.uploaded, done.found) == (6, 30)


def test_a_face_that_cdf_refuses_stops_no_other(world: World) -> None:
    drop = world.drop("one-refused", stations=3)
    fingerprint = record_as_validated(world.records, drop, world.site)
    fault = {"effect": "status", "method": "POST", "path": "*/files", "nth": 8, "status": 400, "message": "no"}
    PLAIN.post(f"{world.running.base_url}/sandbox/faults", json=fault).raise_for_status()
    with pytest.raises(CdfError, match=r"Uploading 00._.*jpg: CDF answered 400: no"):
        faces(world.ctx(), drop.key, fingerprint, 0)
    files = world.files("one-refused")
    assert sum(file.uploaded for file in files.values()) == 17
    assert plan_retraction(world.ctx(), drop.key).made.by_kind()["face files"] == sorted(files), "no record names them"
    (finding,) = reconcile(world.ctx(), drop.key)
    assert min(files) in finding.message
    assert faces(world.ctx(), drop.key, fingerprint, 0).uploaded == 1
    assert reconcile(world.ctx(), drop.key) == []


def test_files_of_an_ingest_with_other_settings_are_removed(world: World) -> None:
    """They may be unblurred. A capture whose name begins alike keeps its own."""
    drop, other = world.drop("stray", stations=1), world.drop("stray_2", stations=1)
    world.write(other)
    others = set(world.files("stray_2"))
    content = jpeg(64, (3, 3, 3))
    face = EncodedFace("front", content, hashlib.sha256(content).hexdigest(), "image/jpeg", 64)
    model = mode_of(world.cdf).images(world.cdf, world.site)
    (left,) = model.put_faces(drop.capture, [(drop.capture.stations[0], face)])
    world.write(drop)
    assert left.external_id not in world.files("stray")
    assert set(world.files("stray_2")) == others
    model.put_faces(drop.capture, [(drop.capture.stations[0], face)])
    (finding,) = reconcile(world.ctx(), drop.key)
    assert left.external_id in finding.message
    begun = record_as_validated(world.records, world.drop("stray", stations=2), world.site)
    assert reconcile(world.ctx(), drop.key) == [finding], "a delivery that was begun hides it"
    faces(world.ctx(), drop.key, begun, 0)
    assert reconcile(world.ctx(), drop.key) == [finding]
    retract(world.ctx(), drop.key, approved=None, by="Ada")
    assert set(world.files("stray")) == others
    model.put_faces(drop.capture, [(drop.capture.stations[0], face)])
    (finding,) = reconcile(world.ctx(), drop.key)
    assert "Run captures_retract" in finding.message


def test_a_pose_that_changed_silently_is_refused_before_anything_is_uploaded(world: World) -> None:
    world.write(world.drop("nudged", stations=1))
    drop = world.drop("nudged", stations=6)
    first, *others = drop.capture.stations
    moved = dataclasses.replace(first, pose=dataclasses.replace(first.pose, position=(9.0, 9.0, 9.0)))
    capture = dataclasses.replace(drop.capture, stations=(*others, moved))
    fingerprint = record_as_validated(world.records, dataclasses.replace(drop, capture=capture), world.site)
    before = world.running.mutating()
    with pytest.raises(BadInputError, match='pose of station "001" differ'):
        faces(world.ctx(), drop.key, fingerprint, 0)
    assert world.running.mutating() == before


def test_pictures_that_changed_silently_leave_no_new_files(world: World) -> None:
    world.write(world.drop("retouched", stations=1))
    published = set(world.files("retouched"))
    drop = world.drop("retouched", stations=6)
    (drop.folder / "images/001/front.jpg").write_bytes(jpeg(64, (9, 9, 9)))
    capture = dataclasses.replace(drop.capture, stations=tuple(reversed(drop.capture.stations)))
    fingerprint = record_as_validated(world.records, dataclasses.replace(drop, capture=capture), world.site)
    with pytest.raises(BadInputError, match='pictures of station "001" differ'):
        faces(world.ctx(), drop.key, fingerprint, 0)
    assert set(world.files("retouched")) == published


def test_a_plan_asks_once_for_all_faces(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    uploaded = ClassicFiles.uploaded

    def counted(files: ClassicFiles, wanted: Mapping[str, str]) -> set[str]:
        asked.append(len(wanted))
        return uploaded(files, wanted)

    drop = world.drop("planned", stations=3)
    monkeypatch.setattr(ClassicFiles, "uploaded", counted)
    assert len(plan(world.ctx(), drop.key).files) == 18
    assert asked == [18]


def test_an_upload_that_was_cut_off_is_finished(world: World) -> None:
    drop = world.drop("stub", stations=1)
    content = (drop.folder / drop.capture.media["001"].faces["top"]).read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    external_id = names.face_id(drop.key, "001", "top", sha256)
    from cognite.client.data_classes import FileMetadataWrite

    world.cdf.client.files.create(FileMetadataWrite(name="001_top.jpg", external_id=external_id))
    world.write(drop)
    assert world.files("stub")[external_id].uploaded
    assert len(world.files("stub")) == 6


def test_nothing_is_published_before_its_faces_are_there(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    drop = world.drop("early", stations=1)
    fingerprint = record_as_validated(world.records, drop, world.site)
    with pytest.raises(MissingStepError, match="batch 0 of the faces has not been uploaded"):
        publish(world.ctx(), drop.key, fingerprint)
    faces(world.ctx(), drop.key, fingerprint, 0)
    gone = sorted(world.files("early"))[0]
    world.cdf.client.files.delete(external_id=gone)
    monkeypatch.setattr("capture360.cdf.polling.LIMIT_S", 0)
    with pytest.raises(Exception, match=f"1 face files are not readable in CDF .{gone}"):
        publish(world.ctx(), drop.key, fingerprint)
    assert world.nodes(IMAGE_VIEW, "early") == {}
    faces(world.ctx(), drop.key, fingerprint, 0)
    assert publish(world.ctx(), drop.key, fingerprint).images == 1


def test_verify_uploads_again_what_differs(make_world: Callable[..., World]) -> None:
    world = make_world(verify="all")
    drop = world.drop("tampered", stations=1)
    world.write(drop)
    fingerprint = record_as_validated(world.records, drop, world.site)
    name, file = sorted(world.files("tampered").items())[0]
    world.cdf.client.files.upload_bytes(
        b"other", name=file.name, external_id=name, metadata=file.metadata, mime_type="image/jpeg", overwrite=True
    )
    assert verify(world.ctx(), drop.key, fingerprint).compared_faces == 6
    assert any(f"uploaded again; the first: {name}: CDF returns 5 bytes with sha256" in line for line in world.said)
    content = world.cdf.client.files.download_bytes(external_id=name)
    assert hashlib.sha256(content).hexdigest() == (file.metadata or {})["sha256"]


def test_a_store_that_gives_other_bytes_is_reported_without_reading_everything(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(verify="all")
    drop = world.drop("early-end", stations=15)
    world.write(drop)
    fingerprint = record_as_validated(world.records, drop, world.site)
    read: list[str] = []
    content = ClassicFiles.content

    def damaged(files: ClassicFiles, external_id: str) -> bytes:
        read.append(external_id)
        return content(files, external_id)[1:]

    monkeypatch.setattr(ClassicFiles, "content", damaged)
    with pytest.raises(CdfError, match="CDF returns"):
        verify(world.ctx(), drop.key, fingerprint)
    assert len(read) < 45


def test_verify_off_reads_images_and_no_bytes(make_world: Callable[..., World]) -> None:
    world = make_world(verify="off")
    _, _, verified = world.write(world.drop("trusted", stations=1))
    assert (verified.mode, verified.images, verified.compared_faces) == ("off", 1, 0)


def test_what_the_project_lacks_is_named_before_anything_is_written(make_world: Callable[..., World]) -> None:
    world = make_world(space="nowhere", create_space=False, files={"data_set": "unknown"})
    before = world.running.mutating()
    with pytest.raises(ConfigError, match=r'Space "nowhere" is not in project.*Data set "unknown" is not in'):
        preflight(world.ctx(), CaptureKey("hall-7", "any"), 1, "faces")
    assert world.running.mutating() == before


def test_two_captures_of_one_site_stay_apart(world: World) -> None:
    world.write(world.drop("a.b", stations=1))
    world.write(world.drop("a_b", stations=1))
    assert len(world.nodes(COLLECTION_VIEW, "7-a-b-")) == 2
    assert len(world.files("7-a-b-")) == 12


def test_a_collection_of_several_pages_is_read_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    drop = world.drop("paged", stations=3)
    world.write(drop)
    model = mode_of(world.cdf).images(world.cdf, world.site)
    for page in (1, 2):  # full pages, and a last one that is not full
        monkeypatch.setattr("capture360.cdf.instances.PAGE", page)
        monkeypatch.setattr("capture360.cdf.images.instances.PAGE", page)
        found = [image.external_id for image in model.images(drop.key)]
        assert sorted(found) == sorted(names.image_id(drop.key, station.id) for station in drop.capture.stations), page


def test_data_set_and_labels_are_applied(make_world: Callable[..., World]) -> None:
    world = make_world(files={"data_set": "surveys", "labels": ["360"]})
    with pytest.raises(ConfigError, match='Data set "surveys" is not in the CDF project'):
        preflight(world.ctx(), CaptureKey("hall-7", "any"), 1, "faces")
    from cognite.client.data_classes import DataSetWrite, LabelDefinitionWrite

    world.cdf.client.labels.create(LabelDefinitionWrite("360", "360"))
    made = world.cdf.client.data_sets.create(DataSetWrite(external_id="surveys", name="Surveys"))
    drop = world.drop("filed", stations=1)
    world.write(drop)
    for file in world.files("filed").values():
        assert file.data_set_id == made.id
        assert [label.external_id for label in file.labels] == ["360"]


def test_what_was_made_can_be_removed_whole_and_nothing_else(world: World) -> None:
    kept, gone = world.drop("kept", stations=1), world.drop("gone", stations=2)
    world.write(kept)
    world.write(gone)
    model = mode_of(world.cdf).images(world.cdf, world.site)
    before = world.running.mutating()
    planned = model.remove(gone.key, dry_run=True)
    assert world.running.mutating() == before
    assert len(planned) == 2 + 1 + 2 + 12
    assert model.remove(gone.key, dry_run=False) == planned
    assert (world.nodes(IMAGE_VIEW, "gone"), world.nodes(STATION_VIEW, "gone"), world.files("gone")) == ({}, {}, {})
    assert (len(world.nodes(IMAGE_VIEW, "kept")), len(world.files("kept"))) == (1, 6)
    assert model.remove(gone.key, dry_run=False) == []
