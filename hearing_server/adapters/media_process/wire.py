"""Frames over a Unix socket: where the sockets lie, who may speak on them, and how long a frame may be.

A frame is its length in four bytes (big-endian), then JSON. A socket's path holds 108 bytes at most on this kernel, a
data folder's path may be longer: then the folder is opened and the socket is named through its descriptor.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from hearing_server.adapters.media_process.codec import WireError

# Frames, hello and `node.end` as they are here are understood by every later version; everything else may change.
WIRE = 1
# The largest things said are an offer of a full room (below 200 kB) and the state of 256 rooms.
MAX_FRAME_BYTES = 8 << 20
_PATH_BYTES = 100  # sun_path is 108 with its end
_LENGTH = struct.Struct(">I")
_PEER = struct.Struct("iII")  # struct ucred: pid, uid, gid


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end, by the kernel's word."""

    pid: int
    uid: int


def packed(message: dict[str, Any]) -> bytes:
    """One frame. Raises WireError when it is too long or no JSON."""
    try:
        body = orjson.dumps(message)
    except (TypeError, ValueError) as error:
        raise WireError("not JSON") from error
    if len(body) > MAX_FRAME_BYTES:
        raise WireError("the frame is too long")
    return _LENGTH.pack(len(body)) + body


async def read_frame(reader: asyncio.StreamReader) -> dict[str, Any]:
    """The next message. Raises EOFError when the other side is gone, WireError when it speaks nonsense."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if length > MAX_FRAME_BYTES:
            raise WireError("the frame is too long")
        body = await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise EOFError("the other side is gone") from error
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise WireError("not JSON") from None
    if not isinstance(message, dict):
        raise WireError("not an object")
    return message


def peer_of(connection: socket.socket) -> Peer:
    """SO_PEERCRED: who connected, or who listens."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    pid, uid, _ = _PEER.unpack(raw)
    return Peer(pid, uid)


def is_ours(peer: Peer) -> bool:
    """Only our own user may order rooms about; root may do anything anyhow."""
    return peer.uid in (os.geteuid(), 0)


@contextmanager
def _reachable(path: Path) -> Iterator[str]:
    """A name for the socket that fits into an address."""
    if len(os.fsencode(path)) <= _PATH_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def bind_socket(path: Path) -> socket.socket:
    """A socket only our user may open, not listening yet. Raises OSError."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        with _reachable(path) as name:
            bound.bind(name)
        # Nobody gets in before `listen`, so there is no moment with wider rights.
        path.chmod(0o600)
    except BaseException:
        bound.close()
        raise
    return bound


async def open_socket(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, Peer]:
    """Connect. Raises OSError when nobody listens, PermissionError when another user does."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        with _reachable(path) as name:
            await asyncio.get_running_loop().sock_connect(connection, name)
        peer = peer_of(connection)
        if not is_ours(peer):
            raise PermissionError("another user listens on the socket of a media process")
        reader, writer = await asyncio.open_unix_connection(sock=connection)
    except BaseException:
        connection.close()
        raise
    return reader, writer, peer
