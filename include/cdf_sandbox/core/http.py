"""Reading of requests and writing of answers: gzip with a limit, strict JSON."""

import json
import math
import re
import zlib
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextvars import ContextVar
from functools import cached_property
from types import UnionType
from typing import Annotated, Any, ClassVar, Generic, NoReturn, TypeVar, Union, get_args, get_origin

from fastapi import Request
from fastapi.dependencies.utils import get_flat_dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from starlette.responses import Response
from typing_extensions import override

from cdf_sandbox.core.errors import ApiError, BadRequest, TooLarge

listed: ContextVar[str] = ContextVar("listed", default="")
"""What the request at hand lists: its path, the same for the two ways to list the same."""
narrowed: ContextVar[str] = ContextVar("narrowed", default="")
"""By what the request at hand narrows or orders it: all that it says but for limit and cursor."""
PAGED_BY = frozenset({"limit", "cursor"})
"""What differs from page to page."""
PROJECT_PREFIX = "/api/v1/projects/{project}"
INTEGER = re.compile("-?[0-9]{1,19}")
"""The form of integers in a path or a query."""
_FORMS = {int: INTEGER, bool: re.compile("true|false", re.IGNORECASE)}
_CALLED = {int: "integer", bool: "boolean"}


class StrictModel(BaseModel):
    """A request body or a part of one: camelCase on the wire, no unknown fields, no conversions between types.

    A field that is null counts as left out, an unknown one too; SDKs send null for what was not set.
    """

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel, frozen=True)
    nulls_with_meaning: ClassVar[frozenset[str]] = frozenset()
    """Names on the wire of fields whose null has a meaning of its own."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        if isinstance(given, dict) and None in given.values():
            return {name: value for name, value in given.items() if value is not None or name in cls.nulls_with_meaning}
        return given


Item = TypeVar("Item")


class Items(StrictModel, Generic[Item]):
    """A body with up to 1,000 items, all of which succeed or none."""

    items: Annotated[list[Item], Field(min_length=1, max_length=1000)]


class Identifiers(Items[Item]):
    """Identifiers of items; unknown ones are refused unless `ignoreUnknownIds` is true."""

    ignore_unknown_ids: bool = False


def without_nulls(value: Any) -> Any:
    """Return `value`, any JSON that no model reads, without fields that are null, at whatever depth."""
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


def given_only(values: dict[str, Any]) -> dict[str, Any]:
    """`values` without what a query string left out."""
    return {name: value for name, value in values.items() if value is not None}


def refuse_unknown_query(request: Request) -> None:
    """400 for a parameter that the endpoint does not have: ignoring a filter would return too much.

    So for one that is given twice, and for integers and flags in another form than JSON has.
    """
    route: CdfRoute = request.scope["route"]
    known = route.query_kinds
    for name in sorted(set(request.query_params) - set(known)):
        similar = next((each for each in sorted(known) if each.lower() == name.lower()), None)
        raise BadRequest(
            f"Unrecognized query parameter {name[:200]}" + (f", did you mean {similar}?" if similar else "")
        )
    for name, kinds in known.items():
        given = request.query_params.getlist(name)
        if len(given) > 1 and list not in kinds:
            raise BadRequest(f"Query parameter {name} was given {len(given)} times")
        _check_form(name, kinds, given)
    for name, kinds in route.path_kinds.items():
        _check_form(name, kinds, [request.path_params[name]])


def _check_form(name: str, kinds: frozenset[Any], given: Iterable[str]) -> None:
    """400 unless each of `given` is written as a JSON integer or flag, if it is one; a flag in whatever case."""
    for kind, form in _FORMS.items():
        if kind in kinds and not all(form.fullmatch(text) for text in given):
            raise BadRequest(f"{name} is not a valid {_CALLED[kind]}")


def _kinds(annotation: Any) -> frozenset[Any]:
    """Return the types of an annotation: of `int | None` both, of a list the list."""
    if get_origin(annotation) is Annotated:
        return _kinds(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return frozenset().union(*map(_kinds, get_args(annotation)))
    return frozenset([get_origin(annotation) or annotation])


class Json(Response):
    """A JSON answer that skips FastAPI's generic encoder, which is slow on pages of 10,000 instances."""

    media_type = "application/json"

    @override
    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def parse_json(data: bytes) -> Any:
    """Parse a body, refusing what CDF's parser refuses: NaN and infinities (1e400 too), lone surrogates, bad UTF-8."""
    try:
        parsed = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite)
        if b"\\u" in data:
            json.dumps(parsed, ensure_ascii=False).encode()
    except UnicodeError:
        raise BadRequest("Request body is not valid UTF-8") from None
    except RecursionError:
        raise BadRequest("Request body is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise BadRequest(f"Request body is not valid JSON: {error.msg} at position {error.pos}") from None
    except ValueError as error:
        raise BadRequest(f"Request body is not valid JSON: {error}") from None
    return parsed


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:40]} is out of range")
    return value


class _CdfRequest(Request):
    @override
    async def body(self) -> bytes:
        if not hasattr(self, "_decoded"):
            self._decoded = await self._read()
        return self._decoded

    @override
    async def json(self) -> Any:
        if not hasattr(self, "_parsed"):
            self._parsed = parse_json(await self.body())
        return self._parsed

    async def _read(self) -> bytes:
        limit: int = self.app.state.sandbox.options.max_body
        encoding = self.headers.get("content-encoding", "identity").lower()
        if encoding not in ("gzip", "identity"):
            raise ApiError(415, f"Content-Encoding {encoding!r} is not supported; send gzip or identity")
        gunzip = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
        chunks: list[bytes] = []
        size = 0
        async for chunk in self.stream():
            try:
                plain = gunzip.decompress(chunk, limit + 1 - size) if gunzip else chunk
            except zlib.error:
                raise BadRequest("Request body is not valid gzip") from None
            size += len(plain)
            if size > limit:
                raise TooLarge(f"Request body exceeds the limit of {limit} bytes")
            chunks.append(plain)
        if gunzip and not gunzip.eof:
            raise BadRequest("Request body is not valid gzip: it ends too early")
        if gunzip and gunzip.unused_data:
            raise BadRequest("Request body is not valid gzip: something follows it")
        return b"".join(chunks)


class CdfRoute(APIRoute):
    """A route whose JSON bodies are read by the sandbox's own rules."""

    @cached_property
    def query_kinds(self) -> Mapping[str, frozenset[Any]]:
        """The types of each query parameter by name, those of a model of parameters included."""
        found: dict[str, frozenset[Any]] = {}
        for field in get_flat_dependant(self.dependant).query_params:
            kind = field.field_info.annotation
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                found |= {inner.alias or name: _kinds(inner.annotation) for name, inner in kind.model_fields.items()}
            else:
                found[field.alias] = _kinds(kind)
        return found

    @cached_property
    def path_kinds(self) -> Mapping[str, frozenset[Any]]:
        """The types of each parameter in the path by name."""
        fields = get_flat_dependant(self.dependant).path_params
        return {field.alias: _kinds(field.field_info.annotation) for field in fields}

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def read_strictly(request: Request) -> Response:
            listed.set(request.scope["path"].rstrip("/").removesuffix("/list"))
            said = sorted(each for each in request.query_params.multi_items() if each[0] not in PAGED_BY)
            narrowed.set(json.dumps(said))
            return await handle(_CdfRequest(request.scope, request.receive))

        return read_strictly
