"""Boxes of assets: only where there is none, never over those of others, and taken back."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from cognite.client import CogniteClient
from cognite.client.data_classes.data_modeling import NodeId, SpaceApply

import core_project as core
from capture360.cdf.client import CdfProject, Connection
from capture360.cdf.links import boxes
from capture360.cdf.links.boxes import PROPERTIES, AssetBoxes, BoxNotes
from capture360.cdf.ports import AssetBox, BoxesWritten
from cdf_sandbox.core.options import ProjectMode
from local_cdf import RunningSandbox, fast_options, run_sandbox
from writes import Writes, watched

HERE: AssetBox = (1.0, 1.2, -2.0, -1.8, 0.5, 0.7)
THERE: AssetBox = (5.0, 5.2, -2.0, -1.8, 0.5, 0.7)
NONE = (None,) * 6
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with run_sandbox(fast_options(tmp_path_factory.mktemp("cdf"), ProjectMode.DATA_MODELING)) as sandbox:
        sandbox.client().data_modeling.spaces.apply(SpaceApply(core.SPACE))
        yield sandbox


@pytest.fixture(scope="module")
def cdf(running: RunningSandbox) -> CdfProject:
    return CdfProject(Connection.from_mapping({**running.connection, "mode": "data_modeling"}, "test"))


class Pump:
    """An asset with an object, as a link leaves them, and what one capture noted."""

    def __init__(self, cdf: CdfProject) -> None:
        self.cdf, self.client = cdf, cdf.client
        self.name = f"P-{next(_numbers)}"
        self.ref = f"{core.SPACE}/{self.name}"
        self.note: Mapping[str, Any] | None = None
        self.before_write: Callable[[], None] = lambda: None
        core.apply(self.client, f"object-{self.name}", core.OBJECT, {"name": self.name})
        related = {"space": core.SPACE, "externalId": f"object-{self.name}"}
        core.apply(self.client, self.name, core.ASSET, {"name": self.name, "object3D": related})

    def boxes(self) -> AssetBoxes:
        return AssetBoxes(self.cdf, BoxNotes(lambda: self.note, self.save))

    def write(self, box: AssetBox | None) -> BoxesWritten:
        return self.boxes().write({} if box is None else {self.ref: box})

    def set_by_others(self, box: AssetBox, *names: str) -> None:
        values = dict(zip(PROPERTIES, box, strict=True))
        core.apply(self.client, f"object-{self.name}", core.OBJECT, {name: values[name] for name in names or values})

    @property
    def box(self) -> tuple[float | None, ...]:
        node = self.client.data_modeling.instances.retrieve(NodeId(core.SPACE, f"object-{self.name}"),
                                                            sources=core.OBJECT).nodes[0]  # fmt: skip
        assert node.properties[core.OBJECT]["name"] == self.name
        return tuple(node.properties[core.OBJECT].get(name) for name in PROPERTIES)

    def save(self, note: Mapping[str, Any]) -> None:
        self.note = note
        self.before_write()


@pytest.fixture
def pump(cdf: CdfProject) -> Pump:
    return Pump(cdf)


def test_a_box_is_written_once_and_follows_its_plate(pump: Pump) -> None:
    assert pump.write(HERE) == BoxesWritten(written=1)
    assert pump.box == HERE
    with watched(Writes()) as writes:
        assert pump.write(HERE) == BoxesWritten(kept=1)
    assert [each for each in writes.log if "token" not in each] == []
    assert pump.write(THERE) == BoxesWritten(written=1)
    assert pump.box == THERE


@pytest.mark.parametrize("names", [(), ("xMin",), ("zMin", "zMax")])
def test_values_of_others_stay_even_a_single_one(pump: Pump, names: tuple[str, ...]) -> None:
    pump.set_by_others(THERE, *names)
    before = pump.box
    assert pump.write(HERE) == BoxesWritten(of_others=1)
    assert pump.write(None) == BoxesWritten()
    assert pump.box == before


def test_a_box_that_somebody_changed_since_is_theirs(pump: Pump) -> None:
    pump.write(HERE)
    pump.set_by_others(THERE)
    assert pump.write(HERE) == BoxesWritten(of_others=1)
    assert list(pump.boxes().remove(dry_run=False)) == []
    assert pump.box == THERE


def test_the_box_of_another_capture_stays(pump: Pump) -> None:
    pump.write(HERE)
    first, pump.note = pump.note, None
    assert pump.write(THERE) == BoxesWritten(of_others=1)
    assert list(pump.boxes().remove(dry_run=False)) == []
    pump.note = first
    assert pump.box == HERE


def test_the_box_of_an_earlier_capture_is_replaced_and_not_removed(pump: Pump) -> None:
    pump.write(HERE)
    earlier, pump.note = pump.note, None
    assert earlier is not None

    def later() -> AssetBoxes:
        return AssetBoxes(pump.cdf, BoxNotes(lambda: pump.note, pump.save, lambda: [earlier]))

    assert later().write({}) == BoxesWritten()
    assert pump.box == HERE
    assert later().write({pump.ref: THERE}) == BoxesWritten(written=1)
    assert pump.box == THERE
    pump.set_by_others(HERE, "xMin")
    assert later().write({pump.ref: THERE}) == BoxesWritten(of_others=1)


def test_a_box_is_taken_back_where_the_plate_is_not_linked_any_more_and_by_a_retraction(pump: Pump) -> None:
    pump.write(HERE)
    assert pump.write(None) == BoxesWritten(removed=1)
    assert pump.box == NONE
    pump.write(HERE)
    assert list(pump.boxes().remove(dry_run=True)) == [f"box of {core.SPACE}/object-{pump.name}"]
    assert pump.box == HERE
    pump.boxes().remove(dry_run=False)
    assert pump.box == NONE
    assert pump.note == {"boxes": {}}
    assert list(pump.boxes().remove(dry_run=False)) == []


def test_a_value_that_is_set_between_reading_and_writing_is_not_replaced(pump: Pump) -> None:
    def meanwhile() -> None:
        pump.before_write = lambda: None
        pump.set_by_others(THERE)

    pump.before_write = meanwhile
    assert pump.write(HERE) == BoxesWritten(of_others=1)
    assert pump.box == THERE


def test_what_was_written_by_a_run_that_died_before_it_noted_so_is_ours(pump: Pump) -> None:
    pump.write(HERE)
    pump.note = {"boxes": {f"{core.SPACE}/object-{pump.name}": [list(THERE), list(HERE)]}}
    assert pump.write(THERE) == BoxesWritten(written=1)
    assert pump.note == {"boxes": {f"{core.SPACE}/object-{pump.name}": [list(THERE)]}}


def test_assets_without_an_object_are_counted_and_refusals_are_sentences(
    pump: Pump, cdf: CdfProject, client: CogniteClient, order: Callable[..., None]
) -> None:
    core.make_asset(client, f"bare-{pump.name}")
    assert pump.boxes().write({f"{core.SPACE}/bare-{pump.name}": HERE}) == BoxesWritten(without_object=1)
    order(method="POST", path="*/models/instances", effect="status", status=403)
    (sentence,) = pump.write(HERE).refused
    assert sentence.startswith(f"1 box of assets in space {core.SPACE} may not be written")
    assert pump.box == NONE
    assert pump.write(HERE) == BoxesWritten(written=1)


@pytest.fixture(scope="module")
def client(cdf: CdfProject) -> CogniteClient:
    return cdf.client


class Died(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("note", [1, 2], ids=["before the write", "after the write"])
def test_a_run_that_dies_at_a_note_is_finished_by_the_next_one(pump: Pump, note: int) -> None:
    saved = itertools.count(1)

    def die() -> None:
        if next(saved) == note:
            raise Died

    pump.write(HERE)
    pump.before_write = die
    with pytest.raises(Died):
        pump.write(THERE)
    pump.before_write = lambda: None
    pump.write(THERE)
    assert pump.box == THERE
    pump.boxes().remove(dry_run=False)
    assert pump.box == NONE


def test_the_note_is_written_as_often_for_many_boxes(cdf: CdfProject, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[int] = []
    monkeypatch.setattr(boxes, "AT_ONCE", 2)
    notes = BoxNotes(lambda: None, lambda note: saved.append(len(note["boxes"])))
    pumps = [Pump(cdf) for _ in range(6)]
    for box in (HERE, THERE):
        assert AssetBoxes(cdf, notes).write({pump.ref: box for pump in pumps}).written == len(pumps)
    assert [pump.box for pump in pumps] == [THERE] * len(pumps)
    assert saved == [6] * 3, "before the first, and before and after one box replaces the other"
