"""`capture360 docs`: write the reference pages that follow from the code."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from capture360.errors import Capture360Error, ConfigError

if TYPE_CHECKING:
    from pydantic import BaseModel

MADE = "<!-- Written by `make docs` from the code; change it there. -->\n\n"


class DocumentationGap(Capture360Error):
    """The code lacks a text that a reference page needs."""

    remedy = "Write it in the code, then run `make docs` again."


def docs(
    context: typer.Context,
    root: Annotated[Path, typer.Argument(help="The checkout whose docs/reference is written.")] = Path(),
) -> None:
    """Write the pages of docs/reference that follow from the code."""
    folder = root / "docs/reference"
    if not (folder.is_dir() and (root / "dags").is_dir()):
        raise ConfigError(f"{root.resolve()} is no checkout of capture360: it lacks dags or docs/reference. Name one.")
    for name, page in pages(root, context.find_root().command).items():
        (folder / name).write_text(page)
        typer.echo(folder / name)


def pages(root: Path, command: Any) -> Mapping[str, str]:
    """Return every generated page by file name; DocumentationGap if a text is missing.

    `command` is the whole command line as Click sees it.
    """
    from capture360.settings.site import Site

    makers: Mapping[str, Callable[[], str]] = {
        "command.md": lambda: command_page(command),
        "dags.md": lambda: dags_page(root / "dags"),
        "manifest.md": manifest_page,
        "metrics.md": metrics_page,
        "rules.md": rules_page,
        "settings.md": lambda: settings_page(described_schema(Site)),
    }
    return {name: MADE + make().rstrip() + "\n" for name, make in makers.items()}


def command_page(command: Any) -> str:
    """Return the page of the command line: every verb, argument and option."""
    from typer.cli import get_docs_for_click

    _check_help(command, "capture360")
    return get_docs_for_click(obj=command, ctx=typer.Context(command, **command.context_settings), name="capture360")


def _check_help(command: Any, name: str) -> None:
    for verb, parts in getattr(command, "commands", {}).items():
        _text(parts.help, f"{name} {verb}")
        for parameter in parts.params:
            _text(getattr(parameter, "help", None), f"{name} {verb}: {parameter.name}")
        _check_help(parts, f"{name} {verb}")


def manifest_page() -> str:
    """Return the page of manifest keys, with their effect for each kind of delivery."""
    from capture360.readers.manifest_keys import KEYS, WAYS, WHAT, Only

    used = {cell: cell.value for cells in KEYS.values() for cell in cells.values() if not isinstance(cell, Only)}
    lines = [
        "# Keys of the manifest",
        "",
        "What each key of `capture.yaml` does, by how a capture is delivered. A key that cannot work is refused by",
        "name. CDF's own extraction of scans knows nothing of the manifest: scans whose manifest states a key with",
        "*the scans are extracted here* are extracted by capture360 in every project. A key that is *checked only* is",
        "for people who read the manifest: nothing uses it.",
        "",
        f"| key | {' | '.join(WHAT[way] for way in WAYS)} |",
        f"|---|{'---|' * len(WAYS)}",
    ]
    for key, cells in KEYS.items():
        shown = [
            f"only {', '.join(str(value) for value in cell.values if value)}: {cell.why}"
            if isinstance(cell, Only) and any(cell.values)
            else f"refused: {cell.why}"
            if isinstance(cell, Only)
            else used[cell]
            for cell in (cells[way] for way in WAYS)
        ]
        lines.append(f"| `{key}` | {' | '.join(_cell(_text(cell, f'manifest key {key}')) for cell in shown)} |")
    return "\n".join(lines)


def metrics_page() -> str:
    """Return the page of metrics that tasks send through Airflow."""
    from airflow_capture360.metrics import METRICS

    lines = [
        "# Metrics",
        "",
        "Tasks send these through Airflow's own metrics: section `[metrics]` of its configuration says whether to",
        "StatsD, Datadog or OpenTelemetry, and each name stands behind its prefix (`airflow.`). Where",
        "`metrics_allow_list` is set, add `capture360` to it. Plain StatsD knows no tags: their values are appended to",
        "the name there, in this order and with `__` for dots (`airflow.capture360.reached.hall-7.published`).",
        "",
        "| metric | type | tags | what it is |",
        "|---|---|---|---|",
    ]
    for each in METRICS:
        tags = "; ".join(f"`{tag}`: {_text(values, f'tag {tag} of {each.name}')}" for tag, values in each.tags.items())
        meaning = _text(each.meaning, f"metric {each.name}")
        lines.append(f"| `{each.name}` | {each.kind} | {_cell(tags) or 'none'} | {_cell(meaning)} |")
    return "\n".join(lines)


def rules_page() -> str:
    """Return the page of validation rules with their messages."""
    from capture360.checks.reference import rules_page as page

    return page()


def dags_page(folder: Path) -> str:
    """Return the page of the DAGs' docstrings, which Airflow's UI shows as well."""
    manuals = [
        f"## {file.stem}\n\n{_text(docstring.partition(chr(10))[2].strip(), f'the docstring of {file}')}"
        for file in sorted(folder.glob("*.py"))
        for docstring in (ast.get_docstring(ast.parse(file.read_text())) or "",)
    ]
    return "# The DAGs\n\nThe same text stands behind the book button of each DAG in the Airflow UI.\n\n" + "\n\n".join(
        manuals
    )


def settings_page(schema: Mapping[str, Any]) -> str:
    """Return the page of a site's settings from their JSON schema, a table for each section."""
    from capture360.settings.register import CONFIG_VARIABLE, DEFAULT_CONFIG
    from capture360.settings.section import LARGEST, LARGEST_WHOLE

    lines = [
        "# Settings of a site",
        "",
        f"The register is the YAML file that `{CONFIG_VARIABLE}` names (default `{DEFAULT_CONFIG}`), on any fsspec",
        "store: `records` (folder of the records), `defaults` (settings of every site) and `sites` (settings by site).",
        "A file `<site>.yaml` beside it is merged over both. `$NAMES` are filled in from the environment. A duration",
        'is written in ISO 8601 (`PT10M`) or as `"HH:MM:SS"`, and lies between 0 and ten years. Numbers are at most',
        f"{LARGEST:,.0f} and whole numbers {LARGEST_WHOLE:,}, above and below zero.",
        "",
        *_section(schema, schema.get("$defs", {}), "", "site"),
    ]
    return "\n".join(lines)


def described_schema(model: type[BaseModel]) -> Mapping[str, Any]:
    """Return the JSON schema of a model and those in it, with the docstrings of their attributes as descriptions."""
    schema = model.model_json_schema()
    sections = {model.__name__: schema, **schema.get("$defs", {})}
    for known in _models_in(model):
        (of_class,) = ast.parse(dedent(inspect.getsource(known))).body
        assert isinstance(of_class, ast.ClassDef)
        for attribute, text in pairwise(of_class.body):
            match attribute, text:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                    sections[known.__name__]["properties"][name]["description"] = inspect.cleandoc(words)
    return schema


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a type holds, and those in their fields."""
    from pydantic import BaseModel

    inner = list(get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        inner = [field.annotation for field in annotation.model_fields.values()]
    for each in inner:
        yield from _models_in(each)


def _section(section: Mapping[str, Any], sections: Mapping[str, Any], prefix: str, title: str) -> Iterator[str]:
    """Return a table of the section's settings, followed by its sections."""
    below: list[tuple[str, str, Mapping[str, Any]]] = []
    rows = []
    for name, field in section["properties"].items():
        path = f"{prefix}{name}"
        if path == "id":
            continue  # it is the key of the site, and refused below it
        (used, *others), optional = _alternatives(field)
        if reference := used.get("$ref"):
            if others:
                raise DocumentationGap(f"Setting {path}: a section with alternatives has no form in the table.")
            nested = sections[reference.rpartition("/")[2]]
            about = field.get("description") if optional else nested.get("description")
            below.append((path, _text(about, f"the section {path}"), nested))
            continue
        about = _text(field.get("description"), f"setting {path}")
        rows.append(f"| `{path}` | {_cell(_type(field, path))} | {_default(field, path, section)} | {_cell(about)} |")
    yield f"## {title}"
    yield ""
    yield _text(section.get("description"), f"the section {title}")
    if rows:
        yield from ("", "| setting | type | default | what it is |", "|---|---|---|---|", *rows)
    yield ""
    for path, about, nested in below:
        yield from _section({**nested, "description": about}, sections, f"{path}.", path)


def _alternatives(field: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], bool]:
    """Return the types of a value, and whether it may be missing."""
    choices = field.get("anyOf", [field])
    used = [choice for choice in choices if choice.get("type") != "null"]
    return used, len(used) < len(choices)


_TYPES = {"string": "text", "integer": "integer", "number": "number", "boolean": "true or false"}


def _type(field: Mapping[str, Any], path: str) -> str:
    """Word the type of a setting, with its limits but those that hold for every number."""
    from capture360.settings.section import LARGEST, LARGEST_WHOLE

    used, _ = _alternatives(field)
    if len(used) > 1:
        return " or ".join(_type(choice, path) for choice in used)
    [one] = used
    kind = one.get("type")
    if "enum" in one:
        return " or ".join(f"`{value}`" for value in one["enum"])
    if "const" in one:
        return f"`{one['const']}`"
    if "prefixItems" in one:
        return f"list of {len(one['prefixItems'])} {_type(one['prefixItems'][0], path)}s"
    if kind == "array":
        return f"list of {_type(one['items'], path)}"
    if kind == "object" and "additionalProperties" in one:
        return f"mapping of text to {_type(one['additionalProperties'], path)}"
    if one.get("format") == "duration":
        return "duration"
    if kind not in _TYPES:
        raise DocumentationGap(f"Setting {path}: the type {json.dumps(one)} has no words.")
    limits = [
        f"{words} {one[limit]:g}"
        for limit, words in (
            ("minimum", "at least"),
            ("exclusiveMinimum", "above"),
            ("maximum", "at most"),
            ("exclusiveMaximum", "below"),
            ("multipleOf", "a multiple of"),
        )
        if limit in one and abs(one[limit]) not in (LARGEST, LARGEST_WHOLE)
    ]
    return ", ".join((_TYPES[kind], *limits))


def _default(field: Mapping[str, Any], path: str, section: Mapping[str, Any]) -> str:
    if path == "name":
        return "the id"
    if "default" not in field:
        if path.rpartition(".")[2] not in section.get("required", ()):
            raise DocumentationGap(f"Setting {path}: its default has no form in JSON.")
        return "required"
    default = field["default"]
    if default is None:
        return "none"
    return f"`{_cell(default if isinstance(default, str) and default else json.dumps(default, ensure_ascii=False))}`"


def _text(text: str | None, what: str) -> str:
    """Return the text on one line; DocumentationGap if there is none."""
    if not text or not text.strip():
        raise DocumentationGap(f"There is no description of {what}. Write it in the code.")
    return text


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
