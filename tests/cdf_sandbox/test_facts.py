"""Every fact of the page about real CDF names its source and a test that exists."""

import ast
import re
from pathlib import Path

from cdf_sandbox.core.options import ASSUMED

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/sandbox-facts.md").read_text()


def _rows(number):
    """The cells of one of the page's tables, its head left out."""
    tables = re.findall(r"(?:^\|.*\n)+", PAGE, flags=re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|\n").split("|")] for line in tables[number].splitlines()[2:]]


def test_each_fact_has_a_source_and_a_test_that_exists():
    rows = _rows(0)
    assert len(rows) >= 40
    for fact, source, test in rows:
        assert fact.endswith((".", '"')), fact
        assert re.match(r"(R|T|C): \w|S\b", source), fact
        path, _, name = test.strip("`").partition("::")
        functions = {
            node.name for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.FunctionDef)
        }
        assert name in functions, f"{fact}: {test}"


def test_each_switch_can_be_assumed():
    assert {name.strip("`") for name, _, _ in _rows(1)} <= ASSUMED.keys()
