"""The route table: verb, path, handler, who may call, body model. Handlers stay thin; the table is the OpenAPI."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, TypeVar

from aiohttp import web
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from hearing_server.errors import FieldError, Forbidden, Invalid, Malformed, NotFound, NotSignedIn, TooLarge
from hearing_server.kernel import Actor
from hearing_server.services.container import Services
from hearing_server.settings import LimitSettings

M = TypeVar("M", bound=BaseModel)

SERVICES: web.AppKey[Services] = web.AppKey("services", Services)
# Set by the outermost middleware before anything else runs.
NETWORK = web.RequestKey("network", str)


class Who(StrEnum):
    """The first door of a route; what a person may see behind it is decided by `services/access.py`."""

    ALL = "all"
    SIGNED_IN = "signed_in"
    STAFF = "staff"


class Body(BaseModel):
    """Base of all request bodies: unknown fields are refused, text is stripped."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _no_control(cls, data: object) -> object:
        """What a title or a reason says must be what is read, on a screen, in an SMS and burnt into a film."""
        if _holds_control(data):
            raise PydanticCustomError("control_character", "Text can't hold control characters")
        return data


# Line ends and tabs are text. NUL can't be kept by PostgreSQL, escapes drive terminals, bidi overrides reorder words.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def _holds_control(value: object) -> bool:
    if isinstance(value, dict):
        return any(_holds_control(part) for item in value.items() for part in item)
    if isinstance(value, list):
        return any(_holds_control(item) for item in value)
    return isinstance(value, str) and _CONTROL.search(value) is not None


def _in_reach(moment: datetime) -> datetime:
    """Far enough from both ends of the calendar that any time zone and any duration can be reckoned with."""
    if not 1970 <= moment.year <= 2199:
        raise PydanticCustomError("moment_out_of_reach", "The time must lie between 1970 and 2199")
    return moment


# A time a person gives: RFC 3339 with its offset.
Moment = Annotated[AwareDatetime, AfterValidator(_in_reach)]


class Call:
    """One request as a handler sees it."""

    def __init__(
        self, request: web.Request, actor: Actor | None, body: BaseModel | bytes | None, language: str
    ) -> None:
        self.request = request
        self.services = request.app[SERVICES]
        self._actor = actor
        self._body = body
        self.language = language

    @property
    def actor(self) -> Actor:
        """Who calls; raises NotSignedIn on an open route without a session."""
        if self._actor is None:
            raise NotSignedIn
        return self._actor

    @property
    def actor_or_none(self) -> Actor | None:
        return self._actor

    def body(self, model: type[M]) -> M:
        """The validated body; `model` is the one in the route table."""
        assert isinstance(self._body, model)
        return self._body

    @property
    def content(self) -> bytes:
        """The bytes of a route that takes a file."""
        assert isinstance(self._body, bytes)
        return self._body

    def part(self, name: str) -> str:
        """A part of the path; NotFound for what can be no id (PostgreSQL refuses NUL, no encoding has surrogates)."""
        text = self.request.match_info[name]
        if not text.isprintable():
            raise NotFound
        return text

    def whole_number(self, name: str, default: int, *, at_most: int) -> int:
        """A query parameter 0…at_most; Invalid `query.malformed` for anything else."""
        text = self.request.query.get(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdigit() or len(text) > 16 or int(text) > at_most:
            raise Invalid(
                "query.malformed",
                zh=f"参数 {name} 应为 0 到 {at_most} 的整数",
                en=f"Parameter {name} must be a whole number from 0 to {at_most}",
            )
        return int(text)

    def flag(self, name: str) -> bool:
        """A query parameter 1/true or 0/false (the default); Invalid `query.malformed` for anything else."""
        text = self.request.query.get(name, "0")
        if text not in ("0", "1", "false", "true"):
            raise Invalid(
                "query.malformed", zh=f"参数 {name} 应为 1 或 0", en=f"Parameter {name} must be 1 or 0"
            )
        return text in ("1", "true")

    @property
    def network(self) -> str:
        """Where the call comes from, for rate limits: the peer's address."""
        return self.request[NETWORK]


# Half a minute, and what a bad line needs for a body at its limit; who drips bytes for longer is holding a place.
BODY_S = 30.0
_SLOWEST_BYTES_PER_S = 64_000
Handler = Callable[[Call], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table. `file_limit` names the setting (`limits.…`) that bounds a body taken as plain bytes."""

    method: str
    path: str
    handler: Handler
    who: Who
    summary: str
    body: type[Body] | None = None
    status: int = 200
    content_types: tuple[str, ...] = ("application/json",)
    file_limit: str | None = None


async def read_body(request: web.Request, route: Route, limits: LimitSettings) -> BaseModel | bytes | None:
    """The body as the route's model, or as bytes where the route takes a file.

    Errors: Malformed `body.not_json`, `body.content_type`; TooLarge `body.too_large`; Invalid `body.invalid`.
    """
    if route.body is None and route.file_limit is None:
        return None
    if request.content_type not in route.content_types:
        wanted = " / ".join(route.content_types)
        raise Malformed("body.content_type", zh=f"请求格式应为 {wanted}", en=f"The body must be {wanted}")
    data = await _read(request, getattr(limits, route.file_limit or "body_bytes"))
    if route.body is None:
        return data
    try:
        return route.body.model_validate_json(data or b"{}")
    except ValidationError as error:
        raise _invalid(error) from error


async def _read(request: web.Request, limit_bytes: int) -> bytes:
    if (request.content_length or 0) > limit_bytes:
        raise too_large(limit_bytes)
    pieces, size = [], 0
    try:
        async with asyncio.timeout(BODY_S + limit_bytes / _SLOWEST_BYTES_PER_S):
            while size <= limit_bytes and (piece := await request.content.read(limit_bytes + 1 - size)):
                pieces.append(piece)
                size += len(piece)
    except TimeoutError as error:
        raise Malformed(
            "body.too_slow", zh="请求传输太慢，已中断", en="The request came in too slowly"
        ) from error
    except ConnectionError as error:
        raise Malformed("body.cut_off", zh="请求没有传完", en="The request was cut off") from error
    if size > limit_bytes:
        raise too_large(limit_bytes)
    return b"".join(pieces)


def too_large(limit_bytes: int) -> TooLarge:
    """The answer to a body over the limit."""
    return TooLarge(
        "body.too_large",
        zh=f"内容超过上限 {limit_bytes} 字节",
        en=f"The body is larger than {limit_bytes} bytes",
    )


def _invalid(error: ValidationError) -> Invalid | Malformed:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    if any(problem["type"] == "json_invalid" for problem in problems):
        return Malformed("body.not_json", zh="内容不是有效的 JSON", en="The body is not valid JSON")
    return Invalid(
        "body.invalid",
        zh="有内容填写不正确",
        en="Some fields are not right",
        errors=tuple(
            FieldError(
                code=f"field.{problem['type']}",
                zh=_FIELD_WORDS.get(problem["type"], "填写不正确"),
                en=problem["msg"],
                field=".".join(str(step) for step in problem["loc"]),
            )
            for problem in problems[:50]
        ),
    )


_FIELD_WORDS = {
    "control_character": "含有不可见的控制字符",
    "missing": "必填",
    "moment_out_of_reach": "时间应在 1970 年至 2199 年之间",
    "extra_forbidden": "没有这个字段",
    "string_too_long": "太长",
    "string_too_short": "太短",
    "string_pattern_mismatch": "格式不正确",
    "enum": "不在可选范围内",
    "literal_error": "不在可选范围内",
}


def check_who(route: Route, actor: Actor | None) -> None:
    """The route's first door."""
    if route.who is Who.ALL:
        return
    if actor is None:
        raise NotSignedIn
    if route.who is Who.STAFF and not actor.is_staff:
        raise Forbidden("role.staff_only", zh="仅限法院工作人员", en="For court staff only")
