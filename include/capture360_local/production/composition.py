"""Reading of docker-compose.yaml: services with their commands, environments and health checks.

Supports the parts of the format that the file uses: anchors and merges, `${NAME:-default}`, `${NAME:?message}`, `$$`,
and variables without a value, which are passed on from `.env` if they are set.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from capture360.errors import ConfigError

_VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?:(?P<how>:-|-|:\?|\?)(?P<rest>[^}]*))?\}|(?P<bare>[A-Za-z_]\w*))"
)
_IMAGE = "capture360:"


@dataclass(frozen=True, slots=True)
class Service:
    """One service. `command` is entrypoint and command together; empty means the image's own."""

    name: str
    image: str
    command: Sequence[str]
    environment: Mapping[str, str]
    restarts: bool
    replicas: int
    after: Mapping[str, str]
    """Services that it waits for, with the condition."""
    health: Sequence[str]
    """The command of the health check; empty if there is none."""
    profiles: Sequence[str]

    @property
    def is_ours(self) -> bool:
        """Whether it runs in the image that the Dockerfile builds."""
        return self.image.startswith(_IMAGE)


def read(file: Path, variables: Mapping[str, str], profiles: Sequence[str] = ()) -> Mapping[str, Service]:
    """Read the services of these profiles, by name; ConfigError names a missing variable."""
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    services = {
        name: _service(name, body, variables)
        for name, body in document["services"].items()
        if not body.get("profiles") or set(body["profiles"]) & set(profiles)
    }
    for service in services.values():
        unknown = set(service.after) - set(services)
        if unknown:
            raise ConfigError(f"{file}: {service.name} waits for {', '.join(sorted(unknown))}, which does not start.")
    return services


def _service(name: str, body: Mapping[str, Any], variables: Mapping[str, str]) -> Service:
    filled = _filled({key: value for key, value in body.items() if key != "environment"}, variables)
    environment = {
        key: variables.get(key) if value is None else _fill(str(value), variables)
        for key, value in body.get("environment", {}).items()
    }
    return Service(
        name=name,
        image=filled["image"],
        command=(*_words(filled.get("entrypoint")), *_words(filled.get("command"))),
        environment={key: value for key, value in environment.items() if value is not None},
        restarts=filled.get("restart") != "no",
        replicas=int(filled.get("deploy", {}).get("replicas", 1)),
        after={each: how["condition"] for each, how in filled.get("depends_on", {}).items()},
        health=_check(filled.get("healthcheck", {}).get("test", ())),
        profiles=tuple(filled.get("profiles", ())),
    )


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    """Return the value with all variables replaced, nested ones included."""
    if isinstance(value, str):
        return _fill(value, variables)
    if isinstance(value, dict):
        return {key: _filled(each, variables) for key, each in value.items()}
    return [_filled(each, variables) for each in value] if isinstance(value, list) else value


def _fill(text: str, variables: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        name, how, rest = match["name"] or match["bare"], match["how"] or "", match["rest"] or ""
        found = variables.get(name)
        if found is not None and (found or not how.startswith(":")):
            return found
        if "?" in how:
            raise ConfigError(f"{name} is missing: {rest}.")
        return rest

    return _VARIABLE.sub(value, text)


def _words(command: str | Sequence[str] | None) -> Sequence[str]:
    return shlex.split(command) if isinstance(command, str) else tuple(command or ())


def _check(test: Sequence[str]) -> Sequence[str]:
    match tuple(test):
        case ("CMD", *words):
            return tuple(words)
        case ("CMD-SHELL", script):
            return ("sh", "-c", script)
    return ()
