"""The signer: a process that holds the log's key, remembers what it signed, and signs nothing but its growth.

It speaks lines of JSON, over its standard input and output when the server started it, or over a Unix socket when it
runs as another user (`hearing-server signer`):
`{"op": "state"}` → `{"key": …, "size": …, "root": …}`; `{"op": "sign", "growth": …}` → `{"note": …}` or
`{"refused": …, "size": …}`. Whoever can speak to it can make it sign growth, and nothing else.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hearing_server.adapters.trust.key_folder import KeyFolder
from hearing_server.domain.trust.checkpoints import Checkpoint, sign_checkpoint
from hearing_server.domain.trust.growth import read_growth_request, refusal
from hearing_server.domain.trust.signed_notes import KeyKind, encoded
from hearing_server.errors import HearingError
from recorder.durable import Disk

# A request is a proof of 63 hashes and three lines.
MAX_LINE_BYTES = 64 * 1024


class Signing:
    """One log's key and memory; answers one request at a time."""

    def __init__(self, folder: Path, origin: str) -> None:
        self._origin = origin
        self._keys = KeyFolder.open(folder, origin, KeyKind.LOG)

    @property
    def verifier(self) -> str:
        """The log's public key, to be given away."""
        return self._keys.key.verifier.text()

    def answer(self, line: bytes) -> bytes:
        """The answer to a request line, with its newline; never raises for what somebody sent."""
        try:
            request = json.loads(line)
            said = self._state() if request["op"] == "state" else self._sign(request["growth"])
        except (ValueError, KeyError, TypeError, AttributeError):
            said = {"refused": "malformed", "size": -1}
        except HearingError as error:
            said = {"refused": error.code, "size": -1}
        except OSError as error:
            # Not on the disk: whether the next start knows of it is open, so nothing is signed.
            said = {"refused": f"disk.{error.errno}", "size": -1}
        return json.dumps(said).encode() + b"\n"

    def _state(self) -> dict[str, Any]:
        seen = self._keys.seen(self._origin)
        return {"key": self._keys.key.verifier.text(), "size": seen.size, "root": encoded(seen.root)}

    def _sign(self, growth: str) -> dict[str, Any]:
        old, proof, text = read_growth_request(growth)
        checkpoint = Checkpoint.parse(text)
        if checkpoint.origin != self._origin or checkpoint.extensions:
            return {"refused": "other_log", "size": -1}
        seen = self._keys.seen(self._origin)
        why = refusal(seen, old, proof, checkpoint.head)
        if why is not None:
            return {"refused": why.value, "size": seen.size}
        # Remembered before the signature exists outside: a crash in between costs a checkpoint, never a fork.
        if checkpoint.head != seen:
            self._keys.remember(self._origin, checkpoint.head)
        return {"note": sign_checkpoint(checkpoint, self._keys.key)}


async def serve_socket(folder: Path, origin: str, path: Path) -> None:
    """Answer on a Unix socket that its user and group may use, until cancelled. Errors: Unavailable `signing.…`."""
    signing = Signing(folder, origin)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(signing.answer(line))
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # gone, or a line beyond the limit: either way the talk is over
        finally:
            writer.close()

    # The folder's lock is ours, so a socket left by a process that died is nobody's.
    Disk().remove(path)
    before = os.umask(0o117)
    try:
        server = await asyncio.start_unix_server(talk, path, limit=MAX_LINE_BYTES)
    finally:
        os.umask(before)
    print(signing.verifier, flush=True)
    async with server:
        await server.serve_forever()


def serve_pipe(
    folder: Path, origin: str, read: Callable[[], bytes], write: Callable[[bytes], object]
) -> None:
    """Answer a parent until its end of the pipe closes. The first line says that the key is there, or what is wrong."""
    try:
        signing = Signing(folder, origin)
    except HearingError as error:
        write(json.dumps({"refused": error.code, "size": -1}).encode() + b"\n")
        return
    write(b'{"ready": true}\n')
    while line := read():
        write(signing.answer(line))


def main() -> None:
    """Started by the server: `signer_process FOLDER ORIGIN`, one end of a socket pair as standard input."""
    with socket.socket(fileno=os.dup(0)) as pipe, pipe.makefile("rb") as lines:
        serve_pipe(Path(sys.argv[1]), sys.argv[2], lambda: lines.readline(MAX_LINE_BYTES), pipe.sendall)


if __name__ == "__main__":
    main()
