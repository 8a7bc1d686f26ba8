"""Storage of people's answers about the plates of a review.

    <site>/<capture>/notes/plates/<plate>-<version>.json

Every answer about a plate is a document with the next version, created exclusively: of two people who answer the same
version one stores an answer, and the other receives that one. The DAG writes answers to CDF, and then notes its run in
them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from capture360.matching.answers import Answer as Numbers
from capture360.matching.decisions import Decided
from capture360.matching.questions import in_question, tags_of
from capture360.model import Asset, CaptureKey
from capture360.records import NOTES, Records
from capture360.steps.review_plates import Question

FOLDER = f"{NOTES}/plates"
Choice = Literal["approve", "reject", "leave", "open"]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: `approve` with the asset that the plate names, `reject` all, `leave` undecided, `open` to withdraw it.

    `version` counts the answers about the plate from 1; `written` names the run that wrote it to CDF. `shown` are the
    references of the tags that the person was shown, all if None: a later review may ask about more.
    """

    choice: Choice
    asset: Asset | None
    by: str
    at: str
    version: int = 0
    written: str = ""
    shown: tuple[str, ...] | None = None

    def holds_for(self, run: str) -> bool:
        """Return whether the answer belongs to the review of `run`; those that an earlier run wrote do not."""
        return self.choice != "open" and self.written in ("", run)


def answers(records: Records, key: CaptureKey, plates: Collection[str]) -> Mapping[str, Answer]:
    """Return the newest answer about each plate. Takes one listing, and one read for each answered plate."""
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


def unwritten(records: Records, key: CaptureKey, plates: Collection[str] | None = None) -> int:
    """Return how many of the plates, all by default, have an approval or a rejection that no run has written to CDF."""
    if plates is None:
        plates = {name.rpartition("-")[0] for name in records.note_names(key, FOLDER)}
    found = answers(records, key, plates).values()
    return sum(answer.choice in ("approve", "reject") and not answer.written for answer in found)


def given_to(records: Records, key: CaptureKey, plates: Collection[str], run: str) -> Mapping[str, Answer]:
    """Return the answers about these plates that the review of `run` writes or has written."""
    return {plate: answer for plate, answer in answers(records, key, plates).items() if answer.holds_for(run)}


def give(records: Records, key: CaptureKey, plate: str, seen: int, answer: Answer) -> tuple[Answer | None, bool]:
    """Store the answer of a person who has `seen` a version of the plate's answers, 0 for none.

    Returns the newest answer, and whether it is this one; if not, another person answered in between. Takes a read and
    an exclusive write, however many plates and answers there are, and a read for each answer that was not seen.
    """
    if seen and records.note(key, _name(plate, seen), FOLDER) is None:
        return answers(records, key, {plate}).get(plate), False
    mine = replace(answer, version=seen + 1)
    if records.create_note(key, _name(plate, mine.version), _document(mine), FOLDER):
        return mine, True
    newest: Answer | None = None
    version = mine.version
    while (document := records.note(key, _name(plate, version), FOLDER)) is not None:
        newest, version = _from_document(document, version), version + 1
    return newest, False


def take_back(
    records: Records, key: CaptureKey, plate: str, seen: int, before: int, mine: Answer, run: str
) -> tuple[Answer | None, bool]:
    """Restore the answer of version `before`, 0 for none, as it was given, in place of a person's later ones.

    `mine` is the withdrawal by that person, stored if no answer of that version holds for `run`. Returns as `give`
    does: nothing is stored if another person has answered since.
    """
    for version in range(seen, before, -1):
        document = records.note(key, _name(plate, version), FOLDER)
        if document is None or document["by"] != mine.by:
            return answers(records, key, {plate}).get(plate), False
    document = records.note(key, _name(plate, before), FOLDER) if before else None
    earlier = _from_document(document, before) if document else mine
    return give(records, key, plate, seen, earlier if earlier.holds_for(run) else mine)


def note_written(records: Records, key: CaptureKey, given: Mapping[str, Answer], run: str) -> None:
    """Note that `run` has written these answers to CDF."""
    for plate, answer in given.items():
        if answer.written != run:
            done = replace(answer, written=run, version=answer.version + 1)
            records.create_note(key, _name(plate, done.version), _document(done), FOLDER)


def decisions(question: Question, answer: Answer) -> list[Decided]:
    """Return the decisions of an answer on each view of a plate: the tags that were shown are rejected but one."""
    if answer.choice not in ("approve", "reject"):
        return []
    approved = answer.asset if answer.choice == "approve" else None
    if approved is None:
        offered = [asset for asset, _ in tags_of(question.match)]
    else:
        offered = [asset for asset in in_question(question.match) if asset.ref != approved.ref]
    refused = [asset for asset in offered if answer.shown is None or asset.ref in answer.shown]
    found: list[Decided] = []
    for view in question.views:
        found += [Decided(replace(view, asset=asset), "rejected", answer.by, answer.at) for asset in refused]
        if approved:
            found.append(Decided(replace(view, asset=approved), "approved", answer.by, answer.at))
    return found


def not_overruled(
    questions: Sequence[Question], given: Mapping[str, Answer], typed: Numbers
) -> tuple[dict[int, Answer], list[str]]:
    """Return the answers by number of plate that typed numbers do not overrule, and a sentence about each other one.

    A number that rejects another tag than the one that was approved overrules nothing.
    """
    kept: dict[int, Answer] = {}
    overruled: list[str] = []
    for number, question in enumerate(questions, 1):
        answer = given.get(question.id)
        if answer is None:
            continue
        tags = [asset.ref for asset, _ in tags_of(question.match)]
        rejected = {tags[place] for plate, place in typed.rejected if plate == number}
        approved = answer.asset.ref if answer.asset and answer.choice == "approve" else None
        if any(plate == number for plate, _ in typed.approved) or approved in rejected:
            overruled.append(f"Plate {number}: the number that was typed counts, not the answer of {answer.by}.")
        else:
            kept[number] = answer
    return kept, overruled


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
        **({} if answer.shown is None else {"shown": list(answer.shown)}),
    }


def _from_document(document: Mapping[str, Any], version: int) -> Answer:
    asset, shown = document["asset"], document.get("shown")
    return Answer(
        choice=document["choice"],
        asset=Asset(asset["ref"], asset["name"], tuple(asset["tags"])) if asset else None,
        by=document["by"],
        at=document["at"],
        version=version,
        written=document["written"],
        shown=None if shown is None else tuple(shown),
    )
