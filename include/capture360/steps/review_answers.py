"""What people answer about the plates of a review, stored when it is given.

    <site>/<capture>/notes/plates/<plate>-<version>.json

Every answer about a plate is a document of its own with the next version, created exclusively: of two people who have
seen the same version one stores an answer, and the other is given that one. Nothing here is in CDF before the DAG has
written it; then the answer names the run that did.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from capture360.matching.decisions import Decided
from capture360.model import Asset, CaptureKey
from capture360.records import NOTES, Records
from capture360.reports.review import in_question, tags_of
from capture360.steps.review_plates import Question

FOLDER = f"{NOTES}/plates"
Choice = Literal["approve", "reject", "leave", "open"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: `approve` with the asset that the plate names, `reject` all, `leave` as it is, `open` takes it back.

    `version` counts the answers about the plate from 1; `written` names the run that wrote it to CDF.
    """

    choice: Choice
    asset: Asset | None
    by: str
    at: str
    version: int = 0
    written: str = ""

    def holds_for(self, run: str) -> bool:
        """Whether the answer is one to the review of `run`: what an earlier one has written is asked anew."""
        return self.choice != "open" and self.written in ("", run)


def answers(records: Records, key: CaptureKey, plates: Collection[str]) -> Mapping[str, Answer]:
    """The newest answer about each of the plates: one listing, and one read for each that was answered."""
    newest: dict[str, int] = {}
    for name in records.note_names(key, FOLDER):
        plate, _, version = name.rpartition("-")
        if plate in plates and version.isdecimal():
            newest[plate] = max(newest.get(plate, 0), int(version))
    names = [_name(plate, version) for plate, version in newest.items()]
    found = records.read_notes(key, names, FOLDER)
    return {
        plate: _from_document(document, version)
        for (plate, version), document in zip(newest.items(), found, strict=True)
        if document is not None
    }


def given_to(records: Records, key: CaptureKey, plates: Collection[str], run: str) -> Mapping[str, Answer]:
    """The answers about these plates that the review of `run` is to write, or has written."""
    return {plate: answer for plate, answer in answers(records, key, plates).items() if answer.holds_for(run)}


def give(records: Records, key: CaptureKey, plate: str, seen: int, answer: Answer) -> tuple[Answer | None, bool]:
    """Store an answer of somebody who has `seen` a version of the plate's answers, 0 for none.

    Returns the newest answer, and whether it is this one. Another one was newer than what they saw otherwise.
    """
    before = answers(records, key, {plate}).get(plate)
    if (before.version if before else 0) != seen:
        return before, False
    mine = replace(answer, version=seen + 1)
    if records.create_note(key, _name(plate, mine.version), _document(mine), FOLDER):
        return mine, True
    return answers(records, key, {plate}).get(plate), False


def note_written(records: Records, key: CaptureKey, given: Mapping[str, Answer], run: str) -> None:
    """Note that `run` has written these answers to CDF."""
    for plate, answer in given.items():
        if answer.written != run:
            done = replace(answer, written=run, version=answer.version + 1)
            records.create_note(key, _name(plate, done.version), _document(done), FOLDER)


def decisions(question: Question, answer: Answer) -> list[Decided]:
    """What an answer decides about each view of a plate: all its tags but the approved one are rejected."""
    if answer.choice not in ("approve", "reject"):
        return []
    approved = answer.asset if answer.choice == "approve" else None
    if approved is None:
        refused = [asset for asset, _ in tags_of(question.match)]
    else:
        refused = [asset for asset in in_question(question.match) if asset.ref != approved.ref]
    found: list[Decided] = []
    for view in question.views:
        found += [Decided(replace(view, asset=asset), "rejected", answer.by, answer.at) for asset in refused]
        if approved:
            found.append(Decided(replace(view, asset=approved), "approved", answer.by, answer.at))
    return found


def described(given: Mapping[str, Answer], numbers: Mapping[str, int]) -> list[dict[str, Any]]:
    """Answers about plates for the record of a review, by the numbers that the plates have on their page."""
    return [{"number": numbers[plate], **_document(answer)} for plate, answer in given.items() if plate in numbers]


def _name(plate: str, version: int) -> str:
    return f"{plate}-{version:06}"


def _document(answer: Answer) -> dict[str, Any]:
    asset = answer.asset
    return {
        "choice": answer.choice,
        "asset": asset and {**asdict(asset), "tags": list(asset.tags)},
        "by": answer.by,
        "at": answer.at,
        "written": answer.written,
    }


def _from_document(document: Mapping[str, Any], version: int) -> Answer:
    asset = document["asset"]
    return Answer(
        choice=document["choice"],
        asset=Asset(asset["ref"], asset["name"], tuple(asset["tags"])) if asset else None,
        by=document["by"],
        at=document["at"],
        version=version,
        written=document["written"],
    )
