"""Serving a court: everything open, the site listening, one line that says where."""

from __future__ import annotations

import asyncio

from hearing_server.adapters.object_places import rewrap_keys
from hearing_server.app import running, working
from hearing_server.settings import Settings
from hearing_server.site import listening
from hearing_server.storage.database import create_engine
from hearing_server.storage.schema import bring_up_to_date


async def serve_court(settings: Settings) -> None:
    """Serve until cancelled."""
    async with running(settings) as server, listening(server.app, settings) as url:
        server.address.url = url
        ports = ", ".join(str(port) for port in server.media.udp_ports)
        print(f"serving on {url} ({f'media port {ports}' if ports else 'no rooms'})", flush=True)
        await asyncio.Event().wait()


async def work_for_court(settings: Settings) -> None:
    """Do the work a server leaves to workers, until cancelled."""
    async with working(settings):
        print("working: notices and films", flush=True)
        await asyncio.Event().wait()


async def migrate_database(settings: Settings) -> None:
    """Bring the schema up to date and say so."""
    settings.storage.data_dir.mkdir(parents=True, exist_ok=True)
    engine = create_engine(settings.database_url)
    try:
        await bring_up_to_date(engine)
    finally:
        await engine.dispose()
    print("database is up to date")


async def rewrap_case_keys(settings: Settings) -> None:
    """Wrap the keys of all cases anew and say how many."""
    print(f"{await rewrap_keys(settings.storage)} keys wrapped anew")
