"""Runs the two bare loops of `bench.forward` as processes of their own and reads what they cost."""

from __future__ import annotations

import asyncio
import json
import socket
import sys

GRACE_S = 60  # above the length: starting Python, and the compiler


async def _cost(module: str, *arguments: str, length_s: float) -> float:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, "--seconds", str(length_s), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(child.communicate(), length_s + GRACE_S)
    result = json.loads(said)
    return float(result["cpu_s"] * 1e6 / result["packets"])


async def sendto_cost(members: int, length_s: float) -> float:
    """CPU microseconds per datagram of the bare Python loop; a socket that nobody reads takes them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        port = str(sink.getsockname()[1])
        return await _cost("bench.sendto_loop", "--members", str(members), "--port", port, length_s=length_s)


async def floor_cost(members: int, length_s: float, address: str) -> float:
    """CPU microseconds per datagram of the bare C loop with encryption."""
    return await _cost("bench.floor", "--members", str(members), "--address", address, length_s=length_s)
