"""Decisions hold in later captures of the same place, from the records of two captures of one hall."""

from __future__ import annotations

from dataclasses import replace

from capture360.matching.decisions import Decided
from capture360.matching.documents import match_document
from capture360.matching.earlier import EarlierPlate
from capture360.matching.places import Place
from capture360.model import Asset, CaptureKey, Detection, Match
from capture360.records import Records
from capture360.steps.detect import images_of
from capture360.steps.earlier_plates import NOTE, applied_documents, note_plates
from capture360.steps.link_state import LinkMemory
from ingest_world import World
from plate_views import seen_from
from suggested_links import CERTAIN, DOUBTFUL, TAGS, Hall

HERE, BESIDE, AWAY, ALONE = (4.0, -2.0, 1.8), (4.0, -1.0, 1.8), (1.0, -5.0, 1.8), (4.0, 0.5, 1.8)
Plates = dict[str, tuple[float, float, float]]


def captured(world: World, name: str) -> Hall:
    drop = world.drop(name, stations=3)
    world.ingest(drop)
    state = world.records.load(drop.key)
    assert state is not None
    return Hall(world, drop.key, state.fingerprint)


def read(hall: Hall, plates: Plates, score: float, stations: int = 3) -> None:
    """Read these tags at points of the site, on so many stations."""
    images = list(images_of(hall.ctx, hall.key, hall.fingerprint))[:stations]
    hall.read_as(
        seen_from(image.pose, image.external_id, tag, point, score, 0.1)
        for image in images
        for tag, point in plates.items()
    )


def findings(hall: Hall) -> list[tuple[str, str]]:
    record = hall.world.records.get(hall.key, hall.fingerprint, "match")
    assert record is not None
    return [(each["rule"], each["message"]) for each in record.body["findings"]]


def test_what_people_decide_holds_in_the_next_capture_and_a_moved_plate_is_reported(classic: Hall) -> None:
    world, (first, second, third) = classic.world, TAGS[:3]
    april, october = captured(world, "zz-1-april"), captured(world, "zz-2-october")
    read(april, {first: HERE, second: BESIDE}, DOUBTFUL)
    number = {tag: number for number, tag in enumerate(april.waiting(), 1)}
    april.answer(april.begin(), "Leave the rest", f"{number[first]}", f"{number[second]}")
    read(october, {first: HERE, second: BESIDE, third: AWAY}, CERTAIN)
    assert october.linked() == {first, third}
    assert october.waiting() == []
    noted = world.records.note(october.key, NOTE)
    assert noted is not None
    decided = {each["asset"]["name"]: (each["status"], each["by"], each["capture"]) for each in noted["plates"]}
    assert decided == {
        first: ("approved", "Ada", str(april.key)),
        second: ("rejected", "Ada", str(april.key)),
        third: ("linked", "", ""),
    }, "what was decided is handed on"
    read(october, {first: HERE, third: AWAY}, DOUBTFUL)
    assert october.linked() == {first}
    assert october.waiting() == [third]
    read(october, {first: AWAY}, CERTAIN)
    assert october.linked() == {first}
    ((rule, message),) = findings(october)
    assert rule == "L10"
    assert f"{first} is 4.2 m away from where {april.key} saw it" in message
    read(april, {first: AWAY}, CERTAIN)
    assert "L10" not in dict(findings(april)), "no capture is compared with later ones"
    read(april, {third: ALONE}, DOUBTFUL, stations=1)
    april.answer(april.begin(), "Reject the rest")
    read(october, {third: ALONE, second: AWAY}, CERTAIN, stations=1)
    assert (october.linked(), october.waiting()) == ({second}, [third]), "a single station tells no place"


def test_captures_of_other_places_do_not_put_what_people_decided_out_of_reach(classic: Hall) -> None:
    world, (first, third) = classic.world, TAGS[:2]
    april = captured(world, "zy-1-april")
    read(april, {first: HERE}, DOUBTFUL)
    april.answer(april.begin(), "Reject the rest")
    for number in range(6):
        read(captured(world, f"zy-2-may-{number}"), {third: AWAY}, CERTAIN)
    october = captured(world, "zy-3-october")
    read(october, {first: HERE, third: ALONE}, CERTAIN)
    assert october.linked() == {third}


def test_an_approval_of_an_earlier_capture_is_not_handed_on_once_the_plate_is_said_to_be_anothers(
    records: Records,
) -> None:
    key, place = CaptureKey("hall-7", "october"), Place((4.0, -2.0, 1.8), 0.1, 0.02)
    pump, other = (Asset(tag, tag, (tag,)) for tag in TAGS[:2])
    square = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.15), (0.1, 0.15))
    read_here = Match(
        Detection("a", "front", pump.name, 0.99, square), pump, 0.99, "approved", "Ada approved it", (), "1"
    )
    april = EarlierPlate(place, pump, frozenset({pump.name}), "approved", "Ada", "2026-04-17", "hall-7/april")
    image = {"station": "a", "space": "s", "position": [0, 0, 0], "rotation": [1, 0, 0, 0], "taken_at": ""}
    body = {
        "matches": [match_document(read_here)],
        "images": {"a": {**image, "faces": {"front": ["file", None]}}},
        "plates": {"1": place.document()},
        "earlier": applied_documents({"1": [april]}),
    }
    note_plates(records, key, body)
    assert handed_on(records, key) == {(pump.name, "approved", "Ada")}
    decided = Decided(replace(read_here, asset=other), "approved", "Bo", "2026-10-02", "file")
    LinkMemory(records, key).decide([decided])
    note_plates(records, key, body)
    assert handed_on(records, key) == {(other.name, "approved", "Bo")}


def handed_on(records: Records, key: CaptureKey) -> set[tuple[str, str, str]]:
    note = records.note(key, NOTE)
    assert note is not None
    return {(each["asset"]["name"], each["status"], each["by"]) for each in note["plates"]}
