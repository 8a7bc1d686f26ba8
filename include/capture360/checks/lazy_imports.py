"""Put off the import of modules that another package imports and hardly ever uses."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from threading import RLock
from types import ModuleType
from typing import Any

from typing_extensions import override

_importing = RLock()


def import_when_used(name: str) -> None:
    """Have `import` take a stand-in for the module of that full name, which imports it when it is first used.

    Nothing happens if it was imported before or is not installed. Packages above it are imported at once. The standard
    library's LazyLoader does not serve: its modules are used, and so run, by the first `import` that finds them.
    """
    if name not in sys.modules and (spec := find_spec(name)) is not None:
        stand_in = _StandIn(name)
        stand_in.__spec__ = spec
        sys.modules[name] = stand_in


class _StandIn(ModuleType):
    """A module that has the name of another one, and its attributes."""

    @override
    def __getattr__(self, attribute: str) -> Any:
        with _importing:
            if sys.modules.get(self.__name__) is self:
                del sys.modules[self.__name__]
            module = import_module(self.__name__)
        return getattr(module, attribute)
