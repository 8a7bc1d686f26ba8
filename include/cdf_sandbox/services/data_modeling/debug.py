"""Parameter `debug` of list, query and sync, which requests notices beside the results, or instead of them."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from cdf_sandbox.core.errors import ApiError
from cdf_sandbox.services.data_modeling.complexity import TOO_LONG
from cdf_sandbox.services.data_modeling.ids import ContainerId, ViewId
from cdf_sandbox.services.data_modeling.models import ListRequest
from cdf_sandbox.services.data_modeling.query_models import EdgeExpression, NodeExpression, QueryRequest
from cdf_sandbox.services.data_modeling.schema_store import Schema
from cdf_sandbox.services.data_modeling.sync_models import SyncEdgeExpression, SyncNodeExpression, SyncRequest

_NO_TIMEOUT_WITH_RESULTS = {
    "code": "noTimeoutWithResults",
    "category": "invalidDebugOptions",
    "level": "warning",
    "hint": "A timeout is applied only where emitResults is false.",
}
_RESULT_OF_A_LIST = "result"
"""What notices call the only result set of a list."""


def answer_with_debug(
    schema: Schema,
    request: ListRequest | QueryRequest | SyncRequest,
    run: Callable[[], dict[str, Any]],
    latency: float = 0.0,
) -> dict[str, Any]:
    """Answer a request, with what its `debug` asks for; 408 past the timeout, which `latency` (seconds) counts toward.

    Of the notices about indexes there is the one that a filter uses containers which have none.
    """
    debug = request.debug
    if debug is None:
        return run()
    started = time.monotonic()
    answer = run()
    notices = list(_without_indexes(schema, request))
    if debug.emit_results:
        if debug.timeout is not None:
            notices.append(_NO_TIMEOUT_WITH_RESULTS)
        return {**answer, "debug": {"notices": notices}}
    if debug.timeout is not None and (time.monotonic() - started + latency) * 1000 > debug.timeout:
        raise ApiError(408, TOO_LONG, notices=notices)
    items = answer["items"]
    empty: dict[str, Any] = {"items": []}
    if isinstance(items, dict):
        empty = {"items": {name: [] for name in items}, "nextCursor": {}}
    typing = {"typing": answer["typing"]} if "typing" in answer else {}
    return {**empty, **typing, "debug": {"notices": notices}}


def _without_indexes(schema: Schema, request: ListRequest | QueryRequest | SyncRequest) -> Iterator[dict[str, Any]]:
    for name, definition in _filters(request):
        involved = dict.fromkeys(_containers(schema, definition))
        bare = [container for container in involved if not schema.container(container).indexed]
        if bare:
            yield {
                "code": "containersWithoutIndexesInvolved",
                "category": "indexing",
                "level": "warning",
                "hint": "The query is using one or more containers that doesn't have any indexes declared.",
                "grade": "C",
                "resultExpression": name,
                "containers": [
                    {"type": "container", "space": each.space, "externalId": each.external_id} for each in bare
                ],
            }


def _filters(request: ListRequest | QueryRequest | SyncRequest) -> Iterator[tuple[str, Any]]:
    if isinstance(request, ListRequest):
        yield _RESULT_OF_A_LIST, request.filter
        return
    for name, expression in request.with_.items():
        if isinstance(expression, NodeExpression | SyncNodeExpression):
            yield name, expression.nodes.filter
        elif isinstance(expression, EdgeExpression | SyncEdgeExpression):
            yield name, expression.edges.filter


def _containers(schema: Schema, definition: Any) -> Iterator[ContainerId]:
    """Containers whose properties a filter names; it was compiled, so all that it names exists."""
    if isinstance(definition, dict):
        for key, value in definition.items():
            if key in ("property", "startProperty", "endProperty", "scope") and isinstance(value, list):
                if len(value) == 3:
                    space, source, identifier = value
                    external_id, slash, version = source.partition("/")
                    mapped = schema.view(ViewId(space, external_id, version)).properties[identifier] if slash else None
                    yield mapped.container if mapped is not None else ContainerId(space, external_id)
            else:
                yield from _containers(schema, value)
    elif isinstance(definition, list):
        for part in definition:
            yield from _containers(schema, part)
