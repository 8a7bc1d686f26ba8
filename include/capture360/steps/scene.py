"""Add a published capture to its site's scene, and hide captures that it supersedes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from capture360 import names
from capture360.cdf.images.scenes import FILLING, LOADED, Scene
from capture360.cdf.ports import Collection, PointCloud
from capture360.cdf.registry import mode_of
from capture360.errors import CdfError, ConfigError, MissingStepError, RecordsError
from capture360.model import Capture, CaptureKey
from capture360.records import Records
from capture360.settings.scene import SceneSettings
from capture360.steps.collect import POINT_CLOUDS
from capture360.steps.context import StepContext
from capture360.steps.outdated import capture_to_write
from capture360.steps.publish import STEP as PUBLISH
from capture360.steps.publish import recorded_collections
from capture360.steps.published import Earlier, earlier_captures
from capture360.steps.validation_record import CAPTURE
from capture360.text import counted

STEP = "scene"
SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Placed:
    """The scene, the number of written nodes and edges, the hidden captures, and the number of its collections."""

    space: str
    scene: str
    written: int
    hidden: tuple[str, ...]
    collections: int


def place(ctx: StepContext, key: CaptureKey, fingerprint: str) -> Placed | None:
    """Add the capture's collections to the site's scene, and hide what the capture supersedes; None without a scene.

    What only other deliveries of the capture superseded is shown again, also in scenes that the site named before.
    Idempotent. What a person moved, hid or showed in the scene is kept. MissingStepError if the capture is not
    published; BadInputError if it was retracted meanwhile, RequestError if a later delivery was published.
    """
    scene = _scene_of(ctx)
    if scene is None:
        return None
    capture = capture_to_write(ctx.records, key, fingerprint)
    collections = _published(ctx.records, key, fingerprint)
    if not collections:
        raise MissingStepError(key, "it has not been published", "publish")
    superseded = [_key_in(key.site, text) for text in capture.supersedes]
    to_hide = _note_superseded(ctx, key, superseded)
    written = scene.ensure()
    note = _superseded_meanwhile(ctx, scene, key, collections)
    visible = note is None
    written += scene.place(collections, visible=visible)
    if ctx.site.scene is not None and ctx.site.scene.point_clouds:
        written += scene.place_point_clouds(_point_clouds(ctx.records, key, [fingerprint]), visible=visible)
    if note is not None and note.hiding:
        _hide_one(ctx, scene, key, collections, note.by)
    written += len(scene.remove(_emptied(ctx, key, collections)))
    hidden = _hide(ctx, scene, key, superseded, to_hide)
    _show_again(ctx, _scenes(ctx, key), key, superseded)
    count = len({*scene.collections(), *collections})
    done = Placed(scene.space, scene.external_id, written, tuple(map(str, hidden)), count)
    body = {"space": done.space, "scene": done.scene, "hidden": list(done.hidden), "collections": count}
    ctx.records.put(key, fingerprint, STEP, body, run=ctx.run)
    _log_summary(ctx, done)
    return done


def placing_writes(ctx: StepContext, capture: Capture, *, extracted: bool = False) -> Sequence[str]:
    """Return external ids of what `place` would write for a newly published capture. Reads only.

    Where CDF extracts the images it names the collections, so only those count that are there already.
    """
    scene = _scene_of(ctx)
    if scene is None:
        return []
    if extracted:
        return scene.changes(_collections_of(ctx, capture.key))
    return scene.changes([Collection(ctx.site.space, external_id) for external_id in names.collections(capture)])


def remove_from_scene(ctx: StepContext, key: CaptureKey, *, plan: bool = False) -> Sequence[str]:
    """Remove the capture from the site's scene and keep its data; return external ids of the removed edges.

    With `plan` nothing is removed. Another ingest of the capture adds it again.
    """
    scene = _scene_of(ctx)
    if scene is None:
        raise ConfigError(f'Site "{ctx.site.id}" has no scene. Name it as scene in the register.')
    collections, clouds = _collections_of(ctx, key), _clouds_of(ctx, key)
    removed = [edge for _, edge in scene.edges(collections, clouds)] if plan else scene.remove(collections, clouds)
    if removed:
        what = counted(len(removed), "collection or point cloud", "collections and point clouds")
        done = "would be taken" if plan else "taken"
        ctx.log(f"{key}: {what} {done} out of scene {scene.external_id}; the data are kept")
    else:
        ctx.log(f"{key} has no collection in scene {scene.external_id}; nothing was changed")
    return removed


def scene_edges(ctx: StepContext, key: CaptureKey, collections: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return space and external id of capture360's edges to these collections, in current and former scenes."""
    scenes = _scene_names(ctx, key)
    return {(space, names.scene_edge_id(name, *each)) for space, name in scenes for each in collections}


def _scene_names(ctx: StepContext, key: CaptureKey) -> set[tuple[str, str]]:
    """Return space and external id of the site's scene and of former ones that the capture was added to."""
    scenes = {(body["space"], body["scene"]) for body in _bodies(ctx, key, STEP)}
    scene = _scene_of(ctx)
    return scenes | {(scene.space, scene.external_id)} if scene else scenes


def _scenes(ctx: StepContext, key: CaptureKey) -> Sequence[Scene]:
    return [
        Scene(ctx.cdf, ctx.site, SceneSettings(space=space, external_id=name))
        for space, name in sorted(_scene_names(ctx, key))
    ]


def take_out(ctx: StepContext, key: CaptureKey) -> None:
    """Remove a retracted capture from the site's scene, and show the captures that it hid.

    That holds for scenes that the site named before as well; one that CDF refuses to change is named in the log.
    """
    scenes = _scenes(ctx, key)
    for scene in scenes:
        with _former_may_refuse(ctx, key, scene):
            scene.remove(_collections_of(ctx, key), _clouds_of(ctx, key))
    _show_again(ctx, scenes, key)


@contextmanager
def _former_may_refuse(ctx: StepContext, key: CaptureKey, scene: Scene) -> Iterator[None]:
    """Log that CDF refuses to change a scene, unless it is the one that the site names now."""
    current = _scene_of(ctx)
    try:
        yield
    except CdfError as error:
        if current and (scene.space, scene.external_id) == (current.space, current.external_id):
            raise
        ctx.log(f"Warning: what {key} hid in scene {scene.external_id} of space {scene.space} stays hidden. {error}")


def _scene_of(ctx: StepContext) -> Scene | None:
    return Scene(ctx.cdf, ctx.site, ctx.site.scene) if ctx.site.scene else None


def _note_superseded(ctx: StepContext, key: CaptureKey, superseded: Sequence[CaptureKey]) -> Set[CaptureKey]:
    """Note with these that the capture supersedes them; return those that are not hidden yet.

    Each is hidden once, so that a person can show it again. One without records is not noted: a name that is mistyped
    would count as a capture from then on. If it comes later, it is hidden by `_superseded_meanwhile`.
    """
    to_hide = set()
    for older in superseded:
        if not ctx.records.fingerprints(older):
            continue
        note = _superseded(ctx, older)
        if note is None or note.hiding:
            to_hide.add(older)
        by = {*note.by, str(key)} if note else {str(key)}
        _put_superseded(ctx, older, _Superseded(by, older in to_hide))
    return to_hide


@dataclass(frozen=True, slots=True)
class _Superseded:
    """The captures `by` which one is superseded, and whether hiding it has not ended."""

    by: Set[str]
    hiding: bool


def _superseded(ctx: StepContext, key: CaptureKey) -> _Superseded | None:
    """Return by what a capture is superseded; None if by nothing, or if the note is damaged, which is logged."""
    try:
        note = ctx.records.note(key, SUPERSEDED)
    except RecordsError as error:
        ctx.log(f"Warning: it is unknown which captures supersede {key}. {error}")
        return None
    return None if note is None else _Superseded(frozenset(note.get("by", ())), bool(note.get("hiding")))


def _superseded_meanwhile(
    ctx: StepContext, scene: Scene, key: CaptureKey, collections: Sequence[Collection]
) -> _Superseded | None:
    """Return by what a capture is superseded, also by what was published before there were records of this one."""
    note = _superseded(ctx, key)
    if note is None and (by := _published_over(earlier_captures(ctx.records, key.site)[0], key)):
        note = _Superseded(by, hiding=not set(scene.collections()).isdisjoint(collections))
        _put_superseded(ctx, key, note)
    return note


def _published_over(published: Iterable[Earlier], key: CaptureKey) -> Set[str]:
    """Return which of the published captures supersede this one, by what they were delivered with."""
    return {
        str(each.capture.key)
        for each in published
        if each.capture.key != key and key in {_key_in(key.site, text) for text in each.capture.supersedes}
    }


def _put_superseded(ctx: StepContext, key: CaptureKey, note: _Superseded) -> None:
    ctx.records.put_note(key, SUPERSEDED, {"by": sorted(note.by), "hiding": note.hiding})


def _hide_one(ctx: StepContext, scene: Scene, key: CaptureKey, collections: Sequence[Collection], by: Set[str]) -> None:
    scene.hide(collections, _clouds_of(ctx, key))
    _put_superseded(ctx, key, _Superseded(by, hiding=False))


def _hide(
    ctx: StepContext, scene: Scene, key: CaptureKey, superseded: Sequence[CaptureKey], to_hide: Set[CaptureKey]
) -> list[CaptureKey]:
    """Hide what is to be hidden; return the superseded captures that are in the scene."""
    hidden = []
    there = set(scene.collections()) if superseded else set()
    for older in superseded:
        collections = _collections_of(ctx, older)
        if older in to_hide:
            note = _superseded(ctx, older)
            _hide_one(ctx, scene, older, collections, note.by if note else {str(key)})
        if there.isdisjoint(collections):
            ctx.log(f"{key} supersedes {older}, which is not in scene {scene.external_id}")
        else:
            hidden.append(older)
    return hidden


def _show_again(ctx: StepContext, scenes: Sequence[Scene], key: CaptureKey, still: Sequence[CaptureKey] = ()) -> None:
    """Show what any delivery of the capture superseded, unless it `still` does or another capture does.

    The other captures' runs write to the same note as this one, so what they published is looked at as well.
    """
    named = {text for body in _bodies(ctx, key, CAPTURE) for text in body["supersedes"]}
    noted = {older: _superseded(ctx, older) for older in {_key_in(key.site, text) for text in named} - set(still)}
    hidden = {older: note for older, note in noted.items() if note is not None and str(key) in note.by}
    published, _ = earlier_captures(ctx.records, key.site) if hidden else ((), None)
    for older, note in sorted(hidden.items(), key=lambda each: str(each[0])):
        if others := (note.by | _published_over(published, older)) - {str(key)}:
            _put_superseded(ctx, older, replace(note, by=others))
        else:
            for scene in scenes:
                with _former_may_refuse(ctx, key, scene):
                    scene.show(_collections_of(ctx, older), _clouds_of(ctx, older))
            ctx.records.remove_note(older, SUPERSEDED)


def _bodies(ctx: StepContext, key: CaptureKey, step: str) -> Iterator[Mapping[str, Any]]:
    """Yield what a step recorded of each delivery of the capture."""
    for delivery in ctx.records.fingerprints(key):
        if (record := ctx.records.get(key, delivery, step)) is not None:
            yield record.body


def _emptied(ctx: StepContext, key: CaptureKey, published: Sequence[Collection]) -> list[Collection]:
    """Return collections of earlier deliveries that CDF no longer has, since a later one left them without images."""
    ours = [each for each in _recorded(ctx.records, key) if each.external_id.startswith(names.collection_id(key))]
    if set(ours) <= set(published):
        return []
    there = {*published, *mode_of(ctx.cdf).images(ctx.cdf, ctx.site).collections(key)}
    return [each for each in ours if each not in there]


def _collections_of(ctx: StepContext, key: CaptureKey) -> list[Collection]:
    """Return the collections of all deliveries of a capture, recorded or found in CDF."""
    found = mode_of(ctx.cdf).images(ctx.cdf, ctx.site).collections(key)
    return list(dict.fromkeys([*_recorded(ctx.records, key), *found]))


def _recorded(records: Records, key: CaptureKey) -> list[Collection]:
    return [each for delivery in records.fingerprints(key) for each in _published(records, key, delivery)]


def _published(records: Records, key: CaptureKey, fingerprint: str) -> list[Collection]:
    record = records.get(key, fingerprint, PUBLISH)
    return list(recorded_collections(record.body)) if record is not None else []


def _point_clouds(records: Records, key: CaptureKey, deliveries: Sequence[str]) -> list[PointCloud]:
    found = [records.get(key, each, PUBLISH) for each in deliveries]
    clouds = [each for record in found if record is not None for each in record.body.get(POINT_CLOUDS, ())]
    return list(dict.fromkeys(PointCloud(*each) for each in clouds))


def _clouds_of(ctx: StepContext, key: CaptureKey) -> list[PointCloud]:
    """Return the point clouds of all deliveries of a capture."""
    return _point_clouds(ctx.records, key, ctx.records.fingerprints(key))


def _key_in(site: str, text: str) -> CaptureKey:
    return CaptureKey.parse(text if "/" in text else f"{site}/{text}")


def _log_summary(ctx: StepContext, done: Placed) -> None:
    hidden = f", hides {', '.join(done.hidden)}" if done.hidden else ""
    ctx.log(f"in scene {done.scene} of space {done.space}{hidden}")
    if done.collections >= FILLING:
        ctx.log(
            f"Warning: scene {done.scene} holds {done.collections} collections, and viewers load {LOADED}. "
            "Take old captures out of it, or name a new scene in the register."
        )
