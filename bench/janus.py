"""The peer of `bench.forward`: Janus with its VideoRoom, under the very same load client as our own server.

Needs the distribution's package (`apt-get install janus`) and an address that is not loopback (`bench.namespace`).
Runs as it comes, with what our server does too: repairs and key frame requests negotiated, every track recorded.
Driven over its WebSocket API.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any, Final

import aiohttp

from bench.link import Link
from bench.load import Load
from bench.member import VP8, Heard, Member, Tally

ROOM: Final = 1
START_TIMEOUT_S: Final = 15.0
ANSWER_TIMEOUT_S: Final = 15.0
KEEP_ALIVE_S: Final = 20.0  # Janus forgets a session after 60 s of silence
_PARTS: Final = (("plugins", "libjanus_videoroom.so"), ("transports", "libjanus_websockets.so"))
_FEEDBACK: Final = "".join(
    f"a=rtcp-fb:{VP8} {each}\r\n" for each in ("nack", "nack pli", "ccm fir", "goog-remb")
)
_VP8_LINE: Final = f"a=rtpmap:{VP8} VP8/90000\r\n"


def why_not() -> str | None:
    """What is missing, in words; None when Janus can run."""
    if shutil.which("janus") is None:
        return "janus not installed (apt-get install janus)"
    missing = [name for folder, name in _PARTS if not _library(folder, name)]
    return f"{' and '.join(missing)} not found" if missing else None


def _library(folder: str, name: str) -> Path | None:
    return next(iter(sorted(Path("/usr/lib").glob(f"**/janus/{folder}/{name}"))), None)


class JanusServer:
    """The process with a configuration of its own: one room, one transport, nothing else loaded."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, folder: str) -> None:
        self._process = process
        self.port = port
        self.folder = folder

    @property
    def pid(self) -> int:
        return self._process.pid

    @classmethod
    async def start(cls, address: str, *, event_loops: int) -> JanusServer:
        """Ready when its WebSocket answers."""
        folder = tempfile.mkdtemp(prefix="janus-")
        with socket.socket() as probe:
            probe.bind((address, 0))
            port = probe.getsockname()[1]
        _configure(Path(folder), address, port, event_loops)
        process = await asyncio.create_subprocess_exec(
            "janus", "-F", folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        server = cls(process, port, folder)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                while True:
                    with contextlib.suppress(OSError):
                        _, writer = await asyncio.open_connection(address, port)
                        writer.close()
                        return server
                    await asyncio.sleep(0.1)
        except TimeoutError:
            await server.stop()
            raise

    async def stop(self) -> None:
        if self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(5):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _configure(folder: Path, address: str, port: int, event_loops: int) -> None:
    for kind, name in _PARTS:
        (folder / kind).mkdir()
        library = _library(kind, name)
        assert library is not None
        (folder / kind / name).symlink_to(library)
    (folder / "records").mkdir()
    loops = f"event_loops = {event_loops}\n" if event_loops else ""
    (folder / "janus.jcfg").write_text(
        f'general: {{\nconfigs_folder = "{folder}"\nplugins_folder = "{folder}/plugins"\n'
        f'transports_folder = "{folder}/transports"\nevents_folder = "{folder}/none"\n'
        f'loggers_folder = "{folder}/none"\ndebug_level = 2\n{loops}}}\n'
        'media: {\nrtp_port_range = "20000-30000"\n}\n'
        f'nat: {{\nice_enforce_list = "{address}"\n}}\n'
    )
    (folder / "janus.transport.websockets.jcfg").write_text(
        f'general: {{\njson = "compact"\nws = true\nws_port = {port}\nws_ip = "{address}"\nwss = false\n}}\n'
    )
    (folder / "janus.plugin.videoroom.jcfg").write_text("general: {\n}\n")


class JanusApi:
    """One session on one WebSocket; `ask` waits for the answer that is not a mere acknowledgment."""

    def __init__(self, http: aiohttp.ClientSession, socket_: aiohttp.ClientWebSocketResponse) -> None:
        self._http = http
        self._socket = socket_
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._session = 0
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._keep_alive())]

    @classmethod
    async def open(cls, address: str, port: int) -> JanusApi:
        http = aiohttp.ClientSession()
        socket_ = await http.ws_connect(f"ws://{address}:{port}/", protocols=["janus-protocol"])
        api = cls(http, socket_)
        api._session = (await api._ask(janus="create"))["data"]["id"]
        return api

    async def attach(self) -> int:
        """A handle: one connection of one member."""
        return int((await self._ask(janus="attach", plugin="janus.plugin.videoroom"))["data"]["id"])

    async def message(
        self, handle: int, body: dict[str, Any], jsep: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """A request to the room; the whole answer. Raises RuntimeError with Janus's reason."""
        extra = {"jsep": jsep} if jsep else {}
        answer = await self._ask(janus="message", handle_id=handle, body=body, **extra)
        data = answer.get("plugindata", {}).get("data", {})
        if "error" in data:
            raise RuntimeError(f"janus: {data['error']}")
        return answer

    async def _ask(self, **request: Any) -> dict[str, Any]:
        number = str(next(self._numbers))
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        if self._session:
            request["session_id"] = self._session
        await self._socket.send_json({"transaction": number, **request})
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            answer = await future
        if answer.get("janus") == "error":
            raise RuntimeError(f"janus: {answer['error']['reason']}")
        return answer

    async def _read(self) -> None:
        async for message in self._socket:
            said = message.json()
            if said.get("janus") == "ack":
                continue
            waiting = self._waiting.pop(said.get("transaction", ""), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(said)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(KEEP_ALIVE_S)
            await self._socket.send_json(
                {"janus": "keepalive", "transaction": "alive", "session_id": self._session}
            )

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._socket.close()
        await self._http.close()


class JanusMember(Member):
    """Speaks Janus's dialect of descriptions; packets, reports and counting are the other members'.

    Its connections are bound beforehand: libnice finishes no check with a peer that named no candidate.
    """

    def __init__(self, number: int, tally: Tally, address: str) -> None:
        super().__init__(number, tally)
        self._address = address
        self._ports = {link: link.bind(address) for link in (self.sending, self.watching)}

    def _candidate(self, link: Link) -> str:
        return f"a=candidate:1 1 udp 2130706431 {self._address} {self._ports[link]} typ host"

    def offer(self) -> str:
        # The load client is always the DTLS client; Janus would take that part after "actpass".
        lines = (
            super().offer().replace("a=setup:actpass", f"a=setup:active\r\n{self._candidate(self.sending)}")
        )
        return lines.replace(_VP8_LINE, _VP8_LINE + _FEEDBACK)

    def answer(self, offer: str) -> str:
        for ssrc in re.findall(r"a=ssrc:(\d+) cname", offer):
            self.heard.setdefault(int(ssrc), Heard())
        lines, mids = [], []
        for section in re.split(r"(?m)^(?=m=)", offer)[1:]:
            mid = re.search(r"a=mid:(\S+)", section)
            assert mid is not None
            mids.append(mid[1])
            lines += self._take(section, mid[1])
        head = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", f"a=group:BUNDLE {' '.join(mids)}"]
        return "\r\n".join([*head, *lines]) + "\r\n"

    def _take(self, section: str, mid: str) -> list[str]:
        """One section of the offer, received with everything in it."""
        first = section.split("\r\n", 1)[0].split()
        is_live = "a=sendonly" in section
        kept = re.findall(r"^(a=(?:rtpmap|fmtp|rtcp-fb|extmap):.*?)\r?$", section, re.MULTILINE)
        return [
            f"{first[0]} 9 {' '.join(first[2:])}",
            "c=IN IP4 0.0.0.0",
            f"a=ice-ufrag:{self.watching.ufrag}",
            f"a=ice-pwd:{self.watching.password}",
            f"a=fingerprint:{self.watching.fingerprint}",
            "a=setup:active",
            self._candidate(self.watching),
            f"a=mid:{mid}",
            "a=recvonly" if is_live else "a=inactive",
            "a=rtcp-mux",
            *(line for line in kept if "transport-wide-cc" not in line and "transport-cc" not in line),
        ]


class JanusHearing(Load):
    """The same hearing in a VideoRoom: one sending and one receiving connection per member."""

    def __init__(self, count: int, *, address: str, event_loops: int = 0) -> None:
        tally = Tally()
        super().__init__([JanusMember(number, tally, address) for number in range(count)], tally, size=count)
        self._address = address
        self._event_loops = event_loops
        self.server: JanusServer
        self._api: JanusApi

    @property
    def pid(self) -> int:
        return self.server.pid

    async def begin(self) -> None:
        """Start it, publish, subscribe everybody to everybody; returns when every stream reaches every member."""
        self.server = await JanusServer.start(self._address, event_loops=self._event_loops)
        self._api = api = await JanusApi.open(self._address, self.server.port)
        desk = await api.attach()
        await api.message(
            desk,
            {"request": "create", "room": ROOM, "publishers": len(self.members), "bitrate": 0, "fir_freq": 0,
             "audiocodec": "opus", "videocodec": "vp8", "record": True, "rec_dir": f"{self.server.folder}/records"},
        )  # fmt: skip
        # All at once: a first hello that finds Janus not ready is repeated a second later.
        feeds = await asyncio.gather(*(self._publish(member) for member in self.members))
        self.start_sending()
        await asyncio.gather(
            *(
                self._watch(member, [feed for feed in feeds if feed != own])
                for member, own in zip(self.members, feeds, strict=True)
            )
        )
        await self.everybody_heard()

    async def _publish(self, member: Member) -> int:
        handle = await self._api.attach()
        joined = await self._api.message(
            handle, {"request": "join", "ptype": "publisher", "room": ROOM, "display": f"m{member.number}"}
        )
        offer = {"type": "offer", "sdp": member.offer(), "trickle": False}
        answer = await self._api.message(handle, {"request": "publish"}, offer)
        await member.sending.connect(answer["jsep"]["sdp"])
        return int(joined["plugindata"]["data"]["id"])

    async def _watch(self, member: Member, feeds: list[int]) -> None:
        handle = await self._api.attach()
        streams = [{"feed": feed} for feed in feeds]
        attached = await self._api.message(
            handle, {"request": "join", "ptype": "subscriber", "room": ROOM, "streams": streams}
        )
        offer = attached["jsep"]["sdp"]
        answer = {"type": "answer", "sdp": member.answer(offer), "trickle": False}
        started = asyncio.create_task(self._api.message(handle, {"request": "start"}, answer))
        await member.watching.connect(offer, controls=False)
        await started

    async def end(self) -> dict[str, Any]:
        """Hang up, stop it; how many bytes it recorded."""
        await self.hang_up()
        if hasattr(self, "_api"):
            await self._api.close()
        records = Path(self.server.folder) / "records"
        recorded = sum(each.stat().st_size for each in records.glob("*.mjr"))
        await self.server.stop()
        return {"recorded_bytes": recorded}
