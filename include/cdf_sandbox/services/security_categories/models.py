"""Bodies of the Security categories API."""

from typing import Annotated

from pydantic import Field

from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.identifiers import InternalId, text


class SecurityCategoryWrite(StrictModel):
    """A security category to create."""

    name: Annotated[str, text(255, minimum=1)]


class SecurityCategoryWrites(StrictModel):
    """Security categories to create, all or none."""

    items: Annotated[list[SecurityCategoryWrite], Field(min_length=1, max_length=1000)]


class SecurityCategoryIds(StrictModel):
    """Security categories to delete, by their bare ids."""

    items: Annotated[list[InternalId], Field(min_length=1, max_length=1000)]
