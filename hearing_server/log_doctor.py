"""What `doctor` says of the log of acts: how far it is signed, whether its signer and its files are there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from hearing_server.adapters.bus import MemoryBus
from hearing_server.adapters.trust.ends import open_ends
from hearing_server.domain.trust.merkle import TreeHead
from hearing_server.domain.trust.signed_notes import VerifierKey
from hearing_server.settings import Settings
from hearing_server.storage.database import create_engine
from hearing_server.storage.unit_of_work import SqlUnits

# Checkpoints come every few seconds while a server runs; acts that wait for longer have a reason.
_LATE = timedelta(minutes=2)


async def look_at_log(settings: Settings, court_id: str) -> tuple[bool, str, str]:
    """(good, seen, advice). Changes nothing and starts nothing."""
    ends = open_ends(settings.trust, signer_dir=settings.signer_dir, court_id=court_id)
    try:
        signer = await _signer(settings, ends.signer.state)
        size, signed, late = await _log(settings)
    finally:
        await ends.close()
    others = f"{len(ends.witnesses)} witness(es), time stamps " + ("on" if ends.authority else "off")
    seen = f"{size} acts, {signed} under a checkpoint; {signer or 'signer not started yet'}; {others}"
    if late:
        return False, seen, "acts wait for their checkpoint: see docs/TRUST.md section 5"
    if not ends.witnesses or ends.authority is None:
        return (
            True,
            seen,
            "a witness (trust.policy_file) and time stamps (trust.tsa_url) make it proof against us",
        )
    return True, seen, ""


async def _signer(settings: Settings, ask: Callable[[], Awaitable[tuple[VerifierKey, TreeHead]]]) -> str:
    if settings.trust.signer_socket is not None:
        key, seen = await ask()
        return f"signer answers, signed {seen.size}, key {key.text()}"
    public = settings.signer_dir / "verifier.txt"
    if not await asyncio.to_thread(public.is_file):
        return ""
    return f"key {(await asyncio.to_thread(public.read_text)).strip()}"


async def _log(settings: Settings) -> tuple[int, int, bool]:
    """Acts, acts under a checkpoint, and whether some wait for too long."""
    engine = create_engine(settings.database_url)
    try:
        async with engine.connect() as connection:
            begun = await connection.run_sync(lambda sync: sa.inspect(sync).has_table("log_places"))
        if not begun:
            return 0, 0, False
        async with SqlUnits(engine, MemoryBus()).read() as unit:
            size = await unit.log.next_index()
            newest = await unit.log.newest_checkpoint()
    finally:
        await engine.dispose()
    signed = newest.size if newest else 0
    age = datetime.now(UTC) - newest.signed_at if newest else timedelta.max
    return size, signed, size > signed and age > _LATE
