"""Random invalid requests: always an answer with CDF's envelope, never an internal error."""

import copy
import random

import pytest

from cdf_sandbox_calls import send, valid_calls
from specification import Specification

PER_REQUEST = 100
ODD = [
    None, True, 0, -1, 1.5, 2**53, 2**63, 2**64, 10**400, -0.0, 1e308, "", "0", "x" * 3000, "\x00", "é",
    "\ud7ff\U0001f600", "'; DROP TABLE files; --", "../../etc/passwd", "%s%n", [], [[]], {}, {"": None},
    {"$ref": "#"}, [1] * 1200,
]  # fmt: skip


def places(value, path=()):
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


def mutated(body, rng):
    body = {"root": copy.deepcopy(body)}
    path = ("root", *rng.choice(list(places(body["root"]))))
    holder = body
    for key in path[:-1]:
        holder = holder[key]
    old = holder[path[-1]]
    match rng.randrange(5):
        case 0 if len(path) > 1:
            del holder[path[-1]]
        case 1 if isinstance(old, dict):
            old[rng.choice(["extra", "", "id", "externalId", "set", "items"])] = rng.choice(ODD)
        case 2 if isinstance(old, list) and old:
            old.append(copy.deepcopy(rng.choice(old)))
        case 3 if isinstance(old, str):
            holder[path[-1]] = old + rng.choice(["\x00", " ", "x" * 300, "é"])
        case _:
            holder[path[-1]] = rng.choice(ODD)
    return body["root"]


@pytest.fixture(scope="module")
def calls(running):
    with running.http() as http:
        answers = []
        for call in valid_calls(http, answers):
            answers.append((call, send(http, call)))
        yield http, [call for call, _ in answers if call.body is not None]


def test_no_request_crashes_the_sandbox(running, calls):
    http, valid = calls
    rng = random.Random(3)
    accepted = refused = 0
    for call in valid:
        for _ in range(PER_REQUEST):
            body = mutated(call.body, rng)
            answer = http.request(call.method, call.url, json=body, params=call.query)
            told = f"{call.method} {call.url} {str(body)[:600]}: {answer.text[:300]}"
            assert answer.status_code < 500, told
            if answer.status_code >= 400:
                refused += 1
                error = answer.json()["error"]
                assert error["code"] == answer.status_code, told
                assert error["message"], told
            else:
                accepted += 1
    assert refused > accepted > 0


def without_nulls(value):
    """CDF takes a null of an optional field as left out, which the specification does not know."""
    if isinstance(value, dict):
        return {key: without_nulls(child) for key, child in value.items() if child is not None}
    return [without_nulls(child) for child in value] if isinstance(value, list) else value


def test_what_is_accepted_fits_the_specification(calls, shared):
    http, valid = calls
    specification = Specification(shared / "reference" / "cdf-openapi-subset.json")
    rng = random.Random(5)
    found = []
    for call in valid:
        if not specification.describes(call.method, call.endpoint):
            continue
        for _ in range(PER_REQUEST):
            body = mutated(call.body, rng)
            if http.request(call.method, call.url, json=body, params=call.query).status_code < 300:
                found += [
                    (call.endpoint, problem, body)
                    for problem in specification.request_problems(call.method, call.endpoint, without_nulls(body))
                ]
    assert not found


def test_query_strings_and_paths(running, calls):
    http, _ = calls
    for odd in ("", "-1", "1e9", "NaN", "0x1", "9" * 30, "%00", "é", "../..", "null"):
        for path, name in (
            ("/files", "limit"), ("/files", "cursor"), ("/files/icon", "id"), ("/3d/models", "cursor"),
            ("/sessions", "limit"), ("/extpipes/runs", "limit"), ("/assets", "limit"), ("/assets", "cursor"),
        ):  # fmt: skip
            assert http.get(path, params={name: odd}).status_code < 500
        for path in ("/files", "/assets", "/annotations", "/3d/models", "/extpipes"):
            assert http.get(f"{path}/{odd}").status_code < 500
