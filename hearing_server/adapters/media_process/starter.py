"""Starting a media process: out of our session, its order through a pipe, one line back."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import orjson

from hearing_server.adapters.media_process.codec import WireError, from_plain, to_plain
from hearing_server.adapters.media_process.records import NodeOrder, Started
from hearing_server.errors import Unavailable
from signaling.settings import MediaSettings

# Python, the media libraries and two ports; a machine in the middle of a start of everything takes its time.
_START_S = 60.0
_MODULE = "hearing_server.adapters.media_process.node"
# The packages lie here: a process with another working folder must find them as we did.
_PACKAGES = Path(__file__).resolve().parents[3]


async def start_process(order: NodeOrder) -> subprocess.Popen[bytes]:
    """A running process that has taken its place. Errors: Unavailable `media.port_taken`, `media.not_started`."""
    process = await asyncio.to_thread(_spawn)
    try:
        async with asyncio.timeout(_START_S):
            line = await asyncio.to_thread(_hand_over, process, orjson.dumps(to_plain(order, NodeOrder)))
    except BaseException:
        process.kill()
        raise
    try:
        started = from_plain(orjson.loads(line), Started)
    except (ValueError, WireError):
        started = Started("media.not_started", "it ended without a word")
    if started.code:
        # Its word is its last.
        await asyncio.to_thread(process.wait)
        raise _not_started(started, order)
    return process


def _spawn() -> subprocess.Popen[bytes]:
    path = os.pathsep.join(filter(None, (str(_PACKAGES), os.environ.get("PYTHONPATH", ""))))
    return subprocess.Popen(
        [sys.executable, "-m", _MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # It outlives us: a pipe or terminal of ours in its hands would never be seen to end.
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def _hand_over(process: subprocess.Popen[bytes], order: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(order)
        process.stdin.close()
    except BrokenPipeError:
        pass  # what it has to say about that is in its line, or there is none
    with process.stdout:
        return process.stdout.readline()


def _not_started(started: Started, order: NodeOrder) -> Unavailable:
    if started.code == "media.port_taken":
        port = order.settings.udp_port
        return Unavailable(
            "media.port_taken",
            zh=f"媒体端口 {port} 已被占用，请用 --media-port 换一个",
            en=f"Media port {port} is taken; choose another with --media-port",
        )
    return Unavailable(
        "media.not_started",
        zh=f"媒体进程 {order.index} 无法启动（{started.code} {started.detail}）",
        en=f"Media process {order.index} could not be started ({started.code} {started.detail})",
    )


def other_version(index: int) -> Unavailable:
    """It started, and is not what we are: the program was exchanged while we ran."""
    return Unavailable(
        "media.other_version",
        zh=f"媒体进程 {index} 与本服务版本不同，请重新启动服务",
        en=f"Media process {index} is of another version than this server; restart the server",
    )


def settings_of(settings: MediaSettings, index: int) -> MediaSettings:
    """The settings of the process at `index`: its own ports beside the others', or free ones."""
    return replace(
        settings,
        udp_port=settings.udp_port + index if settings.udp_port else 0,
        tcp_port=settings.tcp_port + index if settings.tcp_port else 0,
    )


def settings_id(settings: MediaSettings) -> str:
    """A name for these settings that tells nothing about them: there are keys among them."""
    return hashlib.sha256(orjson.dumps(to_plain(settings, MediaSettings))).hexdigest()[:16]
