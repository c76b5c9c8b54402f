"""The session cookie: HttpOnly, SameSite=Strict, and bound to host and HTTPS where there is HTTPS."""

from __future__ import annotations

from aiohttp import web

from hearing_server.rest.middlewares import SETTINGS
from hearing_server.services.identity.sessions import SignedIn

_PLAIN, _SECURE = "hs_session", "__Host-hs_session"


def session_token(request: web.Request) -> str | None:
    """The token the browser sent."""
    return request.cookies.get(_name(request))


def set_session(request: web.Request, response: web.Response, signed_in: SignedIn) -> None:
    response.set_cookie(
        _name(request),
        signed_in.token,
        expires=signed_in.expires_at.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        path="/",
        httponly=True,
        samesite="Strict",
        secure=_is_secure(request),
    )


def clear_session(request: web.Request, response: web.Response) -> None:
    response.del_cookie(
        _name(request), path="/", secure=_is_secure(request), httponly=True, samesite="Strict"
    )


def _is_secure(request: web.Request) -> bool:
    is_behind_proxy = request.app[SETTINGS].server.trusted_proxies > 0
    return request.secure or (is_behind_proxy and request.headers.get("X-Forwarded-Proto") == "https")


def _name(request: web.Request) -> str:
    return _SECURE if _is_secure(request) else _PLAIN
