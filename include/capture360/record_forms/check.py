"""Check of the form of records, notes and leases, so that a damaged document is reported where it is read.

A disk that was full, a copy that broke off or an editor leave documents that are JSON and yet not what was written.
Steps read their values without further care, so every value that they use has its type here. A key that is missing at
the top of a document is reported when it is read (see `store.StateDocument`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from capture360.record_forms import captures, links
from capture360.record_forms.values import STRICT, Many, problem


class _Form(BaseModel):
    model_config = STRICT


class _Known(_Form):
    entries: Many = 0
    digests: list[str] = []


class _Lease(_Form):
    run: str = ""
    capture: str = ""


class _Binding(_Form):
    cluster: str = ""
    project: str = ""
    mode: str = ""


_FORMS: Mapping[tuple[str, str], Any] = {
    **{("step", name): form for name, form in (*captures.STEPS.items(), *links.STEPS.items())},
    **{("notes", name): form for name, form in (*captures.NOTES.items(), *links.NOTES.items())},
    ("memory", "decisions"): _Known,
    ("answers", ""): links.ANSWERS,
    ("plates", ""): links.ANSWER_OF_PLATE,
    ("noticed", ""): links.NOTICED,
    ("lease", ""): _Lease,
    ("binding", ""): _Binding,
    ("asset-list", ""): links.ASSET_LIST,
}


@cache
def _adapter(kind: str, name: str) -> TypeAdapter[Any]:
    return TypeAdapter(_FORMS[kind, name])


def wrong_form(kind: str, name: str, document: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a document; None if nothing is, or its form is not known here.

    `kind` is step, lease, binding, asset-list, or the folder of a note; `name` that of the step or note.
    """
    known = next((each for each in (name, "") if (kind, each) in _FORMS), None)
    if known is None:
        return None
    try:
        _adapter(kind, known).validate_python(dict(document), strict=True)
    except ValidationError as error:
        return problem(error)
    return None
