"""Random changes to valid requests: always an answer in CDF's form, never an internal error."""

import contextlib
import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dms_requests import POSTS, VIEW

JUNK: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 10**30, -(2**63) - 1, 0.5, -1e308, "", "a", "\0", "æ" * 300, "' OR 1=1 --", "$.x", "*",
    [], {}, [[]], [None], {"a": 1}, ["node", "externalId"], {"parameter": "id"}, {"property": ["node", "space"]}, VIEW,
    {"space": "table", "externalId": "a"}, {"and": [{"matchAll": {}}]}, "node", "edge", "2026-01-01T00:00:00Z",
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every part of a JSON value but the whole."""
    if path:
        yield path
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(each, (*path, key))


def mutated(body: Any, chance: random.Random) -> Any:
    """`body` with one to three parts replaced, removed, renamed, repeated or swapped for another part."""
    body = copy.deepcopy(body)
    for _ in range(chance.randint(1, 3)):
        found = list(places(body))
        if not found:
            break
        *path, key = chance.choice(found)
        parent = body
        for step in path:
            parent = parent[step]
        match chance.randrange(5):
            case 0 | 1:
                parent[key] = copy.deepcopy(chance.choice(JUNK))
            case 2:
                del parent[key]
            case 3 if isinstance(parent, dict):
                parent[chance.choice(["surprise", "space", "filter", "value", "from", "items"])] = parent.pop(key)
            case _:
                other: Any = body
                with contextlib.suppress(KeyError, IndexError, TypeError):
                    for step in chance.choice(found):
                        other = other[step]
                parent[key] = copy.deepcopy(other)
    return body


@pytest.mark.parametrize("path", POSTS)
def test_no_mutation_breaks_it(session: httpx.Client, path: str) -> None:
    chance = random.Random(path)
    for _ in range(100):
        body = mutated(POSTS[path], chance)
        answer = session.post(path, content=json.dumps(body), headers={"content-type": "application/json"})
        assert answer.status_code in (200, 400, 409), f"{answer.status_code} for {json.dumps(body)[:2000]}"
        if answer.status_code == 200:
            assert "items" in answer.json()
        else:
            error = answer.json()["error"]
            assert error["code"] == answer.status_code and error["message"]
