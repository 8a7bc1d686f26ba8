"""`/sandbox/...`: endpoints that control the sandbox itself; CDF does not have them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BeforeValidator, Field
from starlette.responses import Response

from cdf_sandbox.core.auth import register_client
from cdf_sandbox.core.capabilities import Capability
from cdf_sandbox.core.faults import FaultOrder
from cdf_sandbox.core.http import CdfRoute, Json, StrictModel
from cdf_sandbox.core.sandbox import SandboxDep

control_router = APIRouter(prefix="/sandbox", route_class=CdfRoute)


class ClockMove(StrictModel):
    """Seconds to move the clock forward."""

    advance: Annotated[float, Field(ge=0, le=10 * 365 * 86400)]


def _without_project(given: Any) -> Any:
    """Drop the projects that token/inspect names beside each capability: a sandbox has one."""
    return {name: each for name, each in given.items() if name != "projectScope"} if isinstance(given, dict) else given


class ClientOrder(StrictModel):
    """A client to create; an existing one of that name is replaced."""

    client_id: Annotated[str, Field(min_length=1, max_length=255)]
    capabilities: list[Annotated[Capability, BeforeValidator(_without_project)]]


@control_router.get("/counters")
def read_counters(sandbox: SandboxDep) -> Response:
    """Mutating requests received, rows changed, and tokens, sessions and reads apart."""
    return Json(sandbox.counters.snapshot())


@control_router.post("/counters/reset")
def reset_counters(sandbox: SandboxDep) -> Response:
    """Reset the counters."""
    sandbox.counters.reset()
    return Json(sandbox.counters.snapshot())


@control_router.get("/requests")
def read_requests(sandbox: SandboxDep, limit: Annotated[int, Query(ge=1, le=2000)] = 100) -> Response:
    """The last finished requests, newest first."""
    return Json({"items": sandbox.counters.recent_json(limit)})


@control_router.get("/faults")
def read_faults(sandbox: SandboxDep) -> Response:
    """List the pending faults."""
    return Json({"items": sandbox.faults.pending()})


@control_router.post("/faults", status_code=201)
def order_fault(sandbox: SandboxDep, order: FaultOrder) -> Response:
    """Order a fault."""
    return Json({"id": sandbox.faults.order(order)}, status_code=201)


@control_router.delete("/faults")
def clear_faults(sandbox: SandboxDep) -> Response:
    """Drop the pending faults."""
    sandbox.faults.clear()
    return Json({"items": []})


@control_router.post("/clients", status_code=201)
def make_client(sandbox: SandboxDep, client: ClientOrder) -> Response:
    """Create a client with the given capabilities, in the form of token/inspect; its secret is in this answer only."""
    secret = register_client(sandbox, client.client_id, client.capabilities)
    return Json({"clientId": client.client_id, "clientSecret": secret}, status_code=201)


@control_router.post("/clock")
def move_clock(sandbox: SandboxDep, move: ClockMove) -> Response:
    """Move the sandbox's clock forward and return its time in epoch milliseconds."""
    sandbox.clock.advance(move.advance)
    return Json({"now": sandbox.clock.now_ms()})
