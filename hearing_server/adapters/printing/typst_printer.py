"""`ports.printing.Printer` over Typst: one child per document, few at once, none that hangs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Mapping
from datetime import datetime

import orjson

from hearing_server.errors import Unavailable

_log = logging.getLogger(__name__)
# A hundred pages take a second; a machine under load takes its time.
_DONE_WITHIN_S = 60.0
# One core prints, the other hears. Whoever comes when this many wait is told so.
_AT_ONCE = 1
_WAITING = 8
_MAX_PDF_BYTES = 64 << 20


class TypstPrinter:
    """Sets documents in type in a process of its own, killed with its task."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def catalogue(self, values: Mapping[str, object], *, dated: datetime) -> bytes:
        return await self._print("catalogue", values, dated)

    async def space(self, values: Mapping[str, object], *, dated: datetime) -> bytes:
        return await self._print("space", values, dated)

    async def _print(self, name: str, values: Mapping[str, object], dated: datetime) -> bytes:
        if self._waiting >= _WAITING:
            raise Unavailable(
                "printing.busy",
                zh="正在生成的文件较多，请稍后再试",
                en="Many documents are being made; please try again shortly",
                retry_after_s=5,
            )
        self._waiting += 1
        try:
            async with self._turns:
                return await self._run(name, orjson.dumps(values), int(dated.timestamp()))
        finally:
            self._waiting -= 1

    async def _run(self, name: str, data: bytes, seconds: int) -> bytes:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hearing_server.adapters.printing.typst_child", name, str(seconds),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={one: os.environ[one] for one in ("PATH", "PYTHONPATH", "LANG", "HOME") if one in os.environ},
        )  # fmt: skip
        try:
            async with asyncio.timeout(_DONE_WITHIN_S):
                printed, said = await process.communicate(data)
        except TimeoutError:
            printed, said = b"", b"timeout"
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode != 0 or not printed.startswith(b"%PDF-") or len(printed) > _MAX_PDF_BYTES:
            # What the compiler says may quote the document: only how it ended is logged.
            _log.error(
                "printing failed", extra={"document": name, "code": process.returncode, "said": len(said)}
            )
            raise Unavailable(
                "printing.down",
                zh="文件暂时无法生成，请稍后再试",
                en="The document can't be made now; please try again later",
            )
        return printed
