"""Settings `readers.*`: who may see a site's pages in Airflow."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Self

from pydantic import Field, model_validator

from capture360.settings.section import Section

Name = Annotated[str, Field(min_length=1, max_length=512)]


class ReaderSettings(Section):
    """Who may see a site's captures, reports, panoramas, reviews, digests and findings, of those who may read captures.

    Everybody who may read captures if it is not given. Airflow's own pages and REST API do not distinguish sites.
    """

    roles: tuple[Name, ...] = ()
    """Names of roles in Airflow."""
    users: tuple[Name, ...] = ()
    """Names of users in Airflow, as they log in."""

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not (self.roles or self.users):
            raise ValueError("names nobody; name a role or a user, or remove it so that everybody sees the site")
        return self

    def include(self, user: str, roles: Collection[str]) -> bool:
        """Return whether a user with these roles is among them."""
        return user in self.users or not set(self.roles).isdisjoint(roles)
