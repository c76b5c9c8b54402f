"""Our end to the signer: started by us on first need or found on a Unix socket, and again after its death."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

from hearing_server.adapters.trust.signer_process import MAX_LINE_BYTES
from hearing_server.domain.trust.checkpoints import Checkpoint, open_checkpoint
from hearing_server.domain.trust.growth import growth_request
from hearing_server.domain.trust.merkle import TreeHead
from hearing_server.domain.trust.signed_notes import Note, VerifierKey, decoded
from hearing_server.errors import Unavailable

# A start of Python on a busy machine; an answer is one sync to disk.
_START_S = 30.0
_ANSWER_S = 10.0
_MODULE = "hearing_server.adapters.trust.signer_process"
_PACKAGES = Path(__file__).resolve().parents[3]


class SignerLink:
    """`ports.act_log.Signer`. With `socket_path` the signer is somebody else's process, else a child of ours."""

    def __init__(self, *, origin: str, folder: Path, socket_path: Path | None) -> None:
        self._origin = origin
        self._folder = folder
        self._socket_path = socket_path
        self._child: asyncio.subprocess.Process | None = None
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """Of our child, for tests and the status page."""
        return self._child.pid if self._child is not None else None

    async def state(self) -> tuple[VerifierKey, TreeHead]:
        said = await self._ask({"op": "state"})
        try:
            return VerifierKey.parse(said["key"]), TreeHead(int(said["size"]), decoded(said["root"]))
        except (KeyError, ValueError, TypeError):
            raise _refused(said) from None

    async def sign(self, old: int, proof: tuple[bytes, ...], checkpoint: Checkpoint) -> str:
        said = await self._ask({"op": "sign", "growth": growth_request(old, proof, checkpoint.text())})
        if "note" not in said:
            raise _refused(said)
        note = Note.parse(str(said["note"]))
        key, _ = await self.state()
        if open_checkpoint(note, key) != checkpoint:
            raise _refused(said)
        return note.whole()

    async def close(self) -> None:
        """End our child, or the talk."""
        async with self._turn:
            await self._drop()

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        async with self._turn:
            try:
                async with asyncio.timeout(_ANSWER_S if self._streams else _START_S):
                    reader, writer = self._streams = self._streams or await self._connect()
                    writer.write(json.dumps(request).encode() + b"\n")
                    await writer.drain()
                    said = json.loads(await reader.readline() or b"null")
                if not isinstance(said, dict):
                    raise ConnectionError("no answer")
            except (OSError, ValueError, TimeoutError) as error:
                await self._drop()
                raise Unavailable(
                    "signer.down", zh="签名程序没有应答，检查点暂缓签发", en="The signer doesn't answer"
                ) from error
            except BaseException:
                # Half a talk: the next answer would be to another question.
                await self._drop()
                raise
        return said

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._socket_path is not None:
            return await asyncio.open_unix_connection(self._socket_path, limit=MAX_LINE_BYTES)
        ours, theirs = socket.socketpair()
        path = os.pathsep.join(filter(None, (str(_PACKAGES), os.environ.get("PYTHONPATH", ""))))
        with theirs:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", _MODULE, str(self._folder), self._origin,
                stdin=theirs.fileno(), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True, env={**os.environ, "PYTHONPATH": path},
            )  # fmt: skip
        reader, writer = await asyncio.open_connection(sock=ours, limit=MAX_LINE_BYTES)
        said = json.loads(await reader.readline() or b"{}")
        if "ready" not in said:
            writer.close()
            raise _refused(said) if said else ConnectionError("the signer ended at its start")
        return reader, writer

    async def _drop(self) -> None:
        streams, self._streams = self._streams, None
        child, self._child = self._child, None
        if streams is not None:
            streams[1].close()
        if child is not None:
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
            try:
                async with asyncio.timeout(_ANSWER_S):
                    await child.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()


def _refused(said: dict[str, Any]) -> Unavailable:
    why = str(said.get("refused", "unknown"))[:60]
    return Unavailable(
        "signer.refused",
        zh=f"签名程序拒绝签发检查点（{why}），请核对数据库是否曾被回退",
        en=f"The signer refuses to sign ({why}); was the database rolled back?",
    )
