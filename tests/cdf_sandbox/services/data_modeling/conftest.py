"""A new space for every test, so that tests of one module can share a sandbox."""

import itertools

import pytest
from cognite.client import CogniteClient
from cognite.client.data_classes.data_modeling import SpaceApply

_numbers = itertools.count(1)


@pytest.fixture
def space(client: CogniteClient) -> str:
    """A new, empty space."""
    name = f"test_{next(_numbers)}"
    client.data_modeling.spaces.apply(SpaceApply(name))
    return name
