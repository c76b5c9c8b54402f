"""From values to JSON answers and problems (RFC 9457)."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import PurePath
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel

from hearing_server.errors import HearingError
from hearing_server.kernel import to_wire


def plain(value: object) -> Any:
    """Dataclasses, enums, times and pydantic models as JSON values; times as RFC 3339 with `Z`."""
    if value is None or (isinstance(value, str | int | float | bool) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return to_wire(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, BaseModel):
        return plain(value.model_dump())
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, PurePath):
        return str(value)
    return str(value)


def json_answer(value: object, *, status: int = 200) -> web.Response:
    """A JSON answer that no cache keeps."""
    return web.Response(
        body=orjson.dumps(plain(value)),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def problem(error: HearingError, *, language: str, request_id: str) -> web.Response:
    """The one shape of an error: `application/problem+json` with a stable `code`."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": error.title(language),
        "status": error.status,
        "code": error.code,
        "request_id": request_id,
    }
    if error.errors:
        body["errors"] = [
            {
                key: value
                for key, value in (
                    ("field", item.field),
                    ("line", item.line),
                    ("code", item.code),
                    ("title", item.en if language.startswith("en") else item.zh),
                )
                if value is not None
            }
            for item in error.errors
        ]
    headers = {"Cache-Control": "no-store"}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
    return web.Response(
        body=orjson.dumps(body), status=error.status, content_type="application/problem+json", headers=headers
    )
