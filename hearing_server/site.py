"""The listening socket: plain or TLS, one clear line when the port is taken."""

from __future__ import annotations

import resource
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from hearing_server.errors import Unavailable
from hearing_server.settings import Settings

# A page that is leaving gets this long to finish its request when the server stops, seconds.
_SHUTDOWN_S = 3.0
# A connection that sends no whole request for so long is closed, seconds: half-sent headers hold no place for ever.
_SILENT_CONNECTION_S = 20.0
# Connections, sockets and segment files together; the usual soft limit of 1024 is emptied by one stranger.
_WANTED_FILES = 65_536


@asynccontextmanager
async def listening(app: web.Application, settings: Settings) -> AsyncIterator[str]:
    """Serve `app`; yields the base URL. Errors: Unavailable `port.taken`, `tls.unreadable`."""
    _allow_many_sockets()
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=_SHUTDOWN_S, keepalive_timeout=_SILENT_CONNECTION_S
    )
    await runner.setup()
    try:
        server = settings.server
        site = web.TCPSite(runner, server.host, server.port, ssl_context=_tls(settings), reuse_address=True)
        try:
            await site.start()
        except OSError as error:
            raise Unavailable(
                "port.taken",
                zh=f"端口 {server.port} 已被占用，请用 --port 换一个",
                en=f"Port {server.port} is taken or may not be used; choose another with --port",
            ) from error
        port = runner.addresses[0][1]
        scheme = "https" if server.tls_certificate else "http"
        host = "127.0.0.1" if server.host in ("0.0.0.0", "::", "") else server.host
        yield server.public_url.rstrip("/") or f"{scheme}://{host}:{port}"
    finally:
        await runner.cleanup()


def _allow_many_sockets() -> None:
    """Raise the soft limit of open files as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, _WANTED_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _tls(settings: Settings) -> ssl.SSLContext | None:
    certificate, key = settings.server.tls_certificate, settings.server.tls_key
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise Unavailable(
            "tls.unreadable", zh="证书或私钥无法读取", en="The certificate or its key can't be read"
        ) from error
    return context
