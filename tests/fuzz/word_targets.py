"""Targets above the media: session descriptions, Socket.IO packets, command bodies, join grants."""

from __future__ import annotations

import base64
import hmac
import json
import re
from random import Random
from typing import Final

import orjson
from pydantic import ValidationError

from hearing_server.sockets import case_space, hearing
from signaling.errors import SignalingError
from signaling.grants import verify_grant
from signaling.negotiation import KIND_OF_SOURCE, LocalTransport, accept, write_answer
from signaling.sdp import MAX_RIDS, MAX_SECTIONS, MAX_SSRCS, Fingerprint, parse
from signaling.socket_kit.connection import SocketBody, _invalid
from signaling.socket_kit.wire import MAX_DEPTH, ProtocolFault, StrictPacket
from tests.fuzz.corpus import hex_lines, texts
from tests.fuzz.mutator import Mutate, byte_mutator, line_mutator
from tests.fuzz.runner import Check, Target

DESCRIPTIONS: Final = texts("sdp")
PACKETS: Final = hex_lines("socket_io")
GRANTS: Final = hex_lines("grant")
GRANT_KEY: Final = b"fuzz-key-of-thirty-two-bytes-000"
_LOCAL: Final = LocalTransport(
    ufrag="0123456789ab",
    password="0" * 48,
    fingerprint=Fingerprint("sha-256", ":".join(["AB"] * 32)),
    addresses=("192.0.2.1", "2001:db8::1"),
    udp_port=5000,
    tcp_port=5001,
)
_SOURCES: Final[tuple[dict[str, str], ...]] = (
    {"0": "microphone", "1": "camera"},
    {"0": "camera"},
    {"2": "screen"},
    {},
)
_LINE: Final = re.compile(r"[a-z]=[^\r\n]*")
MAX_ANSWER_CHARS: Final = (
    200_000  # 128 sections of the longest kind: signalling is signed in, but not for free
)


def _fresh_sdp() -> Check:
    turn = 0

    def check(data: bytes) -> bool:
        nonlocal turn
        turn += 1
        try:
            offer = parse(data.decode("utf-8", "surrogatepass"))
            accepted = accept(
                offer, _SOURCES[turn % len(_SOURCES)], frozenset(KIND_OF_SOURCE), accept_red=bool(turn & 1)
            )
        except SignalingError as error:
            if error.code not in ("sdp.malformed", "sdp.unsupported"):
                raise
            return False
        assert len(offer.sections) <= MAX_SECTIONS
        for section in accepted:
            assert len(section.rids) <= MAX_RIDS
            assert len(section.ssrcs) <= MAX_SSRCS
            assert len(section.rtx_of) <= MAX_SSRCS
            assert all(1 <= number <= 255 for number in section.extensions.values())
        answer = write_answer(offer, accepted, _LOCAL)
        assert len(answer) <= MAX_ANSWER_CHARS
        lines = answer.split("\r\n")
        assert lines.pop() == ""
        assert all(_LINE.fullmatch(line) for line in lines), "a line of the peer's was smuggled in"
        assert sum(line.startswith("m=") for line in lines) == len(offer.sections)
        assert lines.count("a=ice-lite") == 1
        return True

    return check


def _fresh_packet() -> Check:
    def check(data: bytes) -> bool:
        for form in (data, data.decode("utf-8", "replace")):
            try:
                packet = StrictPacket(encoded_packet=form or b"")
            except ProtocolFault as fault:
                if not fault.code.startswith("protocol."):
                    raise
                continue
            assert packet.packet_type in (0, 1, 2)
            assert packet.id is None or packet.id < 10**9
            assert _depth(packet.data) <= MAX_DEPTH + 1
            return True
        return False

    return check


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max((_depth(each) for each in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((_depth(each) for each in value), default=0)
    return 0


BODIES: Final[list[type[SocketBody]]] = [
    each
    for module in (hearing, case_space)
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, SocketBody) and each is not SocketBody
]
_HONEST: Final[list[dict[str, object]]] = [
    {"sdp": "v=0", "sources": {"0": "microphone", "1": "camera"}},
    {"version": 3, "sdp": "v=0"},
    {"grant": "g" * 40},
    {"ticket": "t" * 40, "hearing_id": "hearing_1"},
    {"source": "camera", "muted": True},
    {"source": "camera", "identity": "judge", "max_height_px": 360},
    {"stage": "present", "page": "visible", "battery_pct": 50},
    {"lanes": {"lane_1": {"seq": 5, "epoch": "e"}}},
    {"client_id": "c1", "lane": "lane_1", "text": "您好", "body": {"text": "x"}},
    {},
]
_ODD: Final[list[object]] = [
    None, True, -1, 2**53, 2**70, 1e308, "", "x" * 5000, "\x00", "\ud7ff", "汉" * 100, [], [[]], {}, {"": {}},
    {"a": [1] * 50}, "camera", "microphone", "visible",
]  # fmt: skip


def body_mutator(chance: Random) -> bytes:
    """An honest body with odd, missing and foreign parts, as JSON."""
    body: dict[str, object] = dict(chance.choice(_HONEST))
    for _ in range(chance.getrandbits(2)):
        keys = list(body) or ["x"]
        way = chance.getrandbits(2)
        if way == 0:
            body.pop(chance.choice(keys), None)
        elif way == 1:
            body[chance.choice(keys)] = chance.choice(_ODD)
        elif way == 2:
            body.update(chance.choice(_HONEST))
        else:
            body[chance.choice(("extra", "__class__", "model_config", ""))] = chance.choice(_ODD)
    return json.dumps(body).encode()


def _fresh_body() -> Check:
    def check(data: bytes) -> bool:
        value = json.loads(data)
        understood = False
        for kind in BODIES:
            try:
                body = kind.model_validate(value)
            except ValidationError as error:
                orjson.dumps(_invalid(error, "zh-CN"))
                continue
            understood = True
            assert set(body.model_dump()) >= set(value), "an unknown field was let in"
        return understood

    return check


def _signed(chance: Random) -> bytes:
    """A grant whose claims were mutated and signed all the same: what a leaked key would be worth."""
    text = _mutate_grant(chance)
    if chance.random() < 0.5:
        return text
    head, _, rest = text.partition(b".")
    claims = rest.partition(b".")[0]
    signature = hmac.digest(GRANT_KEY, head + b"." + claims, "sha256")
    return head + b"." + claims + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")


def _fresh_grant() -> Check:
    def check(data: bytes) -> bool:
        try:
            grant = verify_grant(data.decode("utf-8", "replace"), [GRANT_KEY], 1_000_000.0)
        except SignalingError as error:
            if error.code not in ("grant.invalid", "grant.expired"):
                raise
            return False
        assert grant.may_publish <= {"microphone", "camera", "screen"}
        assert grant.expires_at_s <= 1_000_000.0 + 65
        return True

    return check


_mutate_grant: Final[Mutate] = byte_mutator(GRANTS, [b".", b"=", b"eyJ", b"\xff"])
_STORED_DESCRIPTIONS: Final = [text.encode() for text in DESCRIPTIONS] + hex_lines("sdp")
TARGETS: Final = [
    Target("sdp", _fresh_sdp, line_mutator(DESCRIPTIONS, "\r\n"), "sdp", _STORED_DESCRIPTIONS, 12_000, 0.15),
    Target(
        "socket_io",
        _fresh_packet,
        byte_mutator(PACKETS, [b"[", b'{"', b"/hearing,"]),
        "socket_io",
        PACKETS,
        100_000,
        0.1,
    ),
    Target("command_body", _fresh_body, body_mutator, "command_body", [], 15_000, 0.2),
    Target("grant", _fresh_grant, _signed, "grant", GRANTS, 10_000, 0.005),
]
