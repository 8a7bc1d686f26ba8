"""Lineage of a capture for OpenLineage: its folder, its collections in CDF, and the links on them.

Reported to Airflow's collector of hook lineage, which drops it where no provider reads it.
"""

from __future__ import annotations

import logging
import urllib.parse
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec

from airflow.sdk.lineage import get_hook_lineage_collector

from airflow_capture360.hooks import CogniteCdfHook

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.sdk import Asset
    from airflow.sdk.lineage import LineageContext

    from capture360.cdf.ports import Collection
    from capture360.model import CaptureKey
    from capture360.steps.context import StepContext

log = logging.getLogger(__name__)

_Given = ParamSpec("_Given")
SCHEME = "cdf"
MOST = 20
"""Maximum number of collections that a task reports: a capture may have thousands, and Airflow takes a hundred."""
_LINKS = "links"
_IN_A_URI = str.maketrans({"?": "%3F", "#": "%23"})


def _without_failing(report: Callable[_Given, None]) -> Callable[_Given, None]:
    """Decorate a report: it comes after CDF was written, and collectors of other providers raise anything."""

    @wraps(report)
    def reporting(*args: _Given.args, **kwargs: _Given.kwargs) -> None:
        try:
            report(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - other providers raise anything, and lineage must not fail a task
            log.warning("Lineage was not reported (%s).", type(error).__name__)

    return reporting


@_without_failing
def report_published(ctx: StepContext, key: CaptureKey, collections: Sequence[Collection]) -> None:
    """Report that the capture's folder became these collections."""
    collector, hook = get_hook_lineage_collector(), CogniteCdfHook(ctx.site.connection)
    collector.add_input_asset(hook, uri=_folder(ctx, key))
    for uri in _collections(ctx, collections):
        collector.add_output_asset(hook, uri=uri)


@_without_failing
def report_linked(ctx: StepContext, key: CaptureKey, fingerprint: str) -> None:
    """Report that links were written on the images of the delivery's collections, which are looked up for it."""
    from capture360.steps.detect import collections_of

    collector, hook = get_hook_lineage_collector(), CogniteCdfHook(ctx.site.connection)
    for uri in _collections(ctx, collections_of(ctx, key, fingerprint)):
        collector.add_input_asset(hook, uri=uri)
        collector.add_output_asset(hook, uri=f"{uri}/{_LINKS}")


def _folder(ctx: StepContext, key: CaptureKey) -> str:
    url = f"{ctx.site.landing.url.rstrip('/')}/{key.capture}"
    return (url if "://" in url else f"file://{url}").translate(_IN_A_URI)


def _collections(ctx: StepContext, collections: Sequence[Collection]) -> Iterator[str]:
    """`cdf://<cluster>/<project>/<space>/<external id>`, quoted; without a space in asset-centric projects."""
    cluster, project = ctx.cdf.connection.identity
    for each in collections[:MOST]:
        parts = (project, each.space, each.external_id)
        yield f"{SCHEME}://{cluster}/" + "/".join(urllib.parse.quote(part, safe="") for part in parts if part)


def to_openlineage(asset: Asset, _: LineageContext | None) -> Dataset:
    """Return the dataset of an asset in CDF: its project as namespace, `<space>/<external id>` as name."""
    from airflow.providers.common.compat.openlineage.facet import Dataset

    parsed = urllib.parse.urlsplit(asset.uri)
    project, _slash, name = parsed.path.lstrip("/").partition("/")
    return Dataset(namespace=f"{SCHEME}://{parsed.netloc}/{project}", name=urllib.parse.unquote(name))
