"""Great Expectations' own pages, its Data Docs, from validation results that were kept."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from capture360.checks.suites import gx_suites
from capture360.reports.escaping import for_data_docs

_SITE = "capture360"


@dataclass(frozen=True, slots=True)
class KeptResult:
    """One result of one suite: `capture` is the heading of its run, `delivery` tells deliveries of a capture apart."""

    capture: str
    delivery: str
    at: datetime
    document: Mapping[str, Any]


def build_data_docs(results: Iterable[KeptResult], folder: Path) -> Path:
    """Write the pages into an empty folder; returns the first one. Texts from deliveries are escaped."""
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx
    from great_expectations.core import RunIdentifier
    from great_expectations.core.expectation_validation_result import (
        ExpectationSuiteValidationResult,
        expectationSuiteValidationResultSchema,
    )
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    site = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.absolute())},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        data_docs_sites={_SITE: site},
        analytics_enabled=False,
    )
    context = gx.get_context(mode="ephemeral", project_config=config)
    for suite in gx_suites():
        context.suites.add(suite)
    for kept in results:
        run = RunIdentifier(run_name=kept.capture, run_time=kept.at)
        loaded = expectationSuiteValidationResultSchema.load(_escaped(kept.document))
        result = (
            loaded
            if isinstance(loaded, ExpectationSuiteValidationResult)
            else ExpectationSuiteValidationResult(**loaded)
        )
        result.meta["run_id"] = run
        name = ExpectationSuiteIdentifier(result.suite_name)
        context.validation_results_store.set(ValidationResultIdentifier(name, run, kept.delivery), result)
    context.build_data_docs(site_names=[_SITE])
    return folder / "index.html"


def _escaped(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with the texts in its results escaped; everything else is generated."""
    escaped = deepcopy(dict(document))
    for each in escaped["results"]:
        each["result"] = _safe(each.get("result"))
    return escaped


def _safe(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _safe(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_safe(inner) for inner in value]
    return for_data_docs(value) if isinstance(value, str) else value
