"""`hearing-server demo` as a process of its own, to be killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.chosen_database import chosen

_START_S = 60.0


@asynccontextmanager
async def demo_process(
    data: Path, *, port: int, media_port: int, media_processes: int = 0
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """(process, url) of a demo court; killed at the end if nobody did before."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hearing_server", "demo", "--json", "--data", str(data),
        "--port", str(port), "--media-port", str(media_port),
        stdout=asyncio.subprocess.PIPE, limit=1 << 20,
        env={
            **os.environ,
            "HEARING_MEDIA__PROCESSES": str(media_processes),
            "HEARING_STORAGE__DATABASE_URL": chosen.url(data),
        },
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(_START_S):
            line = await process.stdout.readline()
        yield process, json.loads(line)["url"]
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()
