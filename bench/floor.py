"""Baseline of `bench.forward`: the same packets protected and sent by a bare loop in C, the least a server can cost.

The loop is compiled at each start and calls the very library that protects packets in our server (the one inside
pylibsrtp), with the cipher browsers agree on with it. A sibling process reads what is sent.
Prints {"cpu_s", "packets"}.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import selectors
import socket
import time
from typing import Any, Final

from pylibsrtp import Policy, Session

from bench.compiled import compiled
from signaling.dtls import SRTP_FUNCTIONS, MediaContexts

_KEY_BYTES: Final = 32 + 12  # AES-256-GCM: key and salt
_RECEIVE_BYTES: Final = 4 << 20


def _loaded() -> Any:
    loaded = compiled("floor")
    loaded.floor_run.restype = ctypes.c_int64
    loaded.floor_run.argtypes = [
        ctypes.c_size_t,
        ctypes.POINTER(ctypes.c_size_t),
        ctypes.POINTER(ctypes.c_int),
        ctypes.c_int,
        ctypes.c_double,
    ]
    return loaded


def _sessions(members: int) -> list[Any]:
    made = []
    for _ in range(members):
        policy = Policy(
            key=os.urandom(_KEY_BYTES),
            ssrc_type=Policy.SSRC_ANY_OUTBOUND,
            srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
        )
        made.append(Session(policy))
    return made


def _drain(sinks: list[socket.socket]) -> None:
    """In a process of its own: take what comes, as phones do."""
    chosen = selectors.DefaultSelector()
    for sink in sinks:
        sink.setblocking(False)
        chosen.register(sink, selectors.EVENT_READ)
    buffer = bytearray(2048)
    while True:
        for key, _ in chosen.select():
            try:
                while True:
                    key.fileobj.recv_into(buffer)  # type: ignore[union-attr]
            except BlockingIOError:
                continue


def run(members: int, length_s: float, address: str) -> dict[str, float]:
    """Build, send, count."""
    sinks, senders = [], []
    for _ in range(members):
        sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        sink.bind((address, 0))
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.bind((address, 0))
        sender.connect(sink.getsockname())
        sinks.append(sink)
        senders.append(sender)
    loaded = _loaded()
    sessions = _sessions(members)
    contexts = [MediaContexts(session, session).tx for session in sessions]
    reader = os.fork()
    if reader == 0:
        _drain(sinks)
    try:
        before_s = time.process_time()
        packets = loaded.floor_run(
            SRTP_FUNCTIONS[0],
            (ctypes.c_size_t * members)(*contexts),
            (ctypes.c_int * members)(*(sender.fileno() for sender in senders)),
            members,
            length_s,
        )
        spent_s = time.process_time() - before_s
    finally:
        os.kill(reader, 9)
        os.waitpid(reader, 0)
    if packets < 0:
        raise SystemExit("a packet could not be protected")
    return {"cpu_s": spent_s, "packets": packets}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--address", default="127.0.0.1")
    options = parser.parse_args()
    print(json.dumps(run(options.members, options.seconds, options.address)))


if __name__ == "__main__":
    main()
