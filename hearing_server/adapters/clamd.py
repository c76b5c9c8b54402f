"""`ports.attachments.VirusScanner` over ClamAV's daemon: INSTREAM over a unix socket or TCP (clamd(8)).

    → "zINSTREAM\\0", then u32 length + bytes …, then u32 0
    ← "stream: OK\\0" | "stream: NAME FOUND\\0" | "INSTREAM size limit exceeded. ERROR\\0"

Files above the daemon's own MaxFileSize are said to be OK without a look: set `AlertExceedsMax yes` there, and the
name it then gives (`Heuristics.Limits.Exceeded…`) counts here as not scanned.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator

from hearing_server.errors import Unavailable
from hearing_server.ports.attachments import ScanVerdict

_CONNECT_S = 5.0
# Of one wait: a large archive takes the scanner a while after its last byte.
_ANSWER_S = 120.0
_WRITE_S = 30.0
_ANSWER_BYTES = 4096
_LIMITS = "Heuristics.Limits.Exceeded"


class Clamd:
    """One connection per file. `address`: unix:PATH or host:port."""

    def __init__(self, address: str, *, max_bytes: int) -> None:
        self._address = address
        self._max_bytes = max_bytes

    async def scan(self, pieces: AsyncIterator[bytes], *, size_bytes: int) -> ScanVerdict:
        if size_bytes > self._max_bytes:
            return ScanVerdict(is_whole=False)
        try:
            return _verdict(await self._ask(pieces))
        except (OSError, TimeoutError, EOFError, ValueError) as error:
            raise Unavailable(
                "scanner.down",
                zh="查毒服务暂不可用，文件已安全收到，恢复后自动检查",
                en="The virus scanner doesn't answer; the file is safe here and will be checked when it does",
            ) from error

    async def _ask(self, pieces: AsyncIterator[bytes]) -> str:
        async with asyncio.timeout(_CONNECT_S):
            if self._address.startswith("unix:"):
                reader, writer = await asyncio.open_unix_connection(self._address.removeprefix("unix:"))
            else:
                host, _, port = self._address.rpartition(":")
                reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(b"zINSTREAM\0")
            # The daemon hangs up in the middle of a file beyond its limit, and says why before it does.
            with contextlib.suppress(ConnectionError):
                async for piece in pieces:
                    writer.write(struct.pack(">I", len(piece)) + piece)
                    async with asyncio.timeout(_WRITE_S):
                        await writer.drain()
                writer.write(struct.pack(">I", 0))
            async with asyncio.timeout(_ANSWER_S):
                return (
                    (await reader.readuntil(b"\0"))[:_ANSWER_BYTES].rstrip(b"\0").decode("utf-8", "replace")
                )
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def _verdict(answer: str) -> ScanVerdict:
    """ValueError for what is no verdict: an error of the daemon passes nothing."""
    said = answer.removeprefix("stream:").strip()
    if said == "OK":
        return ScanVerdict()
    if said.endswith(" FOUND"):
        name = said.removesuffix(" FOUND")
        return ScanVerdict(is_whole=False) if name.startswith(_LIMITS) else ScanVerdict(signature=name[:100])
    if "size limit exceeded" in said:
        return ScanVerdict(is_whole=False)
    raise ValueError(said)
