"""Filters in the query string of the classic lists, which take what the filters of their bodies take."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr
from pydantic.alias_generators import to_camel

from cdf_sandbox.core.http import INTEGER, given_only


def _elements(given: Any) -> Any:
    """Return the elements of an array: one text with a JSON array, or a parameter that occurs once for each."""
    texts = given if isinstance(given, list) else [given]
    if not all(isinstance(text, str) for text in texts):
        return given
    if len(texts) == 1 and texts[0].lstrip().startswith("["):
        try:
            return json.loads(texts[0])
        except (ValueError, RecursionError):
            raise ValueError("expected a JSON array") from None
    return texts


def _json_array(given: Any) -> Any:
    """Return the elements of an array that is one text with a JSON array."""
    if isinstance(given, list) and all(isinstance(text, str) for text in given):
        if len(given) != 1 or not given[0].lstrip().startswith("["):
            raise ValueError("expected a JSON array")
        return _elements(given)
    return given


def _objects(given: Any) -> Any:
    try:
        return [json.loads(each) if isinstance(each, str) else each for each in _elements(given)]
    except (ValueError, RecursionError):
        raise ValueError("expected an array of JSON objects") from None


def _integers(given: Any) -> Any:
    return [int(each) if isinstance(each, str) and INTEGER.fullmatch(each) else each for each in _elements(given)]


Integers = Annotated[list[StrictInt] | None, BeforeValidator(_integers)]
"""Integers in one JSON array, or each in a parameter of its own."""
JsonIntegers = Annotated[list[StrictInt] | None, BeforeValidator(_json_array)]
JsonTexts = Annotated[list[StrictStr] | None, BeforeValidator(_json_array)]
Objects = Annotated[list[dict[str, Any]] | None, BeforeValidator(_objects)]


class ListQuery(BaseModel):
    """What every classic list takes; `body` is the same as the body of its POST."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)

    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: str | None = None
    partition: str | None = None
    name: str | None = None
    source: str | None = None
    external_id_prefix: str | None = None
    min_created_time: int | None = None
    max_created_time: int | None = None
    min_last_updated_time: int | None = None
    max_last_updated_time: int | None = None
    asset_subtree_ids: JsonIntegers = None
    asset_subtree_external_ids: JsonTexts = None

    def _times(self, name: str) -> dict[str, int] | None:
        bounds = {end: getattr(self, f"{end}_{name}_time") for end in ("min", "max")}
        return given_only(bounds) or None

    def _filter(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "source": self.source,
            "externalIdPrefix": self.external_id_prefix,
            "createdTime": self._times("created"),
            "lastUpdatedTime": self._times("last_updated"),
            "assetSubtreeIds": by_ids(self.asset_subtree_ids, self.asset_subtree_external_ids),
        }

    def body(self) -> dict[str, Any]:
        """Return the body of the POST that lists the same."""
        page = {"limit": self.limit, "cursor": self.cursor, "partition": self.partition}
        return given_only(page) | {"filter": given_only(self._filter())}


def by_ids(ids: Sequence[int] | None, external_ids: Sequence[str] | None = None) -> list[dict[str, Any]] | None:
    """Return internal and external ids as one list of identifiers; `None` without any."""
    found = [{"id": each} for each in ids or ()] + [{"externalId": each} for each in external_ids or ()]
    return found or None
