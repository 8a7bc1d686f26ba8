"""Field types and identifiers that several APIs share, with CDF's limits."""

import json
import secrets
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic.alias_generators import to_camel
from typing_extensions import override

from cdf_sandbox.core.errors import DuplicatedIds, brief
from cdf_sandbox.core.http import StrictModel

MAX_ID = 2**53 - 1
NO_NUL = r"^[^\x00]*$"

InternalId = Annotated[int, Field(ge=1, le=MAX_ID)]
ExternalId = Annotated[str, Field(min_length=1, max_length=255, pattern=NO_NUL)]
EpochMs = Annotated[int, Field(ge=0, le=MAX_ID)]
Space = Annotated[str, Field(pattern=r"^[a-zA-Z][a-zA-Z0-9_-]{0,41}[a-zA-Z0-9]?$")]


def new_id() -> int:
    """Return an internal id like CDF's: positive, below 2**53, in no order."""
    return secrets.randbelow(MAX_ID) + 1


def text(maximum: int, minimum: int = 0) -> Any:
    """A string field of `minimum` to `maximum` characters."""
    return Field(min_length=minimum, max_length=maximum, pattern=NO_NUL)


def _unique(items: list[Any] | None) -> list[Any] | None:
    identities = [_identity(item) for item in items or ()]
    twice = (
        sorted({str(identity) for identity in identities if identities.count(identity) > 1})
        if len(set(identities)) < len(identities)
        else []
    )
    if twice:
        raise ValueError(f"all must be unique; given more than once: {', '.join(twice[:5])}")
    return items


def _identity(item: Any) -> Any:
    return item.model_dump_json(exclude_none=True) if isinstance(item, StrictModel) else item


each_once = AfterValidator(_unique)
"""A list of values without duplicates."""


def check_each_given_once(identifiers: Iterable[dict[str, Any]]) -> None:
    """Refuse with 409 an identifier, as it was sent, that occurs twice, whether it names something or not."""
    counts = Counter(json.dumps(identifier, sort_keys=True) for identifier in identifiers)
    twice = [json.loads(text) for text, count in counts.items() if count > 1]
    if twice:
        kind = "external ids" if all("externalId" in identifier for identifier in twice) else "ids"
        raise DuplicatedIds(twice, f"Duplicate {kind}: {brief(twice)}")


def check_each_named_once(ids: Iterable[int], noun: str) -> None:
    """Refuse with 409 a resource that two identifiers name; `noun` is what it is, in the singular, e.g. "Asset"."""
    twice = [{"id": each} for each, count in Counter(ids).items() if count > 1]
    if twice:
        raise DuplicatedIds(twice, f"{noun} id duplicated")


def metadata_checker(*, key_bytes: int, value_bytes: int, pairs: int, total_bytes: int | None) -> AfterValidator:
    """Limits on a `metadata` object, in UTF-8 bytes."""

    def check(metadata: dict[str, str]) -> dict[str, str]:
        if len(metadata) > pairs:
            raise ValueError(f"metadata has {len(metadata)} pairs, at most {pairs} are allowed")
        total = 0
        for key, value in metadata.items():
            key_size, value_size = len(key.encode()), len(value.encode())
            if key_size > key_bytes:
                raise ValueError(f"metadata key {key[:20]!r}... is {key_size} bytes, at most {key_bytes} are allowed")
            if value_size > value_bytes:
                raise ValueError(f"metadata {key!r} is {value_size} bytes, at most {value_bytes} are allowed")
            total += key_size + value_size
        if total_bytes is not None and total > total_bytes:
            raise ValueError(f"metadata is {total} bytes, at most {total_bytes} are allowed")
        return metadata

    return AfterValidator(check)


class InstanceRef(StrictModel):
    """An instance in data modeling."""

    space: Space
    external_id: Annotated[str, Field(min_length=1, max_length=255, pattern=NO_NUL)]


class ClassicId(StrictModel):
    """Either `id` or `externalId`; models that say something about one resource derive from it."""

    id: InternalId | None = None
    external_id: ExternalId | None = None

    @classmethod
    def _names(cls) -> tuple[str, ...]:
        return ("id", "external_id")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.wire()) != 1 or len(self.model_fields_set & set(self._names())) != 1:
            names = ", ".join(to_camel(name) for name in self._names())
            raise ValueError(f"give exactly one of {names}")
        return self

    def wire(self) -> dict[str, Any]:
        """The identifier as it was sent."""
        return self.model_dump(by_alias=True, exclude_none=True, include=set(self._names()))


class FileId(ClassicId):
    """Either `id`, `externalId` or `instanceId`."""

    instance_id: InstanceRef | None = None

    @classmethod
    @override
    def _names(cls) -> tuple[str, ...]:
        return ("id", "external_id", "instance_id")
