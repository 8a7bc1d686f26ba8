"""CDF's error envelope: `{"error": {"code", "message", ...}}` for every refusal, those of FastAPI included."""

from collections.abc import Iterable, Sequence
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import JSONResponse, Response


class ApiError(HTTPException):
    """A refusal in CDF's envelope; `extra` joins the error object (`missing`, `duplicated` ...)."""

    def __init__(self, status: int, message: str, *, headers: dict[str, str] | None = None, **extra: Any) -> None:
        super().__init__(status_code=status, detail=message, headers=headers)
        self.message = message
        self.extra = extra

    def response(self) -> JSONResponse:
        """Build the answer to the refused request."""
        return envelope(self.status_code, self.message, dict(self.headers or {}), **self.extra)


class BadRequest(ApiError):
    """400: a request that breaks a rule which the message states."""

    def __init__(self, message: str) -> None:
        super().__init__(400, message)


class InvalidCursor(BadRequest):
    """400: a cursor that the sandbox did not make, or not for this request."""

    def __init__(self) -> None:
        super().__init__("Invalid cursor: it does not belong to this request")


class UnknownIds(ApiError):
    """400, or 404 for a single resource: identifiers that name nothing, e.g. `UnknownIds([{"id": 1}], "Files")`.

    `missing` has each once; the message lists them unless `listed` is false.
    """

    def __init__(self, items: list[dict[str, Any]], noun: str, status: int = 400, *, listed: bool = True) -> None:
        items = [item for number, item in enumerate(items) if item not in items[:number]]
        super().__init__(status, f"{noun} not found" + (f": {brief(items)}" if listed else ""), missing=items)
        self.items = items
        self.noun = noun


class DoNotExist(BadRequest):
    """400: spaces, containers or views that do not exist; `kind` is their plural."""

    def __init__(self, kind: str, names: Iterable[object]) -> None:
        self.kind = kind
        self.names = [str(name) for name in names]
        quoted = ", ".join(f"'{name}'" for name in self.names)
        super().__init__(f"One or more {kind} do not exist: {quoted}")


class UnknownProperty(BadRequest):
    """400: a property that `owner`, a view or a container, does not have."""

    def __init__(self, identifier: str, owner: str) -> None:
        super().__init__(f"Unknown property '{identifier}' in {owner}")
        self.identifier = identifier
        self.owner = owner


class Unauthorized(ApiError):
    """401: no valid token, or a project that the token has no access to."""

    def __init__(self, *, challenge: bool = False) -> None:
        super().__init__(401, "Unauthorized", headers={"www-authenticate": "Bearer"} if challenge else None)


class MissingCapability(ApiError):
    """403: the token lacks `acl`:`action`, in `where` if that is given."""

    def __init__(self, acl: str, action: str, where: str | None = None) -> None:
        place = f" in {where}" if where else ""
        super().__init__(
            403,
            f"Resource not found. This may also be due to insufficient access rights. Missing {acl}:{action}{place}.",
            missing=[{"acl": acl, "action": action}],
        )
        self.acl = acl
        self.action = action
        self.where = where


class LinkRefused(ApiError):
    """403: an upload or download link that is forged, expired, or used for something else."""

    def __init__(self, message: str) -> None:
        super().__init__(403, message)


class NotFound(ApiError):
    """404: the content behind a link or a page does not exist."""

    def __init__(self, message: str) -> None:
        super().__init__(404, message)


class DuplicatedExternalIds(ApiError):
    """409: external ids that other resources have."""

    def __init__(self, items: list[dict[str, Any]]) -> None:
        super().__init__(409, f"Duplicate external ids: {brief(items)}", duplicated=items)
        self.items = items


class DuplicatedIds(ApiError):
    """409: a request names a resource twice, by the same identifier or by two of them."""

    def __init__(self, items: list[dict[str, Any]], message: str) -> None:
        super().__init__(409, message, duplicated=items)
        self.items = items


class VersionConflict(ApiError):
    """409: an instance has a newer version than the request expects."""

    def __init__(self) -> None:
        super().__init__(409, "A version conflict caused the ingest to fail.")


class LengthRequired(ApiError):
    """411: an upload without a Content-Length header."""

    def __init__(self) -> None:
        super().__init__(411, "The upload needs a Content-Length header; chunked transfer is not supported")


class WriteBlocked(ApiError):
    """A write to a classic API in a data modeling only project; the status is an assumption of the options."""

    def __init__(self, what: str, status: int) -> None:
        super().__init__(status, f"{what} cannot be written in a data modeling only project; use data modeling instead")
        self.what = what


class UniquenessViolation(ApiError):
    """Values that another instance has under a uniqueness constraint; the status is an assumption of the options."""

    def __init__(self, instance: str, container: str, constraint: str, properties: Sequence[str], status: int) -> None:
        super().__init__(
            status,
            f"'{instance}' violates the uniqueness constraint '{constraint}' of container '{container}':"
            f" another instance has the same {', '.join(properties)}",
        )
        self.instance = instance
        self.container = container
        self.constraint = constraint
        self.properties = properties


class TooLarge(ApiError):
    """413: a body above the limit."""

    def __init__(self, message: str) -> None:
        super().__init__(413, message)


class TooManyRequests(ApiError):
    """429: a rate or a concurrency limit is reached."""

    def __init__(self, message: str) -> None:
        super().__init__(429, message)


def envelope(status: int, message: str, headers: dict[str, str] | None = None, **extra: Any) -> JSONResponse:
    """Build the response for one refusal."""
    body = {"error": {"code": status, "message": message, **extra}}
    return JSONResponse(body, status_code=status, headers=headers)


def brief(items: list[dict[str, Any]]) -> str:
    """Return the values of at most five identifiers, and the number of the others."""
    shown = ", ".join(_text(value) for item in items[:5] for value in item.values())
    return shown if len(items) <= 5 else f"{shown} and {len(items) - 5} more"


def _text(value: Any) -> str:
    """Return an identifier in one word: that of an instance as `space:externalId`."""
    return ":".join(map(_text, value.values())) if isinstance(value, dict) else str(value)


def _validation_message(error: RequestValidationError | ValidationError) -> str:
    lines = []
    for problem in error.errors()[:5]:
        place = ".".join(str(part) for part in problem["loc"] if part != "body") or "body"
        detail = problem["msg"]
        if problem["type"] == "extra_forbidden":
            lines.append(f"Unexpected field - {place}")
        elif problem["type"] == "json_invalid":
            lines.append(f"Request body is not valid JSON: {problem['ctx']['error']}")
        else:
            lines.append(f"{place}: {detail}")
    return "; ".join(lines)


def install_error_handlers(app: FastAPI) -> None:
    """Answer every refusal of `app` with an envelope, those of FastAPI and Starlette included."""

    async def refuse(_: Request, error: Exception) -> Response:
        if isinstance(error, ApiError):
            return error.response()
        if isinstance(error, RequestValidationError | ValidationError):
            return envelope(400, _validation_message(error))
        if isinstance(error, StarletteHTTPException):
            return envelope(error.status_code, str(error.detail), dict(error.headers or {}))
        raise error

    for kind in (ApiError, RequestValidationError, ValidationError, StarletteHTTPException):
        app.add_exception_handler(kind, refuse)
