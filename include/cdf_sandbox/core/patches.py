"""Update objects of the classic APIs: `{"set": x}`, `{"setNull": true}`, `{"add": ..., "remove": ...}`."""

import json
from collections.abc import Iterable
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import Field, model_validator

from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.identifiers import each_once

Value = TypeVar("Value")


class SetPatch(StrictModel, Generic[Value]):
    """A new value, for fields that cannot be empty."""

    set: Value

    def applied(self, _: Any) -> Any:
        """The value after the patch."""
        return self.set


class Patch(StrictModel, Generic[Value]):
    """A new value or none."""

    set: Value | None = None
    set_null: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.set is None) == (self.set_null is None):
            raise ValueError("give either set or setNull")
        return self

    def applied(self, _: Any) -> Any:
        """The value after the patch, `None` for none."""
        return self.set


class _AddRemove(StrictModel):
    @model_validator(mode="after")
    def _set_or_change(self) -> Self:
        given = self.model_fields_set
        if not given or ("set" in given and len(given) > 1):
            raise ValueError("give either set, or add and remove")
        return self


class ObjectPatch(_AddRemove):
    """A whole `metadata` object, or pairs to add and keys to remove."""

    set: dict[str, str] | None = None
    add: dict[str, str] | None = None
    remove: Annotated[list[str] | None, each_once] = None

    def applied(self, old: dict[str, str] | None) -> dict[str, str]:
        """The object after the patch."""
        if self.set is not None:
            return self.set
        removed = set(self.remove or ())
        return {key: value for key, value in (old or {}).items() if key not in removed} | (self.add or {})


class ArrayPatch(_AddRemove, Generic[Value]):
    """A whole list, or values to add and to remove."""

    set: Annotated[list[Value] | None, Field(max_length=1000), each_once] = None
    add: Annotated[list[Value] | None, Field(max_length=1000), each_once] = None
    remove: Annotated[list[Value] | None, Field(max_length=1000), each_once] = None

    def applied(self, old: list[Any] | None) -> list[Any]:
        """The list after the patch, each value once."""
        if self.set is not None:
            return [plain_value(value) for value in self.set]
        removed = _by_content(self.remove or ())
        kept = {key: value for key, value in _by_content(old or ()).items() if key not in removed}
        return list((kept | _by_content(self.add or ())).values())


def _by_content(values: Iterable[Any]) -> dict[str, Any]:
    plain = (plain_value(value) for value in values)
    return {json.dumps(value, sort_keys=True): value for value in plain}


def plain_value(value: Any) -> Any:
    """`value` as JSON has it."""
    return value.model_dump(by_alias=True, exclude_none=True) if isinstance(value, StrictModel) else value


def without_empties(document: dict[str, Any]) -> dict[str, Any]:
    """`document` without fields whose value is an empty list or object, which is no value."""
    return {name: value for name, value in document.items() if value not in ([], {})}


def new_document(item: StrictModel, exclude: set[str] | None = None) -> dict[str, Any]:
    """Return what is stored of a resource to create."""
    return without_empties(item.model_dump(by_alias=True, exclude_none=True, exclude=exclude))


def apply_patches(document: dict[str, Any], update: StrictModel) -> dict[str, Any]:
    """`document` with every patch of `update` applied; fields without a value are left out.

    An empty list or object is no value.
    """
    changed = dict(document)
    for name in update.model_fields_set:
        patch = getattr(update, name)
        if patch is None:
            continue
        key = type(update).model_fields[name].alias or name
        value = plain_value(patch.applied(changed.get(key)))
        changed.pop(key, None)
        changed |= without_empties({} if value is None else {key: value})
    return changed


def without_lists(document: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a patched document to validate: limits on lists apply to creations only."""
    return {name: value for name, value in document.items() if not isinstance(value, list)}
