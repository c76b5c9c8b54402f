"""What surrounds every request: an id, the session, the caller's network, same origin, headers, problems."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import secrets
from collections.abc import Awaitable, Callable

from aiohttp import web

from hearing_server.errors import Forbidden, HearingError, NotFound, Unavailable
from hearing_server.rest.answers import problem
from hearing_server.rest.routing import NETWORK
from hearing_server.settings import Settings

_log = logging.getLogger(__name__)
SETTINGS: web.AppKey[Settings] = web.AppKey("settings", Settings)
REQUEST_ID = web.RequestKey("request_id", str)
Next = Callable[[web.Request], Awaitable[web.StreamResponse]]
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

# One page of ours, no foreign origin: WebRTC needs no connect-src beyond our own, blobs are recorded test sentences.
_CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob: mediastream:",
        "style-src 'self' 'unsafe-inline'",
        "connect-src 'self' ws: wss:",
        "font-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
    "Content-Security-Policy": _CONTENT_POLICY,
}


def language_of(request: web.Request) -> str:
    """`en` when the caller prefers English, else `zh-CN`."""
    wanted = request.headers.get("Accept-Language", "").lower()
    return "en" if wanted.startswith("en") else "zh-CN"


@web.middleware
async def surround(request: web.Request, handler: Next) -> web.StreamResponse:
    """Request id and network in, headers and problems out."""
    request[REQUEST_ID] = secrets.token_hex(8)
    request[NETWORK] = _network(request)
    try:
        if request.method not in _SAFE:
            _check_origin(request)
        response = await handler(request)
    except HearingError as error:
        response = problem(error, language=language_of(request), request_id=request[REQUEST_ID])
    except web.HTTPNotFound:
        response = problem(NotFound(), language=language_of(request), request_id=request[REQUEST_ID])
    except web.HTTPException as refused:
        response = web.json_response(
            {
                "type": "about:blank",
                "title": refused.reason,
                "status": refused.status,
                "code": "http.refused",
            },
            status=refused.status,
            content_type="application/problem+json",
        )
    except (asyncio.CancelledError, ConnectionError):
        raise
    except Exception:
        # The last net: the caller gets a number to quote, the log gets the rest.
        _log.exception("unexpected error", extra={"request_id": request[REQUEST_ID]})
        failed = Unavailable(
            "server.error",
            zh="服务器出了问题，您的内容没有丢失，请稍后重试",
            en="Something went wrong on the server; nothing you sent was lost. Please try again",
        )
        response = problem(failed, language=language_of(request), request_id=request[REQUEST_ID])
    if not response.prepared:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers["X-Request-Id"] = request[REQUEST_ID]
    return response


def _check_origin(request: web.Request) -> None:
    """A browser says where a request comes from; a foreign page may change nothing (ASVS 3.5.1)."""
    origin = request.headers.get("Origin")
    if origin is None:
        return
    public = request.app[SETTINGS].server.public_url
    allowed = {f"http://{request.host}", f"https://{request.host}"} | (
        {public.rstrip("/")} if public else set()
    )
    if origin not in allowed:
        raise Forbidden(
            "request.foreign_origin", zh="请求来自其他网站", en="The request comes from another site"
        )


def _network(request: web.Request) -> str:
    """The caller's network for rate limits: an IPv4 address or an IPv6 /64."""
    text = request.remote or ""
    proxies = request.app[SETTINGS].server.trusted_proxies
    if proxies:
        hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
        if len(hops) >= proxies:
            text = hops[-proxies]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"
    if address.version == 6:
        return str(ipaddress.ip_network(f"{address}/64", strict=False))
    return str(address)
