"""`capture360 captures`: list the captures of the sites with their states, from the records."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from capture360.model import CaptureKey
from capture360.text import printable
from capture360_cli.tables import aligned

if TYPE_CHECKING:
    from capture360.reports.captures import Newest

_PLATES = ("linked", "asked", "missed")
_COLUMNS = ("capture", "captured", "stage", "verdict", "stations", "held back", *_PLATES, "waits")
_TEXTS = 4
"""First column that holds numbers."""


def captures(
    like: Annotated[str, typer.Argument(help="A part of the names to list, such as a site; all by default.")] = "",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """List captures with the state of their newest delivery, and what they wait for. Reads the records alone.

    Exit codes: 0 all listed, 1 the records of one are damaged.
    """
    from capture360.records import Records
    from capture360.steps.captures import newest_deliveries
    from capture360_cli.register import site_register

    register = site_register()
    records = Records(register.records_url)
    wanted = like.casefold()
    keys = sorted(
        (key for site in register.site_ids for key in records.keys_of(site) if wanted in str(key).casefold()), key=str
    )
    rows, damaged = [], False
    for key, found in zip(keys, newest_deliveries(records, keys), strict=True):
        if found.error is not None:
            print(f"{key}: {printable(str(found.error), 1000)}", file=sys.stderr)
            damaged = True
        elif found.delivery is not None or found.waits:
            rows.append(_row(key, found))
    if as_json:
        for row in rows:
            print(json.dumps(row))
    elif rows:
        cells = [_COLUMNS, *(["-" if value in ("", None) else str(value) for value in row.values()] for row in rows)]
        print("\n".join(aligned(cells, _TEXTS, last_is_text=True)))
    else:
        print(f'No capture has "{printable(like, 100)}" in its name.' if like else "There are no captures yet.")
    if damaged:
        raise typer.Exit(1)


def _row(key: CaptureKey, newest: Newest) -> dict[str, str | int | None]:
    """Return the values of a row; a capture of which no delivery was complete yet has no stage but `waiting`."""
    waits = "; ".join(each.sentence for each in newest.waits)
    if newest.delivery is None:
        return {**dict.fromkeys(_COLUMNS), "capture": str(key), "stage": "waiting", "waits": waits}
    delivery = newest.delivery
    plates: Mapping[str, int] = delivery.plates or {}
    values = (str(key), delivery.captured_on, delivery.stage.value, delivery.verdict, delivery.stations,
              delivery.held_back, *(plates.get(name) for name in _PLATES), waits)  # fmt: skip
    return dict(zip(_COLUMNS, values, strict=True))
