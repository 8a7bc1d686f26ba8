"""A new space for every test, so that tests of one module can share a sandbox, and a project with something in it."""

import itertools
from collections.abc import Iterator

import httpx
import pytest
from cognite.client import CogniteClient
from cognite.client.data_classes.data_modeling import SpaceApply

from dms_requests import prepare
from local_cdf import RunningSandbox

_numbers = itertools.count(1)


@pytest.fixture
def space(client: CogniteClient) -> str:
    """A new, empty space."""
    name = f"test_{next(_numbers)}"
    client.data_modeling.spaces.apply(SpaceApply(name))
    return name


@pytest.fixture(scope="module")
def prepared(running: RunningSandbox) -> RunningSandbox:
    """A project with something in it."""
    prepare(running.client())
    return running


@pytest.fixture(scope="module")
def session(prepared: RunningSandbox) -> Iterator[httpx.Client]:
    """One connection to a project with something in it."""
    with prepared.http() as http:
        yield http
