"""HTML from Jinja templates: escaped, self-contained, and under a content security policy that forbids requests."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from capture360.text import counted, noun, visible

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = files(__package__) / "templates"


def page(template: str, **values: object) -> str:
    """Load `<template>.html.j2` with the common style inlined, and a policy that forbids everything else."""
    style = _source("house.css")
    policy = f"default-src 'none'; img-src data:; style-src {_digest(style)}; base-uri 'none'; form-action 'none'"
    return _environment().get_template(f"{template}.html.j2").render(style=style, policy=policy, **values)


def page_in_airflow(template: str, *, own: str = "", **values: object) -> tuple[str, str]:
    """Load a page shown within Airflow, which follows its theme, and the policy to send with it.

    `own` names a style and a script of this page alone; the script may call capture360's routes.
    """
    names = ("captures", own) if own else ("captures",)
    style = _source("house.css") + "".join(_source(f"{name}.css") for name in names)
    script = "".join(_source(f"{name}.js") for name in names)
    connect = "connect-src 'self'; " if own else ""
    policy = (
        f"default-src 'none'; img-src 'self' data:; style-src {_digest(style)}; script-src {_digest(script)}; "
        f"{connect}base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    )
    return _environment().get_template(f"{template}.html.j2").render(style=style, script=script, **values), policy


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _source(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _shown(value: object) -> object:
    """Make visible what reorders or hides text around it: escaping of HTML leaves it as it is."""
    return visible(value, kept="\n\t") if type(value) is str else value


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(counted=counted, noun=noun)
    return environment
