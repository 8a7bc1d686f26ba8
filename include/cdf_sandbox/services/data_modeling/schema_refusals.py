"""Refusals of schema bodies, which the API words otherwise than those of other bodies."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from typing_extensions import override

from cdf_sandbox.core.errors import BadRequest
from cdf_sandbox.core.http import CdfRoute


class SchemaRoute(CdfRoute):
    """A route of schemas, which refuse a body in words of their own."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def refuse_in_own_words(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                raise BadRequest(_violations(error)) from None

        return refuse_in_own_words


def _violations(error: RequestValidationError) -> str:
    problems = error.errors()
    texts = []
    for problem in problems[:5]:
        parts = [part for part in problem["loc"] if part != "body"]
        # "items" and the number of the item are not named where there is more to name.
        place = ".".join(str(part) for part in parts[2:] or parts) or "body"
        if problem["type"] == "string_too_long":
            texts.append(f"{place} size must be between 0 and {problem['ctx']['max_length']}")
        elif problem["type"] == "extra_forbidden":
            texts.append(f"Unexpected field - {place}")
        else:
            texts.append(f"{place}: {problem['msg']}")
    return (
        f"Request had {len(problems)} constraint violations. Please fix the request and try again. [{', '.join(texts)}]"
    )
