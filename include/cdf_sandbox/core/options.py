"""Options of a sandbox, set at its start."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

ExtractionNames = Literal["tidy", "random_ids", "no_stations", "two_collections"]
"""Naming of the instances that CDF extracts from E57 files, which is not published."""


class ProjectMode(StrEnum):
    """The three kinds of CDF project; each refuses what a real one of its kind refuses."""

    ASSET_CENTRIC = "asset_centric"
    HYBRID = "hybrid"
    DATA_MODELING = "data_modeling"


@dataclass(frozen=True)
class Options:
    """Durations are in seconds, sizes in bytes.

    Where the real value is not published, `cdf_sandbox.core.assumptions` states the assumption.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 0
    link_port: int = 0
    advertised_host: str | None = None
    project: str = "capture360"
    mode: ProjectMode = ProjectMode.HYBRID
    token_lifetime: float = 3600.0
    list_lag: float = 2.0
    uploaded_lag: float = 0.5
    syncer_delay: float | None = 1.0
    revision_queue: float = 1.0
    revision_processing: float = 2.0
    write_blocked_status: int = 403
    uniqueness_violation_status: int = 409
    byids_applies_view_filter: bool = True
    published_false_hides_published: bool = True
    revision_needs_readable_file: bool = True
    throttled_requests_count: bool = True
    mapped_containers_can_be_deleted: bool = False
    views_by_ids_may_mix_versions: bool = False
    conflicting_requests_are_refused: bool = True
    deleted_instances_count: bool = True
    labels_must_exist: bool = True
    inspection_needs_capabilities: bool = True
    named_schemas_must_be_readable: bool = True
    nodes_of_3d_are_taken_by_id: bool = False
    nodes_go_with_3d_models: bool = False
    migration_of_3d: bool = False
    extraction_names: ExtractionNames = "tidy"
    detection_queue: float = 0.5
    detection_processing: float = 1.0
    latency: float = 0.0
    rate_limits: bool = True
    instance_limit: int = 5_000_000
    query_steps: int = 1_000_000_000
    max_body: int = 64 * 1024 * 1024
    public: bool = False


FAST: Mapping[str, Any] = {"list_lag": 0, "uploaded_lag": 0, "syncer_delay": 0, "rate_limits": False}
"""Options without lags and rate limits, so that nobody waits."""
ASSUMED: dict[str, Literal["flag", "status", "count"]] = {
    "write_blocked_status": "status",
    "uniqueness_violation_status": "status",
    "byids_applies_view_filter": "flag",
    "published_false_hides_published": "flag",
    "revision_needs_readable_file": "flag",
    "throttled_requests_count": "flag",
    "mapped_containers_can_be_deleted": "flag",
    "views_by_ids_may_mix_versions": "flag",
    "conflicting_requests_are_refused": "flag",
    "deleted_instances_count": "flag",
    "labels_must_exist": "flag",
    "inspection_needs_capabilities": "flag",
    "named_schemas_must_be_readable": "flag",
    "nodes_of_3d_are_taken_by_id": "flag",
    "nodes_go_with_3d_models": "flag",
    "migration_of_3d": "flag",
    "instance_limit": "count",
    "query_steps": "count",
}
"""Options in which a real project may differ from the assumption, and the kind of their values."""


def assumed(texts: Iterable[str]) -> dict[str, Any]:
    """Parse fields of `Options` from `name=value` texts; ValueError for a text that is not one."""
    from pydantic import Field, TypeAdapter, ValidationError

    kinds: dict[str, Any] = {
        "flag": bool,
        "status": Annotated[int, Field(ge=400, le=499)],
        "count": Annotated[int, Field(ge=0)],
    }
    chosen: dict[str, Any] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in ASSUMED:
            raise ValueError(f'"{name}" is no assumption. There are: {", ".join(ASSUMED)}.')
        try:
            chosen[name] = TypeAdapter(kinds[ASSUMED[name]]).validate_strings(value)
        except ValidationError as error:
            raise ValueError(f'{name} cannot be "{value}": {error.errors()[0]["msg"]}.') from None
    return chosen
