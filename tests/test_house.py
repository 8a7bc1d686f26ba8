"""The rules of the house: who may import whom, what the oracle may know, and where the mode names may stand."""

from __future__ import annotations

import ast
import graphlib
import importlib
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "capture360": ROOT / "include/capture360",
    "cdf_sandbox": ROOT / "include/cdf_sandbox",
    "capture360_local": ROOT / "include/capture360_local",
    "capture360_cli": ROOT / "include/capture360_cli",
    "panorama_viewer": ROOT / "include/panorama_viewer",
    "airflow_capture360": ROOT / "plugins/airflow_capture360",
    "dags": ROOT / "dags",
}
MAY_IMPORT = {
    "capture360": set(),
    "cdf_sandbox": {"capture360"},
    "panorama_viewer": set(),
    "capture360_local": {"capture360", "cdf_sandbox"},
    "capture360_cli": {"capture360", "cdf_sandbox", "capture360_local", "airflow_capture360"},
    "airflow_capture360": {"capture360"},
    "dags": {"airflow_capture360"},
}
WITH_AIRFLOW = {"airflow_capture360", "dags"}
ORACLE_MAY_USE = (
    "capture360.e57",
    "capture360.geometry.projection",
    "capture360.geometry.rotation",
    "capture360.pictures",
)
ORDER = (
    "text", "formulas", "errors", "lfs", "streams", "tls", "time_zones", "validation_words", "batches", "model",
    "names", "dag_names", "capture_document", "rules",
    "geometry", "pictures", "e57", "store", "capture_state", "markers", "record_forms", "bindings", "records",
    "settings", "landing", "readers", "checks", "sources", "matching", "cdf", "detection", "reports", "steps",
)  # fmt: skip
"""Packages and modules of capture360: each may import those before it."""
HEAVY = ("great_expectations", "pandas", "cv2", "cognite", "onnxruntime")


def imports(file: Path) -> Iterator[str]:
    """Dotted names that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_modules() -> dict[str, set[str]]:
    """Modules of the whole tree, by what they import: deferred imports and those of TYPE_CHECKING count too."""
    sources = {
        ".".join(file.relative_to(folder.parent).with_suffix("").parts).removesuffix(".__init__"): file
        for folder in PACKAGES.values()
        for file in folder.rglob("*.py")
    }
    graph: dict[str, set[str]] = {}
    for module, file in sources.items():
        names = {name for name in imports(file) if name in sources and name != module}
        packages = {name.rpartition(".")[0] for name in names}
        graph[module] = names - packages  # `from package import module` means the module
    return graph


def files(package: str) -> list[Path]:
    return sorted(PACKAGES[package].rglob("*.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_one_way(package: str) -> None:
    wrong = {
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files(package)
        for name in imports(file)
        if (top := name.partition(".")[0]) != package
        and ((top in PACKAGES and top not in MAY_IMPORT[package]) or (top == "airflow" and package not in WITH_AIRFLOW))
    }
    assert not wrong


def test_packages_of_capture360_import_downwards() -> None:
    wrong = set()
    for module, names in imported_modules().items():
        package, _, part = module.partition(".")
        for name in names if package == "capture360" and part else ():
            lower, upper = name.partition(".")[2].partition(".")[0], part.partition(".")[0]
            if lower and lower != upper and ORDER.index(lower) > ORDER.index(upper):
                wrong.add(f"{module} imports {name}")
    assert not wrong


def test_no_modules_import_each_other_in_a_circle() -> None:
    graphlib.TopologicalSorter(imported_modules()).prepare()


def test_every_finding_is_made_by_a_registered_rule() -> None:
    from capture360.checks.rules import RULES
    from capture360.rules.rule import Family

    made = {
        f"{file.relative_to(ROOT)} line {node.lineno}"
        for package in set(PACKAGES) - {"cdf_sandbox"}
        for file in files(package)
        if file.parent.name != "rules" or file.parent.parent.name != "capture360"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Finding", "Rule")
    }
    assert not made
    registered = {rule.id for rule in RULES.rules}
    defined = {
        target.id
        for file in files("capture360")
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
        and re.fullmatch(r"[A-Z][0-9]{2}", target.id)
        and isinstance(node.value, ast.Call)
    }
    assert defined == registered
    families = {
        value
        for module in imported_modules()
        if module.startswith(("capture360.rules.", "capture360.checks."))
        for value in vars(importlib.import_module(module)).values()
        if isinstance(value, Family)
    }
    assert families == set(RULES.families)


def test_the_oracle_knows_nothing_of_the_product() -> None:
    plant = (PACKAGES["capture360_local"] / "plant").rglob("*.py")
    wrong = {
        f"{file.relative_to(ROOT)} imports {name}"
        for file in [*files("cdf_sandbox"), *plant]
        for name in imports(file)
        if name.partition(".")[0] == "capture360"
        and not (file.is_relative_to(PACKAGES["cdf_sandbox"]) and f"{name}.".startswith(ORACLE_MAY_USE))
        and name != "capture360"
    }
    assert not wrong


LACKING = {"groups": {"store"}, "pages": {"models"}, "projects": {"models", "store"}}
"""Access reads groups, so they are kept in the core; pages take no bodies; a project is an option of the sandbox."""


def test_every_service_of_the_sandbox_has_the_same_files() -> None:
    services = [each for each in (PACKAGES["cdf_sandbox"] / "services").iterdir() if (each / "__init__.py").exists()]
    assert {each.name for each in services} >= LACKING.keys()
    for service in services:
        names = {file.stem for file in service.glob("*.py")}
        assert {"models", "routes", "store"} - names == LACKING.get(service.name, set()), service.name


def test_the_core_of_the_sandbox_knows_nothing_of_its_services() -> None:
    core = PACKAGES["cdf_sandbox"] / "core"
    assembled = {core / name for name in ("app.py", "server.py")}
    wrong = {
        f"{file.relative_to(ROOT)} imports {name}"
        for file in set(core.rglob("*.py")) - assembled
        for name in imports(file)
        if name.startswith("cdf_sandbox.services")
    }
    assert not wrong


def test_the_mode_names_stand_in_one_table() -> None:
    modes = ("asset_centric", "data_modeling", "hybrid")
    allowed = {"project_mode.py", "registry.py", "register.py"}
    wrong = {
        f"{file.relative_to(ROOT)} line {node.lineno}"
        for package in set(PACKAGES) - {"cdf_sandbox"}
        for file in files(package)
        if file.name not in allowed
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and node.value in modes
    }
    assert not wrong


@pytest.mark.parametrize("package", ["capture360", "cdf_sandbox", "capture360_local", "airflow_capture360"])
def test_importing_a_package_loads_nothing_heavy(package: str) -> None:
    code = f"import {package}, sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_the_plugins_folder_is_not_executed_file_by_file() -> None:
    assert (ROOT / "plugins/.airflowignore").read_text().split() == ["*"]


def test_the_lock_names_no_index_and_holds_what_installing_needs() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert "--index" not in lock
    pinned = {line.partition("==")[0] for line in lock.splitlines() if "==" in line}
    assert {"apache-airflow", "cognite-sdk", "hatchling", "editables"} <= pinned


NAMES_ON_THE_INDEX = {
    "PIL": "pillow",
    "cognite": "cognite-sdk",
    "psycopg2": "psycopg2-binary",
    "cv2": "opencv-python-headless",
    "google_crc32c": "google-crc32c",
    "great_expectations": "great-expectations",
    "python_calamine": "python-calamine",
    "airflow": "apache-airflow",
    "yaml": "pyyaml",
    "typing_extensions": "typing-extensions",
}


def test_every_package_that_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *extras["ocr"], *extras["testing"], *extras["production"]]
    declared = {re.split(r"[<>=!~;\[ ]", requirement)[0] for requirement in needed}
    known = sys.stdlib_module_names | PACKAGES.keys() | {"_typeshed"}
    wrong = {
        f"{file.relative_to(ROOT)} imports {top}"
        for package in PACKAGES
        for file in files(package)
        for name in imports(file)
        if (top := name.partition(".")[0]) not in known and NAMES_ON_THE_INDEX.get(top, top) not in declared
    }
    assert not wrong


@pytest.mark.parametrize(
    ("package", "without"),
    [("s3fs", "2024.10.0"), ("gcsfs", "2024.10.0"), ("adlfs", "2024.7.0"), ("botocore", "1.35.20")],
)
def test_no_store_is_of_a_version_without_exclusive_creation(package: str, without: str) -> None:
    """Its fsspec package would pass over the condition in silence, and a lease would have two holders."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    needed = [Requirement(each) for extra in ("s3", "gcs", "azure") for each in extras[extra]]
    (requirement,) = (each for each in needed if each.name == package)
    assert not requirement.specifier.contains(without)


def test_every_package_is_typed() -> None:
    assert [name for name, folder in PACKAGES.items() if name != "dags" and not (folder / "py.typed").exists()] == []


def _cells(page: str, heading: str) -> list[list[str]]:
    """Rows of the table below the line that begins with `heading`."""
    _, _, below = page.partition(f"\n{heading}")
    table = below.splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table[: table.index("")]]


def _retired_words() -> set[str]:
    page = (ROOT / "docs/reference/glossary.md").read_text() + "\n"
    concepts = [row[2] for row in _cells(page, "| word |")]
    plain = [row[0] for row in _cells(page, "| retired |")]
    return {word.strip() for cell in (*concepts, *plain) for word in cell.split(",") if word.strip()}


def test_decision_notes_are_numbered_once_each() -> None:
    notes = sorted(file.name for file in (ROOT / "docs/decisions").glob("0*.md"))
    numbers = [int(name.partition("-")[0]) for name in notes]
    assert numbers == list(range(1, len(notes) + 1)), notes
    for name, number in zip(notes, numbers, strict=True):
        assert (ROOT / "docs/decisions" / name).read_text().startswith(f"# {number}. "), name


WRITTEN = ("include", "plugins", "dags", "config", "docs", "README.md", "CONTRIBUTING.md", "docker-compose.yaml")


def test_retired_words_are_not_used() -> None:
    retired = _retired_words()
    assert {"told", "mend"} <= retired
    word = re.compile(rf"(?<![^\W_])({'|'.join(map(re.escape, sorted(retired)))})(?![^\W_])", re.IGNORECASE)
    listed = subprocess.run(["git", "ls-files", "-z", *WRITTEN], cwd=ROOT, capture_output=True, text=True, check=True)
    wrong = [
        f"{name} line {number}: {found[0]}"
        for name in listed.stdout.split("\0")
        if name.endswith((".py", ".md", ".yaml", ".j2", ".json", ".html", ".js"))
        if name != "docs/reference/glossary.md"
        for number, line in enumerate((ROOT / name).read_text().splitlines(), 1)
        if (found := word.search(line))
    ]
    assert not wrong, "docs/reference/glossary.md says what to write instead"


def _private(name: object) -> bool:
    return isinstance(name, str) and any(part.startswith("_") and not part.endswith("__") for part in name.split("."))


def _foreign(tree: ast.AST) -> set[str]:
    """Names that a file imports from outside the product, and those that stand for the object itself."""
    found = {"self", "cls"}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                tops = {alias.asname or alias.name.partition(".")[0]: alias.name for alias in names}
            case ast.ImportFrom(module=str(module), names=names):
                tops = {alias.asname or alias.name: module for alias in names}
            case ast.Assign(
                targets=[ast.Name(id=name)], value=ast.Call(func=ast.Attribute(attr="importorskip"), args=args)
            ):
                tops = {name: ast.literal_eval(args[0])}
            case _:
                continue
        found |= {name for name, module in tops.items() if module.partition(".")[0] not in PACKAGES}
    return found


def test_tests_reach_for_no_private_name_of_the_product() -> None:
    """Neither by import, nor by attribute, nor in the text that a patch is given."""
    wrong = []
    for file in sorted((ROOT / "tests").rglob("*.py")):
        tree = ast.parse(file.read_text())
        foreign = _foreign(tree)
        for node in ast.walk(tree):
            match node:
                case ast.ImportFrom(module=str(module), names=names) if module.partition(".")[0] in PACKAGES:
                    private = [alias.name for alias in names if _private(alias.name)]
                case ast.Attribute(value=of, attr=name) if _private(name):
                    private = [] if ast.unparse(of).partition(".")[0] in foreign else [name]
                case ast.Call(func=ast.Attribute(attr="setattr" | "delattr"), args=[of, *names]):
                    texts = [arg.value for arg in (of, *names[:1]) if isinstance(arg, ast.Constant)]
                    private = [] if ast.unparse(of).partition(".")[0] in foreign else [*filter(_private, texts)]
                case _:
                    private = []
            wrong += [f"{file.relative_to(ROOT)} line {node.lineno}: {name}" for name in private]
    assert not wrong


WHERE_TO_ADD = (
    "a rule", "a check of pictures", "a key of the manifest", "a format of delivery", "a project mode", "a detector",
    "a store", "an Airflow task", "a DAG", "a sandbox route", "a CLI verb", "a page in Airflow", "a metric",
    "a cause of alerts", "a record or note", "a setting", "an error",
)  # fmt: skip


def test_contributing_names_places_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    rows = dict(_cells(text, "| to add |"))
    assert tuple(rows) == WHERE_TO_ADD
    rows |= dict(_cells(text, "| what is wrong |"))
    places = {name: re.findall(r"`([\w./]+(?:/|\.(?:py|toml)))`", row) for name, row in rows.items()}
    assert all(places.values())
    missing = [place for found in places.values() for place in found if "/" in place and not (ROOT / place).exists()]
    assert not missing


def _comments(file: Path) -> dict[int, str]:
    with file.open("rb") as stream:
        return {
            token.start[0]: token.string
            for token in tokenize.tokenize(stream.readline)
            if token.type == tokenize.COMMENT
        }


_SILENCED = re.compile(r"noqa\b(?:: [A-Z]+[0-9]+(?:, [A-Z]+[0-9]+)*)?|type: ignore\b(?:\[[\w, -]+\])?")


def _excused(comments: dict[int, str], tree: ast.AST) -> Iterator[tuple[int, str, bool]]:
    """What a file leaves out or waits for: the line, what it is, and whether a reason stands beside it."""
    for line, comment in comments.items():
        for found in _SILENCED.finditer(comment):
            yield line, found[0], re.match(r"\s+(?:--?|#) \S", comment[found.end() :]) is not None
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="sleep") | ast.Name(id="sleep")):
                yield node.lineno, "sleep", node.end_lineno in comments or node.lineno - 1 in comments
            case ast.Call(func=ast.Attribute(attr="skip" | "xfail"), args=args, keywords=keywords):
                yield node.lineno, "skip", bool(args) or any(each.arg == "reason" for each in keywords)
            case ast.Call(func=ast.Attribute(attr="skipif" | "importorskip"), keywords=keywords):
                yield node.lineno, "skip", any(each.arg == "reason" for each in keywords)


def test_a_reason_stands_beside_whatever_is_left_out_or_waited_for() -> None:
    wrong = [
        f"{file.relative_to(ROOT)} line {line}: {what}"
        for folder in ("include", "plugins", "dags", "tools", "benchmarks", "tests")
        for file in sorted((ROOT / folder).rglob("*.py"))
        for line, what, has_reason in _excused(_comments(file), ast.parse(file.read_text()))
        if not has_reason
    ]
    assert not wrong
