"""`capture360 views`: where the plates of an asset are seen, the best view first, from the records."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from capture360.errors import RequestError
from capture360.model import Asset, CaptureKey
from capture360.text import counted, printable
from capture360_cli.options import AirflowAddress
from capture360_cli.register import chosen_sites, pages_in_airflow, site_register

if TYPE_CHECKING:
    from capture360.reports.views import View
    from capture360.steps.views import SiteViews

_NEVER_SEEN = 3
_SHOWN = 10
_LONGEST_LINE = 1000


def views(
    tag: Annotated[str, typer.Argument(help="An asset's tag, name or reference; all seen assets by default.")] = "",
    *,
    site: Annotated[str | None, typer.Option("--site", help="Only this site of the register.")] = None,
    capture: Annotated[str | None, typer.Option("--capture", help="Only this capture, <site>/<capture>.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line, for each asset.")] = False,
    table: Annotated[
        Path | None, typer.Option("--table", help="Write the views to this file, .csv or .parquet.")
    ] = None,
    airflow: AirflowAddress = "",
) -> None:
    """List the images that show an asset's plates, the best view first. Reads the records alone.

    Exit codes: 0 there are views, 3 the asset is known but was never seen, 1 error.
    """
    from capture360.records import Records
    from capture360.steps.views import site_views

    if table is not None and table.suffix not in (".csv", ".parquet"):
        raise RequestError(f"{table} is neither .csv nor .parquet. Give the table one of these endings.")
    register = site_register()
    only = CaptureKey.parse(capture) if capture else None
    if only and site not in (None, only.site):
        raise RequestError(f"{only} is a capture of site {only.site}, not of {site}. Name that site, or none.")
    records, pages = Records(register.records_url), pages_in_airflow(airflow)
    sites = chosen_sites(register, only.site if only else site)
    found = [site_views(records, each, pages, only, tag) for each in sites]
    for each in found:
        print("".join(f"{line}\n" for line in _remarks(each)), end="", file=sys.stderr)
    if only is not None and not any(each.looked for each in found):
        raise RequestError(f"No plates are recorded of {only}: {_why_not(found)}.")
    assets = {each.site: each.named for each in found}
    if tag and not any(assets.values()):
        raise RequestError(_unknown(found, tag))
    seen = {
        each.site: {asset.ref: each.views[asset.ref] for asset in assets[each.site] if asset.ref in each.views}
        for each in found
    }
    if table is not None:
        _write(table, [views for some in seen.values() for views in some.values()])
    for each in found:
        for asset in assets[each.site]:
            some = each.views.get(asset.ref, ())
            if as_json:
                print(json.dumps(_document(each, asset, some)))
            elif table is None:
                print("\n".join(_lines(each, asset, some, _SHOWN if tag else 1)))
    if tag and not any(seen.values()):
        raise typer.Exit(_NEVER_SEEN)


def _unknown(found: Sequence[SiteViews], tag: str) -> str:
    from capture360.steps.near import near_assets

    sites = ", ".join(each.site for each in found)
    near = [name for each in found for name in near_assets(each.known(), tag)]
    meant = f" Did you mean {printable(' or '.join(near))}?" if near else ""
    unlisted = [each.site for each in found if each.assets is None]
    missing = f" The assets of {', '.join(unlisted)} are not recorded: contextualize a capture." if unlisted else ""
    return f'No asset of {sites or "any site"} has the tag "{printable(tag, 100)}".{meant}{missing}'


def _why_not(found: Sequence[SiteViews]) -> str:
    reasons = [reason for each in found for reason in each.left_out.values()]
    return reasons[0] if reasons else "it is not published"


def _remarks(found: SiteViews) -> Iterator[str]:
    """What the records do not hold, or hold as it was before."""
    for each in found.looked:
        if each.stale:
            yield f"{each.key} was {each.stale} on {each.matched_at:%Y-%m-%d %H:%M} UTC"
    for key, reason in found.left_out.items():
        yield f"{key} is left out: {printable(reason, _LONGEST_LINE)}"


def _document(found: SiteViews, asset: Asset, views: Sequence[View]) -> dict[str, Any]:
    return {
        "site": found.site,
        "asset": {"ref": asset.ref, "name": asset.name},
        "looked_at": [
            {
                "capture": str(each.key),
                "captured_on": each.captured_on,
                "matched_at": each.matched_at.isoformat(),
                "stale": each.stale,
            }
            for each in found.looked
        ],
        "left_out": {str(key): reason for key, reason in found.left_out.items()},
        "views": [asdict(view) for view in views],
    }


def _lines(found: SiteViews, asset: Asset, views: Sequence[View], shown: int) -> Iterator[str]:
    lines = [f"{asset.name or asset.ref}  {views[0].asset_link}" if views else _never_seen(found, asset)]
    for number, view in enumerate(views[:shown], 1):
        lines.append(f"  {number}. {view.verdict}: {view.capture}, station {view.station}, {_measures(view)}")
        lines.append(f"     {view.panorama or view.capture_link}  file {view.file}")
    if len(views) > shown:
        lines.append(f"  and {counted(len(views) - shown, 'more view')}")
    return (printable(line, _LONGEST_LINE) for line in lines)


def _measures(view: View) -> str:
    parts = [
        f"heading {view.heading_deg:.0f}, pitch {view.pitch_deg:.0f}" if view.heading_deg is not None else "",
        f"{view.width_px:.0f} x {view.height_px:.0f} px" if view.width_px and view.height_px else "",
        {True: "whole", False: "cut"}.get(bool(view.whole), "") if view.whole is not None else "",
        f"{view.distance_m:.1f} m away" if view.distance_m is not None else "",
        f"{view.angle_deg:.0f} degrees from the front" if view.angle_deg is not None else "",
        f"taken {view.taken_at}" if view.taken_at else "",
    ]
    return ", ".join(filter(None, parts))


def _never_seen(found: SiteViews, asset: Asset) -> str:
    names = ", ".join(f"{each.key} ({each.captured_on})" for each in found.looked[-_SHOWN:])
    return (
        f"{asset.name or asset.ref} is an asset of {found.site}, but no plate of it was seen in "
        f"{counted(len(found.looked), 'capture')}{': ' if names else ''}{names}"
    )


def _write(table: Path, views: Sequence[Sequence[View]]) -> None:
    from capture360.reports.views import views_csv, views_parquet

    content = views_csv(views) if table.suffix == ".csv" else views_parquet(views)
    table.write_bytes(content)
    number = sum(len(some) for some in views)
    print(f"{counted(number, 'view')} of {counted(len(views), 'asset')} in {table}", file=sys.stderr)
