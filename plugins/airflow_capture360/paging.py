"""Services that page people: the messages of one cause are one incident there, which the last of them closes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capture360.reports.alerts import Message, heading, plain
from capture360.tls import trusted

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS = ("dedup", "external_id", "entity_id", "thirdparty", "alias")
"""Attributes of Apprise's services that hold the name of an incident."""


def pages(service: Any) -> bool:
    """Return whether a service of Apprise, or its class, can open incidents and close them."""
    return "map" in service.template_args.get("action", {}).get("values", ())


def prepare(service: Any, message: Message) -> None:
    """Make a service open the incident of the message's cause, or close it if that is over.

    The text is cut off at the length that the service takes; links go to its details where it has some.
    """
    service.action = "map"
    for name in KEYS:
        if hasattr(service, name):
            setattr(service, name, message.cause)
    service.overflow_mode = "truncate"
    if isinstance(getattr(service, "details", None), dict):
        service.details.update(message.links)


def closes_by_alias(service: Any) -> bool:
    """Return whether Apprise's own way to close an incident works only in the process that opened it."""
    return type(service) in _aliases()


def close_by_alias(service: Any, message: Message, timeout_s: float) -> None:
    """Close the incident of the message's cause with an HTTP request, which raises what `httpx` raises."""
    import httpx

    httpx.post(
        f"{_aliases()[type(service)][service.region_name]}/{message.cause}/close",
        params={"identifierType": "alias"},
        json={"source": "capture360", "note": f"{heading(message)}\n{plain(message)}"},
        headers={"Authorization": f"GenieKey {service.apikey}"},
        timeout=timeout_s,
        verify=trusted(),
    ).raise_for_status()


def _aliases() -> Mapping[type, Mapping[str, str]]:
    """Return the addresses of alerts by region, of the services that close an alert by its alias."""
    from apprise.plugins import jira, opsgenie

    return {
        opsgenie.NotifyOpsgenie: opsgenie.OPSGENIE_API_LOOKUP,
        jira.NotifyJira: jira.JIRA_API_LOOKUP,
    }
