"""The door of a server without rooms: what is about one hearing belongs to the server that holds them."""

from __future__ import annotations

from aiohttp import web

from hearing_server.errors import Unavailable
from hearing_server.rest.middlewares import Next
from hearing_server.rest.mount import PREFIX

# Views of running hearings and orders are answered from the room's own process; the proxy sends them there
# (config/nginx.example.conf).
_PLACES = (f"{PREFIX}/hearings/", f"{PREFIX}/failures/", f"{PREFIX}/log")


@web.middleware
async def rooms_elsewhere(request: web.Request, handler: Next) -> web.StreamResponse:
    """Errors: Unavailable `rooms.elsewhere`."""
    if request.path.startswith(_PLACES):
        raise Unavailable(
            "rooms.elsewhere",
            zh="庭审由另一服务进程承担，请检查反向代理的设置",
            en="Another server process holds the hearings; look at the proxy's configuration",
        )
    return await handler(request)
