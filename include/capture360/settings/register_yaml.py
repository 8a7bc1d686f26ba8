"""YAML of the site register: read with the line of each mistake, and within bounds.

What YAML itself lets pass is an error here: a key that is there twice, and aliases that make a small file large.
"""

from __future__ import annotations

from typing import Any

import yaml
from typing_extensions import override
from yaml._yaml import CParser
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from capture360.errors import ConfigError
from capture360.text import printable
from capture360.validation_words import quoted

MOST_VALUES = 200_000
_LONGEST = 1000
"""Characters of a message: a key may be as long as the file."""
_MERGE = "tag:yaml.org,2002:merge"


def refused(text: str, kind: type[ConfigError] = ConfigError) -> ConfigError:
    """Return the error with `text` as one printable line: keys and values may hold marks that reorder or hide it."""
    return kind(printable(text, _LONGEST))


class _Loader(Composer, CParser, SafeConstructor, Resolver):
    """Loader that refuses a key that is there twice, since YAML takes the last one and drops a site without a word.

    Keys below `sites` are texts, as they are written: YAML reads 012 as ten. It names the line of a number or date that
    Python cannot hold. It parses in C, and composes in Python, where a document that is nested too deeply is an error.
    """

    def __init__(self, text: str) -> None:
        CParser.__init__(self, text)
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)

    @override
    def get_single_node(self) -> yaml.Node | None:
        root = super().get_single_node()
        for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
            if key.value == "sites" and isinstance(value, yaml.MappingNode):
                for site, _ in value.value:
                    if isinstance(site, yaml.ScalarNode) and site.tag != _MERGE:
                        site.tag = "tag:yaml.org,2002:str"
        return root

    @override
    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, ArithmeticError, LookupError, AttributeError, TypeError):
            problem = f"{quoted(node.value)} is no number or date"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None

    @override
    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merge what `<<` names; an error before that takes more memory than any register needs."""
        merged = [value for key, value in node.value if key.tag == _MERGE]
        sources = [each for value in merged for each in (value.value if value.id == "sequence" else [value])]
        maps = [each for each in sources if isinstance(each, yaml.MappingNode)]
        for each in maps:
            self.flatten_mapping(each)
        if sum(len(each.value) for each in maps) > MOST_VALUES:
            problem = f"it merges more than {MOST_VALUES:,} values. Write them out"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        super().flatten_mapping(node)

    @override
    def compose_mapping_node(self, anchor: dict[Any, yaml.Node]) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.composer.ComposerError(None, None, f'"{key.value}" is there twice', key.start_mark)
                seen.add(key.value)
        return node


def parsed_yaml(url: str, content: bytes) -> dict[str, Any]:
    """Return the document of the file at `url`; ConfigError names the line and how to fix it."""
    try:
        document = _Loader(content.decode("utf-8-sig")).get_single_data()
    except UnicodeDecodeError as error:
        raise refused(f"{url} is not text in UTF-8 (byte {error.start}). Save it as UTF-8.") from None
    except RecursionError:
        raise refused(
            f"{url} is nested too deeply. Write keys and values, as `capture360 sample-register` prints them."
        ) from None
    except (ValueError, OverflowError):
        raise refused(f"{url}: an escape stands for no character. Remove it, or write its digits right.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise refused(f"{url}{line} is not valid YAML: {getattr(error, 'problem', None) or error}.") from None
    if not isinstance(document, dict) or not all(isinstance(name, str) for name in document):
        raise refused(f"{url} must hold keys and values, as `capture360 sample-register` prints them.")
    if _expands(document):
        raise refused(f"{url} repeats itself by aliases to more than {MOST_VALUES:,} values. Write them out.")
    return document


def _expands(document: Any) -> bool:
    """Return whether aliases make a document far larger than its text, or endless."""
    waiting, seen, repeated = [document], set[int](), 0
    while waiting:
        value = waiting.pop()
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        repeated += len(inner) if id(value) in seen else 0
        if repeated > MOST_VALUES:
            return True
        if inner:
            seen.add(id(value))
        waiting += inner
    return False
