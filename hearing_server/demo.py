"""`hearing-server demo`: seed the demo court, serve it, say how to come in; robots and a phone on request."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hearing_server.app import CourtServer, running
from hearing_server.demo_court import PASSWORD, DemoCourt
from hearing_server.local_tls import local_address, self_made_certificate
from hearing_server.rest.config import DEMO
from hearing_server.settings import Settings
from hearing_server.site import listening


async def run_demo(settings: Settings, *, as_json: bool, robots: int, phone: bool) -> None:
    """Serve the demo court until cancelled."""
    if phone:
        settings = on_the_network(settings)
    async with demo_court(settings) as (server, court):
        if as_json:
            print(json.dumps(await about(server, court), ensure_ascii=False), flush=True)
        else:
            _welcome(server, phone=phone)
        async with _robots(server, robots):
            await asyncio.Event().wait()


@asynccontextmanager
async def demo_court(settings: Settings) -> AsyncIterator[tuple[CourtServer, DemoCourt]]:
    """The seeded demo court, serving."""
    async with running(settings) as server:
        court = DemoCourt(server)
        server.app[DEMO] = court
        async with listening(server.app, settings) as url:
            server.address.url = url
            await court.seed()
            yield server, court


async def about(server: CourtServer, court: DemoCourt) -> dict[str, object]:
    """The object of `demo --json`."""
    url = server.address.url
    described = await court.describe()
    return {"url": url, **described, "outbox": f"{url}/demo/outbox"}


def on_the_network(settings: Settings) -> Settings:
    """The settings for a real phone in the same network: every address, HTTPS with a certificate of our own making."""
    address = local_address()
    certificate, key = self_made_certificate(settings.storage.data_dir / "tls", address)
    server = settings.server.model_copy(
        update={
            "host": "0.0.0.0",
            "tls_certificate": certificate,
            "tls_key": key,
            "public_url": f"https://{address}:{settings.server.port}",
        }
    )
    media = settings.media.model_copy(update={"host": "0.0.0.0", "announced_addresses": (address,)})
    return settings.model_copy(update={"server": server, "media": media})


def _welcome(server: CourtServer, *, phone: bool) -> None:
    url = server.address.url
    lines = (
        "",
        f"  {server.profile.court.name}  {server.profile.court.name_en}",
        f"  演示法庭 / demo court:      {url}/demo",
        f"  模拟短信 / simulated SMS:   {url}/demo/outbox",
        f"  法官 judge · 书记员 clerk:  judge / clerk, {PASSWORD}",
        "  停止 / stop: Ctrl+C",
        "",
    )
    print("\n".join(lines), flush=True)
    if phone:
        import segno

        segno.make(f"{url}/demo", error="m").terminal(compact=True)
        print(
            "  手机扫码；浏览器会提示证书不受信任，选择继续 / scan, then accept the self-made certificate",
            flush=True,
        )


@asynccontextmanager
async def _robots(server: CourtServer, count: int) -> AsyncIterator[None]:
    """Synthetic parties in a process of their own, ended with us."""
    if count == 0:
        yield
        return
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hearing_server.robots", "--url", server.address.url, "--count", str(count)
    )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
