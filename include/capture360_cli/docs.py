"""`capture360 docs`: write the reference pages that follow from the code."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel

MADE = "<!-- Written by `make docs` from the code; change it there. -->\n\n"


def docs(
    root: Annotated[Path, typer.Argument(help="The checkout whose docs/reference is written.")] = Path(),
) -> None:
    """Write the pages of docs/reference that follow from the code."""
    folder = root / "docs/reference"
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in pages(root).items():
        (folder / name).write_text(page)
        typer.echo(folder / name)


def pages(root: Path) -> Mapping[str, str]:
    """Every generated page by file name."""
    makers: Mapping[str, Callable[[], str]] = {
        "command.md": _command,
        "dags.md": lambda: _dags(root / "dags"),
        "manifest.md": _manifest,
        "rules.md": _rules,
        "settings.md": _settings,
    }
    return {name: MADE + make().rstrip() + "\n" for name, make in makers.items()}


def _command() -> str:
    from typer.cli import get_docs_for_click

    from capture360_cli.main import app

    command = typer.main.get_command(app)
    return get_docs_for_click(obj=command, ctx=typer.Context(command), name="capture360")


def _manifest() -> str:
    from capture360.readers.manifest_keys import KEYS, WAYS, WHAT, Only

    used = {cell: cell.value for cells in KEYS.values() for cell in cells.values() if not isinstance(cell, Only)}
    lines = [
        "# Keys of the manifest",
        "",
        "What each key of `capture.yaml` does, by how a capture is delivered. A key that cannot work is refused by",
        "name. CDF's own extraction of scans knows nothing of the manifest: scans that state a key marked so are",
        "extracted here in every project.",
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
        lines.append(f"| `{key}` | {' | '.join(shown)} |")
    return "\n".join(lines)


def _rules() -> str:
    from capture360.checks.reference import rules_page

    return rules_page()


def _dags(folder: Path) -> str:
    manuals = [
        f"## {file.stem}\n\n{(ast.get_docstring(ast.parse(file.read_text())) or '').partition(chr(10))[2].strip()}"
        for file in sorted(folder.glob("*.py"))
    ]
    return "# The DAGs\n\nThe same text stands behind the book button of each DAG in the Airflow UI.\n\n" + "\n\n".join(
        manuals
    )


def _settings() -> str:
    from capture360.settings.register import CONFIG_VARIABLE, DEFAULT_CONFIG, Site

    lines = [
        "# Settings of a site",
        "",
        f"The register is the YAML file that `{CONFIG_VARIABLE}` names (default `{DEFAULT_CONFIG}`), on any fsspec",
        "store: `records` (folder of the records), `defaults` (settings of every site) and `sites` (settings by site).",
        "A file `<site>.yaml` beside it is merged over both. `$NAMES` are filled in from the environment.",
        "",
        "| setting | type | default | what it is |",
        "|---|---|---|---|",
        *_rows(Site, ""),
    ]
    return "\n".join(lines)


def _rows(section: type[BaseModel], prefix: str) -> Iterator[str]:
    from pydantic import BaseModel as Section

    for name, field in section.model_fields.items():
        path = f"{prefix}{name}"
        nested = field.annotation
        if isinstance(nested, type) and issubclass(nested, Section):
            yield from _rows(nested, f"{path}.")
            continue
        default = "required" if field.is_required() else f"`{_shown(field.get_default(call_default_factory=True))}`"
        about = " ".join((field.description or "").split()).replace("|", "\\|")
        yield f"| `{path}` | `{_type_of(nested)}` | {default} | {about} |"


def _type_of(annotation: Any) -> str:
    named = annotation.__name__ if isinstance(annotation, type) and not hasattr(annotation, "__args__") else annotation
    text = str(named)
    for prefix in ("typing.", "collections.abc.", "datetime.", "capture360.settings.register."):
        text = text.replace(prefix, "")
    return text.replace("|", "\\|")


def _shown(value: Any) -> str:
    return str(value) if not isinstance(value, str) else value
