"""A member that sends its picture in three layers, as browsers do, and stops those that nobody wants."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.link import Link
from bench.member import RTX, VP8, Member, Outgoing, Tally, _send_time
from signaling.rtp import extensions, rtcp

_MID, _RID, _REPAIRED_RID = 4, 10, 11
_KEY_TIMES: Final = 3  # a key frame is about so many times as long as another picture
_FIRST_SSRC: Final = 500_000


@dataclass(frozen=True, slots=True)
class LayerSize:
    """What one layer costs: packets a picture (30 a second) of so many bytes."""

    rid: str
    width_px: int
    height_px: int
    parts: int
    part_bytes: int


# The web client's three: 150 kbit/s, 500 kbit/s, 1.7 Mbit/s.
LAYERS: Final = (
    LayerSize("q", 320, 180, 1, 620),
    LayerSize("h", 640, 360, 2, 1040),
    LayerSize("f", 1280, 720, 7, 1012),
)


@dataclass(slots=True)
class SentLayer:
    """One layer on its way out."""

    size: LayerSize
    stream: Outgoing
    is_active: bool = True
    wants_key: bool = True
    picture: int = field(default=0)


class SimulcastMember(Member):
    """`obeys`: whether it listens to what the server says about layers (`layers_wanted`)."""

    def __init__(self, number: int, tally: Tally, *, obeys: bool = True) -> None:
        super().__init__(number, tally)
        self.obeys = obeys
        self.layers = {
            size.rid: SentLayer(size, Outgoing(_FIRST_SSRC + 10 * number + place))
            for place, size in enumerate(LAYERS)
        }

    def want(self, rids: Sequence[str] | None) -> None:
        """The server's word: only these layers; None is all."""
        if not self.obeys:
            return
        for rid, layer in self.layers.items():
            wanted = rids is None or rid in rids
            layer.wants_key |= wanted and not layer.is_active
            layer.is_active = wanted

    @property
    def active(self) -> set[str]:
        return {rid for rid, layer in self.layers.items() if layer.is_active}

    def offer(self) -> str:
        lines = [
            line
            for line in super().offer().split("\r\n")
            if line != f"a=ssrc:{self.video.ssrc} cname:m{self.number}"
        ]
        lines = [*lines[:-1], *(f"a=rid:{rid} send" for rid in self.layers)]
        return "\r\n".join([*lines, "a=simulcast:send " + ";".join(self.layers)]) + "\r\n"

    def _section(self, kind: str, mid: str, way: str, setup: str, link: Link, numbers: str) -> list[str]:
        lines = super()._section(kind, mid, way, setup, link, numbers)
        if way != "sendonly" or kind != "video":
            return lines
        uris = ((_RID, extensions.RID_URI), (_REPAIRED_RID, extensions.REPAIRED_RID_URI))
        return [*lines, *(f"a=extmap:{number} {uri}" for number, uri in uris)]

    def show(self) -> None:
        """One picture in every layer that is on."""
        for layer in self.layers.values():
            if layer.is_active:
                self._show_layer(layer)

    def _show_layer(self, layer: SentLayer) -> None:
        size, stream = layer.size, layer.stream
        layer.picture += 1
        is_key, layer.wants_key = layer.wants_key, False
        self.tally.keyframes += is_key
        parts = size.parts * (_KEY_TIMES if is_key else 1)
        number = 0x8000 | layer.picture & 0x7FFF
        rid = size.rid.encode()
        names = bytes([_MID << 4, ord("1"), _RID << 4 | len(rid) - 1]) + rid
        for part in range(parts):
            first = 0x90 if part == 0 else 0x80
            descriptor = struct.pack("!BBHBB", first, 0xE0, number, layer.picture & 0xFF, 0)
            tag = b"\x01\x00\x00"
            if is_key:
                tag = b"\x10\x00\x00\x9d\x01\x2a" + struct.pack("<HH", size.width_px, size.height_px)
            payload = descriptor + (tag if part == 0 else b"") + bytes([part]) * size.part_bytes
            block = struct.pack("!HHB", 0xBEDE, 2, 0x32) + _send_time() + names
            self._send(stream, 0x90, VP8 | (0x80 if part == parts - 1 else 0), block + payload)
        stream.timestamp = stream.timestamp + 3000 & 0xFFFFFFFF

    def _asked(self, plain: bytes) -> None:
        for message in rtcp.parse(plain):
            if isinstance(message, rtcp.KeyframeRequest):
                for layer in self.layers.values():
                    layer.wants_key |= layer.stream.ssrc == message.ssrc

    def _sent(self) -> list[Outgoing]:
        return [self.audio, *(layer.stream for layer in self.layers.values() if layer.is_active)]


__all__ = ["LAYERS", "RTX", "LayerSize", "SimulcastMember"]
