"""Parameter `debug` of list, query and sync, which requests notices beside the results, or instead of them."""

from typing import Any

from cdf_sandbox.services.data_modeling.models import Debug

_NO_TIMEOUT_WITH_RESULTS = {
    "code": "noTimeoutWithResults",
    "category": "invalidDebugOptions",
    "level": "warning",
    "hint": "A timeout is applied only where emitResults is false.",
}


def with_debug(answer: dict[str, Any], debug: Debug | None) -> dict[str, Any]:
    """Add what `debug` asks for to an answer. The sandbox has no notices about indexes, since it has no indexes."""
    if debug is None:
        return answer
    notices = [_NO_TIMEOUT_WITH_RESULTS] if debug.emit_results and debug.timeout is not None else []
    if not debug.emit_results:
        items = answer["items"]
        answer = {"items": {name: [] for name in items} if isinstance(items, dict) else []}
        if isinstance(items, dict):
            answer["nextCursor"] = {}
    return {**answer, "debug": {"notices": notices}}
