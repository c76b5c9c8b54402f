"""The server side of `bench.forward`: a media engine with one recorded room, alone in its process, on uvloop.

Talks JSON lines with its parent: commands on standard input, answers and offers on standard output.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from recorder.session import RecordingSession
from signaling.engine import MediaEngine
from signaling.events import RoomEvent, SubscriptionOffered
from signaling.grants import JoinGrant, sign_grant
from signaling.settings import MediaSettings

ROOM = "bench"
KEY = b"a key of thirty-two bytes, bench"


def _say(**message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def _told(event: RoomEvent) -> None:
    if isinstance(event, SubscriptionOffered):
        _say(offer=event.sdp, version=event.version, seat=event.seat)


def _grant(identity: str) -> str:
    return sign_grant(
        JoinGrant(
            room=ROOM,
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


async def _obey(engine: MediaEngine, command: dict[str, Any]) -> dict[str, Any]:
    match command["do"]:
        case "join":
            joined = await engine.join(_grant(command["identity"]))
            return {"seat": joined.seat}
        case "publish":
            sources = {"0": "microphone", "1": "camera"}
            return {"sdp": await engine.publish(command["seat"], sdp=command["sdp"], sources=sources)}
        case "answer":
            await engine.answer(command["seat"], version=command["version"], sdp=command["sdp"])
            return {}
        case "stats":
            stats = engine.stats()
            return {"forwarded": stats.forwarded_packets, "failed": stats.failed_packets}
    raise ValueError(command["do"])


async def _serve(folder: Path) -> None:
    settings = MediaSettings(
        host="127.0.0.1",
        announced_addresses=("127.0.0.1",),
        grant_keys=(KEY,),
    )
    engine = await MediaEngine.start(settings, on_event=_told)
    session = RecordingSession.create(folder / "recording", recording_id="bench")
    await engine.open_room(ROOM)
    await engine.attach_sink(ROOM, session)
    reader = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _say(ready=True)
    while line := await reader.readline():
        command = json.loads(line)
        if command["do"] == "stop":
            break
        _say(answer=command["id"], **await _obey(engine, command))
    await engine.stop()
    manifest = await session.close()
    _say(answer=-1, recorded=sum(track.packets for track in manifest.tracks))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        uvloop.run(_serve(Path(folder)))


if __name__ == "__main__":
    main()
