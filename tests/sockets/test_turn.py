"""The way through a TURN server: credentials that coturn takes, media that pass it, peers it must refuse."""

import asyncio
import base64
import hashlib
import hmac
import re
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aioice import stun
from aioice.turn import create_turn_endpoint
from pydantic import ValidationError

from hearing_server.adapters.turn import TurnServers
from hearing_server.errors import Unavailable
from hearing_server.robots.party import senses_of
from hearing_server.robots.seat import Seat
from hearing_server.settings import MediaSettings
from tests.court import RunningCourt, running_court
from tests.sockets.coturn import SECRET, Coturn, coturn, needs_coturn

ANSWER_S = 3.0


def test_credentials__then_they_are_what_the_draft_says_and_name_nobody() -> None:
    turn = TurnServers(
        ("turn:turn.court.example:3478",), SECRET.encode(), life_s=600, now_s=lambda: 1_000_000.5
    )
    (first,), (second,) = turn.for_one_seat(), turn.for_one_seat()
    assert re.fullmatch(r"1000600:[0-9a-f]{12}", str(first["username"]))
    assert first["username"] != second["username"]
    digest = hmac.new(SECRET.encode(), str(first["username"]).encode(), hashlib.sha1).digest()
    assert base64.b64decode(str(first["credential"])) == digest


def _media(**values: Any) -> MediaSettings:
    return MediaSettings(**values)


def test_settings__without_a_secret_or_with_another_scheme__are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="turn_secret_file"):
        _media(turn_urls=("turn:turn.court.example",))
    with pytest.raises(ValidationError, match="turn: or turns:"):
        _media(turn_urls=("https://turn.court.example",), turn_secret_file=tmp_path)


def test_secret__when_its_file_is_missing_or_empty__then_the_start_says_so(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    for file in (tmp_path / "missing", empty):
        with pytest.raises(Unavailable) as refused:
            TurnServers.from_settings(_media(turn_urls=("turn:turn.court.example",), turn_secret_file=file))
        assert refused.value.code == "media.turn_secret_missing"
    assert TurnServers.from_settings(_media()).for_one_seat() == []


@asynccontextmanager
async def court_with_turn(
    folder: Path, *, transport: str, trust: pytest.MonkeyPatch
) -> AsyncIterator[RunningCourt]:
    """`trust`: with TLS the robot looks for coturn's certificate among those of its machine, as a phone does."""
    secret_file = folder / "turn.secret"
    secret_file.write_text(SECRET + "\n")
    async with coturn() as server:
        if transport == "tls":
            trust.setenv("SSL_CERT_FILE", str(server.certificate))
        media = {"turn_urls": (server.url(transport),), "turn_secret_file": secret_file}
        async with running_court(folder / "data", media=media) as court:
            yield court


@needs_coturn
@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_turn__when_no_other_way_is_allowed__then_media_pass_it_both_ways(
    tmp_path: Path, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        court_with_turn(tmp_path, transport=transport, trust=monkeypatch) as court,
        court.staff("judge") as judge,
        court.staff("clerk") as clerk,
    ):
        hearing_id = (await judge.get("/hearings"))["items"][0]["id"]
        direct = Seat(judge, hearing_id)
        relayed = Seat(clerk, hearing_id, relayed_only=True)
        try:
            for number, seat in enumerate((direct, relayed)):
                await seat.connect()
                await seat.report("present")
                await seat.take()
                await seat.publish_from(senses_of(number, rate_hz=15, size=(160, 120)))
            for seat, other in ((direct, clerk), (relayed, judge)):
                await _sees(seat, str(other.me["id"]))
            room = court.engine._rooms[hearing_id]
            publisher = room.participants[clerk.me["id"]].publisher
            assert publisher is not None
            path = publisher.transport.agent.selected
            assert path is not None
            assert _gathered(relayed) == {"relay"}
            # What the server sees is the port that coturn lent, not the robot's own.
            assert path.address[1] in _relayed_ports(relayed)
        finally:
            await direct.close()
            await relayed.close()


async def _sees(seat: Seat, person: str) -> None:
    async with asyncio.timeout(20):
        while min(seat.frames[person, source] for source in ("microphone", "camera")) < 5:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def _candidates(seat: Seat) -> list[Any]:
    assert seat.up is not None
    assert seat.up.peer is not None
    return re.findall(r"a=candidate:\S+ 1 udp \d+ \S+ (\d+) typ (\w+)", seat.up.peer.localDescription.sdp)


def _gathered(seat: Seat) -> set[str]:
    return {kind for _, kind in _candidates(seat)}


def _relayed_ports(seat: Seat) -> set[int]:
    return {int(port) for port, _ in _candidates(seat)}


@needs_coturn
async def test_turn__when_a_stranger_or_another_peer_is_named__then_coturn_refuses() -> None:
    async with coturn() as running:
        (server,) = TurnServers(("turn:x",), SECRET.encode(), life_s=600).for_one_seat()
        (past,) = TurnServers(("turn:x",), SECRET.encode(), life_s=600, now_s=lambda: 1e9).for_one_seat()
        (forged,) = TurnServers(("turn:x",), b"another secret", life_s=600).for_one_seat()
        for wrong in (past, forged):
            with pytest.raises(stun.TransactionFailed):
                await _allocate(running, wrong)
        transport, protocol = await _allocate(running, server)
        try:
            inner = transport._TurnTransport__inner_protocol
            await inner.channel_bind(0x4001, ("127.0.0.1", 9))  # the court's own address
            with pytest.raises(stun.TransactionFailed) as refused:
                await inner.channel_bind(0x4002, ("127.0.0.9", 9))
            assert refused.value.response.attributes["ERROR-CODE"][0] == 403
        finally:
            transport.close()
        assert protocol is not None


@needs_coturn
async def test_turn_over_tls__when_the_certificate_is_unknown_or_tls_is_old__then_nothing_is_said() -> None:
    async with coturn() as running:
        (server,) = TurnServers(("turns:x",), SECRET.encode(), life_s=600).for_one_seat()
        with pytest.raises(ssl.SSLCertVerificationError):
            await _allocate(running, server, context=ssl.create_default_context())
        known = ssl.create_default_context(cafile=str(running.certificate))
        transport, _ = await _allocate(running, server, context=known)
        transport.close()
        assert (await _tls_version(running, known)) in ("TLSv1.2", "TLSv1.3")
        old = ssl.create_default_context(cafile=str(running.certificate))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")  # so that it is coturn that refuses, not our own library
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await _tls_version(running, old)


async def _tls_version(server: Coturn, context: ssl.SSLContext) -> str:
    _, writer = await asyncio.open_connection(
        "127.0.0.1",
        server.tls_port,
        ssl=context,
        ssl_handshake_timeout=ANSWER_S,  # coturn says nothing to whom it refuses
    )
    try:
        return str(writer.get_extra_info("ssl_object").version())
    finally:
        writer.close()


async def _allocate(
    server: Coturn, credentials: dict[str, object], *, context: ssl.SSLContext | None = None
) -> Any:
    return await create_turn_endpoint(
        asyncio.DatagramProtocol,
        server_addr=("127.0.0.1", server.port if context is None else server.tls_port),
        username=str(credentials["username"]),
        password=str(credentials["credential"]),
        ssl=context,
        transport="udp" if context is None else "tcp",
    )
