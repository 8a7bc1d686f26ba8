"""Bodies of the Sessions API."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.identifiers import InternalId


class SessionWrite(StrictModel):
    """Client credentials, or one of the two ways to exchange the caller's token."""

    client_id: str | None = None
    client_secret: str | None = None
    token_exchange: Literal[True] | None = None
    oneshot_token_exchange: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = self.model_fields_set
        if given not in ({"client_id", "client_secret"}, {"token_exchange"}, {"oneshot_token_exchange"}):
            raise ValueError("give clientId and clientSecret, or tokenExchange, or oneshotTokenExchange")
        return self


class SessionWrites(StrictModel):
    """The one session to create."""

    items: Annotated[list[SessionWrite], Field(min_length=1, max_length=1)]


class SessionId(StrictModel):
    """A session."""

    id: InternalId
