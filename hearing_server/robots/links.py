"""A robot's two connections: the way up (it offers) and the way down (the server offers), with their states.

aiortc has neither an ICE restart nor the state "disconnected". The restart here does what a browser's achieves: the
server hears of it, its new credentials are taken over, and a nominating check goes out at once on the pair in use, so
that a changed address is followed within a round trip. "disconnected" is said by the seat, which hears silence.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtcconfiguration import RTCBundlePolicy, RTCIceTransportPolicy
from aiortc.sdp import SessionDescription

from hearing_server.robots.ladder import LinkState

# aiortc would estimate from send times, so badly on a busy machine that the server would pause pictures. Browsers
# acknowledge packets instead; a robot does neither, and the server goes by its reports of loss.
_SEND_TIMES = re.compile(r"a=extmap:\d+ http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n")
_UFRAG = re.compile(r"a=ice-ufrag:(\S+)")
_PASSWORD = re.compile(r"a=ice-pwd:(\S+)")
_OURS = {
    "new": LinkState.NEW,
    "connecting": LinkState.CONNECTING,
    "connected": LinkState.CONNECTED,
    # Closed by the other side's goodbye; our own is said by `close`.
    "closed": LinkState.FAILED,
    "failed": LinkState.FAILED,
}

SendOffer = Callable[[str, dict[str, str]], Awaitable[str]]
SendAnswer = Callable[[int, str], Awaitable[None]]


def configuration(ice_servers: list[dict[str, Any]], *, relayed_only: bool = False) -> RTCConfiguration:
    """What the join answer said, for aiortc. Never its default, which is somebody's public STUN server.

    One transport for all sections from the start (RFC 8829 4.1.1): by its default aiortc gives each kind one of its own
    and moves only the first section of each kind to the common one. Every further picture of a fresh connection's
    first offer then stays on a transport that is closed, unseen and unheard for good.
    """
    servers = [
        RTCIceServer(urls=each["urls"], username=each.get("username"), credential=each.get("credential"))
        for each in ice_servers
    ]
    policy = RTCIceTransportPolicy.RELAY if relayed_only else RTCIceTransportPolicy.ALL
    return RTCConfiguration(
        iceServers=servers, iceTransportPolicy=policy, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE
    )


def forget_host_sockets(peer: RTCPeerConnection) -> None:
    """Make "relay" mean it: aioice then names no host candidate, but would still send checks from them."""
    for transceiver in peer.getTransceivers():
        connection: Any = transceiver.receiver.transport.transport.iceGatherer._connection
        for protocol in [each for each in connection._protocols if each.local_candidate.type == "host"]:
            connection._protocols.remove(protocol)
            protocol.transport.close()


class Link:
    """One peer connection that may be exchanged for a fresh one. `on_state` hears every change."""

    def __init__(
        self, configure: Callable[[], tuple[RTCConfiguration, bool]], on_state: Callable[[LinkState], None]
    ) -> None:
        self.state = LinkState.NEW
        self.peer: RTCPeerConnection | None = None
        self._configure = configure
        self._on_state = on_state
        self._relayed_only = False
        self._checking: asyncio.Task[None] | None = None

    def _new_peer(self) -> RTCPeerConnection:
        configured, self._relayed_only = self._configure()
        peer = self.peer = RTCPeerConnection(configured)

        @peer.on("connectionstatechange")
        def changed() -> None:
            if peer is self.peer:
                self.say(_OURS[peer.connectionState])

        self.say(LinkState.NEW)
        return peer

    def say(self, state: LinkState) -> None:
        """A new state, ours or the seat's word about silence."""
        if state is not self.state:
            self.state = state
            self._on_state(state)

    async def received_bytes(self) -> int:
        """What came through this connection so far."""
        if self.peer is None:
            return 0
        report = await self.peer.getStats()
        return sum(each.bytesReceived for each in report.values() if each.type == "transport")

    async def check_now(self, sdp: str) -> None:
        """Take over the server's credentials and nominate the pair in use, at once."""
        ice: Any = self._ice()
        ufrag, password = _UFRAG.search(sdp), _PASSWORD.search(sdp)
        if ice is None or ufrag is None or password is None or not ice._nominated:
            return
        ice.remote_username, ice.remote_password = ufrag[1], password[1]
        for pair in ice._nominated.values():
            request = ice.build_request(pair, nominate=True)
            await pair.protocol.request(request, pair.remote_addr, integrity_key=password[1].encode())

    def check_soon(self, sdp: str) -> None:
        """As `check_now`, without waiting for it; what fails is left to the ladder and the next check."""
        self._checking = asyncio.ensure_future(self._check(sdp))

    async def _check(self, sdp: str) -> None:
        try:
            await self.check_now(sdp)
        except Exception:  # aioice's errors have no common base; the ladder and the next check go on
            return

    def _ice(self) -> Any:
        transceivers = self.peer.getTransceivers() if self.peer is not None else []
        dtls = transceivers[0].receiver.transport if transceivers else None
        return dtls.transport._connection if dtls is not None else None

    async def _set_local(self, peer: RTCPeerConnection, description: RTCSessionDescription) -> None:
        await peer.setLocalDescription(description)
        if self._relayed_only:
            forget_host_sockets(peer)

    async def drop(self) -> None:
        """Hang up without a word to the seat."""
        peer, self.peer = self.peer, None
        if peer is not None:
            await peer.close()

    async def close(self) -> None:
        if self._checking is not None:
            self._checking.cancel()
        await self.drop()
        self.say(LinkState.CLOSED)


class UpLink(Link):
    """Sends the tracks that `make_tracks` makes: a closed connection takes its tracks with it."""

    def __init__(
        self,
        configure: Callable[[], tuple[RTCConfiguration, bool]],
        on_state: Callable[[LinkState], None],
        make_tracks: Callable[[], tuple[MediaStreamTrack, ...]],
        send_offer: SendOffer,
    ) -> None:
        super().__init__(configure, on_state)
        self._make_tracks = make_tracks
        self._send_offer = send_offer
        self.resting: dict[str, asyncio.Task[None]] = {}  # source -> what keeps its track's time meanwhile
        self._offer: tuple[str, dict[str, str]] = ("", {})

    async def publish(self) -> None:
        """A fresh connection; the old one goes once the server has answered."""
        former = self.peer
        peer = self._new_peer()
        try:
            for track in self._make_tracks():
                peer.addTransceiver(track, direction="sendonly")
            await self._set_local(peer, await peer.createOffer())
            sources = {
                str(each.mid): "microphone" if each.kind == "audio" else "camera"
                for each in peer.getTransceivers()
            }
            self._offer = (peer.localDescription.sdp, sources)
            answer = await self._send_offer(*self._offer)
            await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        finally:
            if former is not None:
                await former.close()

    def want(self, source: str, rids: list[str] | None) -> None:
        """The server's word about layers (`layers_wanted`): a robot has one, so it sends it or lets it rest."""
        kind = {"camera": "video"}.get(source)
        for transceiver in self.peer.getTransceivers() if self.peer is not None else ():
            sender = transceiver.sender
            if transceiver.kind != kind:
                continue
            if rids == [] and sender.track is not None:
                self.resting[source] = asyncio.ensure_future(_idle(sender.track, sender.replaceTrack))
                sender.replaceTrack(None)
            elif rids != [] and source in self.resting:
                self.resting.pop(source).cancel()

    async def close(self) -> None:
        for resting in self.resting.values():
            resting.cancel()
        await super().close()

    @property
    def offer(self) -> tuple[str, dict[str, str]]:
        """What was offered last, and what each section carries; empty before the first time."""
        return self._offer

    async def restart_ice(self) -> None:
        """Ask the server, then check: see above."""
        if self.peer is None:
            return
        await self.check_now(await self._send_offer(*self._offer))


async def _idle(track: MediaStreamTrack, replace_track: Callable[[MediaStreamTrack], None]) -> None:
    """Let a camera run unseen, so that it is at the right moment when it is wanted again; then give it back."""
    try:
        while True:
            await track.recv()
    except MediaStreamError:
        return  # it ended meanwhile
    except asyncio.CancelledError:
        replace_track(track)
        raise


class DownLink(Link):
    """Answers the server's offers. `on_track(identity, source, receiver)` hears each new one."""

    def __init__(
        self,
        configure: Callable[[], tuple[RTCConfiguration, bool]],
        on_state: Callable[[LinkState], None],
        on_track: Callable[[str, str, RTCRtpReceiver], None],
        send_answer: SendAnswer,
    ) -> None:
        super().__init__(configure, on_state)
        self._on_track = on_track
        self._send_answer = send_answer
        self._fingerprint = ""
        self._carried: dict[str, tuple[str, str]] = {}  # section -> whose, and what of them

    async def offered(self, offer: dict[str, Any], send_answer: SendAnswer | None = None) -> None:
        """One offer of the server, in order. `send_answer`: by another door."""
        sdp = _SEND_TIMES.sub("", offer["sdp"])
        fingerprint = next((line for line in sdp.split("\r\n") if line.startswith("a=fingerprint:")), "")
        if self.peer is not None and (
            fingerprint != self._fingerprint or self.peer.connectionState in ("closed", "failed")
        ):
            await self.drop()  # another certificate is another transport on the server's side
        self._fingerprint = fingerprint
        is_running = self.peer is not None
        if self.peer is None:
            self._carried.clear()
        peer = self.peer or self._new_peer()
        await peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await self._set_local(peer, await peer.createAnswer())
        _expect_streams(peer, sdp)
        await (send_answer or self._send_answer)(offer["version"], peer.localDescription.sdp)
        if is_running:
            self.check_soon(sdp)
        by_mid = {each.mid: each.receiver for each in peer.getTransceivers()}
        for track in offer["tracks"]:
            carried = (track["identity"], track["source"])
            if self._carried.get(track["mid"]) != carried:
                self._carried[track["mid"]] = carried
                self._on_track(*carried, by_mid[track["mid"]])


def _expect_streams(peer: RTCPeerConnection, sdp: str) -> None:
    """Tell the receivers that already run which streams the offer has for them.

    aiortc takes SSRCs from the first offer of a section alone. A section that is given to somebody else has others,
    and whatever comes by them would be thrown away. Browsers read each description (RFC 8829 5.10).
    """
    by_mid = {each.mid: each.receiver for each in peer.getTransceivers()}
    for section in SessionDescription.parse(sdp).media:
        receiver: Any = by_mid.get(section.rtp.muxId)
        if receiver is None or not receiver._RTCRtpReceiver__started:
            continue
        ssrcs = [each.ssrc for each in section.ssrc]
        receiver.transport._rtp_router.ssrc_table.update(dict.fromkeys(ssrcs, receiver))
        if len(ssrcs) == 2:  # the picture and its repairs
            receiver._RTCRtpReceiver__rtx_ssrc[ssrcs[1]] = ssrcs[0]
