"""What the bytes of Opus, RED, VP8 and H.264 say about themselves. Pure functions and two assemblers."""

from __future__ import annotations

from typing import Final

_VP8_START_CODE: Final = b"\x9d\x01\x2a"
_ANNEX_B: Final = b"\x00\x00\x00\x01"
_NAL_IDR, _NAL_SPS, _NAL_PPS, _NAL_STAP_A, _NAL_FU_A = 5, 7, 8, 24, 28


def opus_duration_samples(packet: bytes) -> int:
    """Length of an Opus packet in samples at 48 kHz (RFC 6716 section 3.1); 0 when it cannot be told."""
    if not packet:
        return 0
    config = packet[0] >> 3
    if config < 12:
        frame = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:
        frame = (480, 960)[config & 1]
    else:
        frame = (120, 240, 480, 960)[config & 3]
    code = packet[0] & 3
    if code == 0:
        return frame
    if code < 3:
        return 2 * frame
    return frame * (packet[1] & 0x3F) if len(packet) > 1 else 0


def red_blocks(payload: bytes) -> list[tuple[int, bytes]] | None:
    """Blocks of a RED payload (RFC 2198), oldest first: (samples before the packet's timestamp, data).

    The last block is the primary one. None when the lengths do not fit.
    """
    headers: list[tuple[int, int]] = []
    at = 0
    while at < len(payload) and payload[at] & 0x80:
        if at + 4 > len(payload):
            return None
        word = int.from_bytes(payload[at + 1 : at + 4], "big")
        headers.append((word >> 10, word & 0x3FF))
        at += 4
    at += 1  # the primary block's one-byte header
    if at > len(payload):
        return None
    blocks = []
    for back_samples, length in headers:
        if at + length > len(payload):
            return None
        blocks.append((back_samples, payload[at : at + length]))
        at += length
    return [*blocks, (0, payload[at:])]


def vp8_is_key(frame: bytes) -> bool:
    """True for a VP8 key frame (RFC 6386 section 9.1: bit 0 clear, then the start code)."""
    return len(frame) >= 10 and not frame[0] & 1 and frame[3:6] == _VP8_START_CODE


def vp8_size_px(frame: bytes) -> tuple[int, int]:
    """(width, height) of a VP8 key frame; the upper two bits of each are scaling hints and cut off."""
    width = int.from_bytes(frame[6:8], "little") & 0x3FFF
    height = int.from_bytes(frame[8:10], "little") & 0x3FFF
    return width, height


def vp8_payload_start(payload: bytes) -> int | None:
    """Length of the VP8 payload descriptor (RFC 7741 section 4.2); None when the payload is too short."""
    if not payload:
        return None
    at = 1
    if payload[0] & 0x80:
        if len(payload) < 2:
            return None
        flags = payload[1]
        at = 2
        if flags & 0x80:
            if len(payload) <= at:
                return None
            at += 2 if payload[at] & 0x80 else 1
        at += bool(flags & 0x40) + bool(flags & 0x30)
    return at if at < len(payload) else None


def vp8_begins_frame(payload: bytes) -> bool:
    """True when the payload is the start of partition 0: the first packet of a frame."""
    return bool(payload) and payload[0] & 0x17 == 0x10


class Vp8Assembler:
    """Joins VP8 payloads of one timestamp."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def add(self, payload: bytes, *, begins: bool) -> bool:
        """See `PictureAssembler.add`."""
        start = vp8_payload_start(payload)
        if start is None or (begins and not vp8_begins_frame(payload)):
            return False
        self._parts.append(payload[start:])
        return True

    def take(self) -> bytes:
        """See `PictureAssembler.take`."""
        frame = b"".join(self._parts)
        self._parts.clear()
        return frame


class H264Assembler:
    """Joins H.264 payloads (RFC 6184, mode 1) to Annex B; key frames carry the parameter sets again."""

    def __init__(self) -> None:
        self._units: list[bytes] = []
        self._fragment: bytearray | None = None
        self._parameter_sets: dict[int, bytes] = {}

    def add(self, payload: bytes, *, begins: bool) -> bool:
        """See `PictureAssembler.add`."""
        kind = payload[0] & 0x1F
        if kind == _NAL_STAP_A:
            return self._add_aggregate(payload)
        if kind == _NAL_FU_A:
            return self._add_fragment(payload)
        if not 1 <= kind <= 23:
            return False
        self._keep(payload)
        return True

    def take(self) -> bytes:
        """See `PictureAssembler.take`."""
        units, self._units, self._fragment = self._units, [], None
        kinds = {unit[0] & 0x1F for unit in units}
        if _NAL_IDR in kinds:
            known = [self._parameter_sets.get(kind) for kind in (_NAL_SPS, _NAL_PPS) if kind not in kinds]
            units = [unit for unit in known if unit] + units
        return b"".join(_ANNEX_B + unit for unit in units)

    def _keep(self, unit: bytes) -> None:
        kind = unit[0] & 0x1F
        if kind in (_NAL_SPS, _NAL_PPS):
            self._parameter_sets[kind] = unit
        self._units.append(unit)

    def _add_aggregate(self, payload: bytes) -> bool:
        at = 1
        while at + 2 <= len(payload):
            length = int.from_bytes(payload[at : at + 2], "big")
            unit = payload[at + 2 : at + 2 + length]
            if not length or len(unit) != length:
                return False
            self._keep(unit)
            at += 2 + length
        return at == len(payload)

    def _add_fragment(self, payload: bytes) -> bool:
        if len(payload) < 3:
            return False
        is_start, is_end = payload[1] & 0x80, payload[1] & 0x40
        if is_start:
            self._fragment = bytearray([payload[0] & 0xE0 | payload[1] & 0x1F])
        if self._fragment is None:
            return False
        self._fragment += payload[2:]
        if is_end:
            unit, self._fragment = bytes(self._fragment), None
            self._keep(unit)
        return True


def h264_units(frame: bytes) -> list[bytes]:
    """NAL units of an Annex B frame built by `H264Assembler` (four-byte start codes)."""
    return [unit for unit in frame.split(_ANNEX_B) if unit]


def h264_is_key(frame: bytes) -> bool:
    """True when the frame holds an IDR slice and the parameter sets needed to decode it."""
    kinds = {unit[0] & 0x1F for unit in h264_units(frame)}
    return {_NAL_IDR, _NAL_SPS, _NAL_PPS} <= kinds


class _Bits:
    """Reads an RBSP bit by bit (emulation prevention removed)."""

    def __init__(self, unit: bytes) -> None:
        self._bits = int.from_bytes(raw := unit.replace(b"\x00\x00\x03", b"\x00\x00"), "big")
        self._left = 8 * len(raw)

    def take(self, count: int) -> int:
        if count > self._left:
            raise ValueError("parameter set too short")
        self._left -= count
        return self._bits >> self._left & ((1 << count) - 1)

    def golomb(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)


def h264_size_px(frame: bytes) -> tuple[int, int] | None:
    """(width, height) from the frame's sequence parameter set (H.264 7.3.2.1); None when it cannot be read.

    Reads the profiles browsers send (baseline 66, main 77); high profiles carry fields this does not skip.
    """
    sps = next((unit for unit in h264_units(frame) if unit[0] & 0x1F == _NAL_SPS), None)
    if sps is None or len(sps) < 5 or sps[1] not in (66, 77):
        return None
    try:
        return _sps_size(_Bits(sps[4:]))
    except ValueError:
        return None


def _sps_size(bits: _Bits) -> tuple[int, int]:
    bits.golomb()  # seq_parameter_set_id
    bits.golomb()  # log2_max_frame_num_minus4
    order_type = bits.golomb()
    if order_type == 0:
        bits.golomb()
    elif order_type == 1:
        bits.take(1)
        bits.golomb()
        bits.golomb()
        for _ in range(bits.golomb()):
            bits.golomb()
    bits.golomb()  # max_num_ref_frames
    bits.take(1)
    width = 16 * (bits.golomb() + 1)
    map_units = bits.golomb() + 1
    frame_only = bits.take(1)
    height = 16 * map_units * (2 - frame_only)
    if not frame_only:
        bits.take(1)
    bits.take(1)  # direct_8x8_inference_flag
    if bits.take(1):
        left, right, top, bottom = (bits.golomb() for _ in range(4))
        width -= 2 * (left + right)
        height -= 2 * (2 - frame_only) * (top + bottom)
    return width, height


def key_frame_start(codec: str, payload: bytes) -> tuple[bool, tuple[int, int] | None]:
    """Does this RTP payload begin a key frame, and of what size? Cheap: for a first pass over a recording."""
    if codec.upper() == "VP8":
        start = vp8_payload_start(payload) if vp8_begins_frame(payload) else None
        if start is None or not vp8_is_key(payload[start:]):
            return False, None
        return True, vp8_size_px(payload[start:])
    assembler = H264Assembler()
    if payload[0] & 0x1F not in (_NAL_STAP_A, _NAL_SPS) or not assembler.add(payload, begins=True):
        return False, None
    frame = assembler.take()
    is_start = any(unit[0] & 0x1F == _NAL_SPS for unit in h264_units(frame))
    return is_start, h264_size_px(frame) if is_start else None
