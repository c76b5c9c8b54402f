"""The server side of `bench.forward`: a media engine with recorded rooms, alone in its process, on uvloop.

Talks JSON lines with its parent: commands on standard input, answers and offers on standard output. Rooms are opened
as members come, each with a recorder. Without other orders everything is forwarded to everybody (no last-N, no layer
rests): that is what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import uvloop

from bench import inventory, memory
from recorder.writing.session import RecordingSession
from signaling.engine import MediaEngine
from signaling.errors import SignalingError
from signaling.events import LayersWanted, RoomEvent, SubscriptionOffered
from signaling.grants import JoinGrant, sign_grant
from signaling.settings import MediaSettings

KEY = b"a key of thirty-two bytes, bench"
# One packet in seven is timed where timing costs something: ten seconds of a small hearing give a p99.9.
RESIDENCE_SAMPLE = 7
EVERYBODY = 512
NEVER_S = 1e6


def _say(**message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def _told(event: RoomEvent) -> None:
    if isinstance(event, SubscriptionOffered):
        _say(offer=event.sdp, version=event.version, seat=event.seat)
    elif isinstance(event, LayersWanted):
        _say(source=event.source, rids=event.rids, seat=event.seat)


def _grant(identity: str, room: str) -> str:
    return sign_grant(
        JoinGrant(
            room=room,
            identity=identity,
            seat_key=f"key-of-{identity}",
            may_publish=frozenset({"microphone", "camera"}),
            may_subscribe=True,
            may_moderate=False,
            expires_at_s=time.time() + 30,
            jti=secrets.token_hex(8),
        ),
        KEY,
    )


def _settings(options: argparse.Namespace) -> MediaSettings:
    return MediaSettings(
        host=options.address,
        announced_addresses=(options.address,),
        grant_keys=(KEY,),
        native=options.native,
        native_bursts=options.bursts,
        residence_sample=RESIDENCE_SAMPLE,
        last_n=options.last_n,
        max_voices=EVERYBODY,
        layer_pause_s=options.pause_s,
        viewer_start_bps=200_000_000,
    )


class Busy:
    """A Python thread that computes all the time, as a careless part of the same process might."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._burn, name="busy", daemon=True)
        self._thread.start()

    def _burn(self) -> None:
        while not self._stop.is_set():
            sum(number * number for number in range(2000))

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(5)
            self._thread = None


class Desk:
    """Does what the parent orders."""

    def __init__(self, engine: MediaEngine, folder: Path, *, records: bool) -> None:
        self._engine = engine
        self._folder = folder
        self._records = records
        self._rooms: set[str] = set()
        self._busy = Busy()
        self._trace = memory.Trace()
        self._sessions: dict[str, RecordingSession] = {}

    async def obey(self, command: dict[str, Any]) -> dict[str, Any]:
        engine = self._engine
        match command["do"]:
            case "join":
                room = command.get("room", "bench")
                await self._open(room)
                joined = await engine.join(_grant(command["identity"], room))
                return {"seat": joined.seat}
            case "publish":
                sources = {"0": "microphone", "1": "camera"}
                return {"sdp": await engine.publish(command["seat"], sdp=command["sdp"], sources=sources)}
            case "answer":
                await engine.answer(command["seat"], version=command["version"], sdp=command["sdp"])
                return {}
            case "prefer":
                await engine.prefer(
                    command["seat"],
                    identity=command["identity"],
                    source="camera",
                    max_height_px=command["max_height_px"],
                )
                return {}
            case "stats":
                return self._stats()
            case "leave":
                await engine.leave(command["seat"], reason="left")
                return {}
            case "remove":
                await engine.remove(command["room"], identity=command["identity"], reason="removed")
                await engine.readmit(command["room"], identity=command["identity"])
                return {}
            case "inventory":
                return {"inventory": inventory.take()}
            case "memory":
                return {"memory": memory.take()}
            case "grown":
                return {"grown": self._trace.grown()}
            case "busy":
                self._busy.start()
                return {}
            case "calm":
                self._busy.stop()
                return {}
        raise ValueError(command["do"])

    async def _open(self, room: str) -> None:
        if room in self._rooms:
            return
        self._rooms.add(room)
        await self._engine.open_room(room)
        if self._records:
            self._sessions[room] = RecordingSession.create(self._folder / room, recording_id=room)
            await self._engine.attach_sink(room, self._sessions[room])

    def _stats(self) -> dict[str, Any]:
        stats = self._engine.stats()
        return {
            "forwarded": stats.forwarded_packets,
            "failed": stats.failed_packets,
            "ring_dropped": stats.ring_dropped,
            "stayed": stats.residence.counts,
            "stayed_ns": stats.residence.sum_ns,
        }

    async def close(self) -> int:
        """How many packets were recorded."""
        self._busy.stop()
        await self._engine.stop()
        manifests = [await session.close() for session in self._sessions.values()]
        return sum(track.packets for manifest in manifests for track in manifest.tracks)


async def _serve(folder: Path, options: argparse.Namespace) -> None:
    engine = await MediaEngine.start(_settings(options), on_event=_told)
    desk = Desk(engine, folder, records=options.records)
    reader = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _say(ready=True)
    while line := await reader.readline():
        command = json.loads(line)
        if command["do"] == "stop":
            break
        try:
            _say(answer=command["id"], **await desk.obey(command))
        except SignalingError as refused:  # somebody answered an offer and had just been shown out
            _say(answer=command["id"], refused=refused.code)
    _say(answer=-1, recorded=await desk.close())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="127.0.0.1")
    path = parser.add_mutually_exclusive_group()
    path.add_argument("--native", action="store_true", default=True, help="with the native thread (default)")
    path.add_argument("--pure", dest="native", action="store_false", help="the Python path")
    parser.add_argument(
        "--last-n", type=int, default=EVERYBODY, help="pictures a viewer is sent (default: all)"
    )
    parser.add_argument(
        "--pause-s", type=float, default=NEVER_S, help="rest idle layers after (default: never)"
    )
    parser.add_argument(
        "--single", dest="bursts", action="store_false", help="native: a system call per packet"
    )
    parser.add_argument("--unrecorded", dest="records", action="store_false", help="without recorders")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        uvloop.run(_serve(Path(folder), options))


if __name__ == "__main__":
    main()
