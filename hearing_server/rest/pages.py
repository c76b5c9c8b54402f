"""The built web client: files with a hash in their name for a year, the page itself never cached."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from hearing_server.errors import NotFound
from hearing_server.rest.routing import SERVICES


def find_client(root: Path) -> Path | None:
    """The built client: beside the code in a checkout, inside the package in a wheel; None when it isn't built."""
    for folder in (root / "web_client" / "dist", Path(__file__).resolve().parent.parent / "_web"):
        if (folder / "index.html").is_file():
            return folder
    return None


def mount_pages(app: web.Application, client: Path | None) -> None:
    """Serve the client for every path that isn't the API's."""
    app.router.add_get("/healthz", _health)
    app.router.add_get("/readyz", _ready)
    if client is None:
        app.router.add_get("/{path:.*}", _not_built)
        return
    if (client / "assets").is_dir():
        app.router.add_static("/assets", client / "assets", append_version=False)

    async def page(request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        if path.startswith(("api/", "socket.io")):
            raise NotFound
        if not path.isprintable():
            # No file of ours, and no path to the system.
            raise NotFound
        file = (client / path).resolve()
        if path and file.is_file() and file.is_relative_to(client):
            return web.FileResponse(file)
        return web.FileResponse(client / "index.html", headers={"Cache-Control": "no-cache"})

    app.router.add_get("/{path:.*}", page)


async def _health(_: web.Request) -> web.Response:
    return web.json_response({"ok": True})


async def _ready(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    await services.sessions.court()
    # No reason to take no work: a hearing waits for no signature. But whoever asks shall see it.
    signer = (await services.log.checkpoints.status()).signer
    return web.json_response({"ok": True, "signer": signer.code or "ok"})


async def _not_built(_: web.Request) -> web.Response:
    return web.Response(
        status=503,
        text="The web client is not built. Run: python3 -m hearing_server\n",
        content_type="text/plain",
    )
