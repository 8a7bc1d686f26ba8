"""One small sound sample of each kind, made once; faults are looked for by comparing with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from capture360_local.plant.delivered import Delivered
from capture360_local.plant.sample import Truth, write_sample

SEED = 7


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[Delivered, Truth]:
    root = tmp_path_factory.mktemp("landing")
    return {form: sample(root, form) for form in Delivered}


def sample(root: Path, form: Delivered, name: str = "visit-1", *, spoil: tuple[str, ...] = ()) -> Truth:
    folder = root / form.value / "north-hall" / name
    return write_sample(folder, kind=form, stations=3, face_size=16, seed=SEED, spoil=spoil, views=False)


@pytest.fixture(scope="session")
def spoil(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Truth]:
    """Makes a sample with faults, once for each wish; the tests only read it."""

    @cache
    def make(form: Delivered, *faults: str) -> Truth:
        return sample(tmp_path_factory.mktemp("spoilt"), form, spoil=faults)

    return make
