"""CDF's error envelope: `{"error": {"code", "message", ...}}` for every refusal, whoever notices it."""

from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import JSONResponse, Response


class ApiError(HTTPException):
    """A refusal; `extra` joins the error object (`missing`, `duplicated`, `isAutoRetryable` ...)."""

    def __init__(self, status: int, message: str, *, headers: dict[str, str] | None = None, **extra: Any) -> None:
        super().__init__(status_code=status, detail=message, headers=headers)
        self.message = message
        self.extra = extra


def envelope(status: int, message: str, headers: dict[str, str] | None = None, **extra: Any) -> JSONResponse:
    """The response for one refusal."""
    body = {"error": {"code": status, "message": message, **extra}}
    return JSONResponse(body, status_code=status, headers=headers)


def missing(items: list[dict[str, Any]], noun: str = "ids", status: int = 400) -> ApiError:
    """The refusal for identifiers that name nothing, e.g. `missing([{"id": 1}])`."""
    return ApiError(status, f"{noun} not found: {_brief(items)}", missing=items)


def duplicated(items: list[dict[str, Any]], noun: str = "external ids") -> ApiError:
    """The refusal for identifiers that are taken already."""
    return ApiError(409, f"Duplicate {noun}: {_brief(items)}", duplicated=items)


def _brief(items: list[dict[str, Any]]) -> str:
    shown = ", ".join(str(value) for item in items[:5] for value in item.values())
    return shown if len(items) <= 5 else f"{shown} and {len(items) - 5} more"


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
    """Make every refusal of `app` an envelope, those of FastAPI and Starlette included."""

    async def refuse(_: Request, error: Exception) -> Response:
        if isinstance(error, ApiError):
            return envelope(error.status_code, error.message, dict(error.headers or {}), **error.extra)
        if isinstance(error, RequestValidationError | ValidationError):
            return envelope(400, _validation_message(error))
        if isinstance(error, StarletteHTTPException):
            return envelope(error.status_code, str(error.detail), dict(error.headers or {}))
        raise error

    for kind in (ApiError, RequestValidationError, ValidationError, StarletteHTTPException):
        app.add_exception_handler(kind, refuse)
