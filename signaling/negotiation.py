"""Writing our session descriptions: the answer to a publisher, the offer to a viewer. Pure text from parameters.

Decisions (design 4.5): VP8 first, H.264 constrained baseline for phones that need it, Opus with in-band FEC; one
codec per section, so that what is recorded never changes its codec in the middle; no video-orientation, so that
pixels stay upright; BUNDLE and rtcp-mux always.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from signaling.errors import SignalingError
from signaling.rtp import extensions
from signaling.sdp import CodecLine, Description, Fingerprint, Section

KINDS: Final = ("audio", "video")
KIND_OF_SOURCE: Final = {"microphone": "audio", "camera": "video", "screen": "video"}
CODEC_NAMES: Final = {"vp8": "VP8", "h264": "H264", "opus": "opus"}
OPUS_PARAMETERS: Final = "minptime=10;useinbandfec=1"
H264_PARAMETERS: Final = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
# A lost voice packet is repeated as it was (there is no RTX for it), under the same number and with AES-GCM under the
# same nonce: then not one octet of it may differ, or its authentication key could be computed (RFC 7714 8.1, 9.1). So
# voices carry nothing that changes from one sending to the next, neither send times nor transport-wide numbers.
_WANTED_EXTENSIONS: Final = {
    "audio": (extensions.MID_URI, extensions.AUDIO_LEVEL_URI),
    "video": (
        extensions.MID_URI,
        extensions.RID_URI,
        extensions.REPAIRED_RID_URI,
        extensions.ABS_SEND_TIME_URI,
        extensions.TRANSPORT_CC_URI,
    ),
}

_VIDEO_FEEDBACK: Final = ("ccm fir", "nack", "nack pli", "goog-remb", "transport-cc")

# Payload types and extension ids of our own offers. Fixed, so that an m-line may be used again for another track.
OFFERED_TYPES: Final = {"opus": (111, None), "VP8": (96, 97), "H264": (98, 99)}
OFFERED_RED: Final = 63
OFFERED_ABS_SEND_TIME: Final = 3
OFFERED_MID: Final = 4


@dataclass(frozen=True, slots=True)
class LocalTransport:
    """What our side of one transport is reached by."""

    ufrag: str
    password: str
    fingerprint: Fingerprint
    addresses: tuple[str, ...]
    udp_port: int
    tcp_port: int


@dataclass(frozen=True, slots=True)
class AcceptedSection:
    """One m-line of a publisher that we take, with what its packets will look like."""

    mid: str
    source: str
    kind: str
    codec: str
    clock_rate_hz: int
    payload_type: int
    rtx_payload_type: int | None
    red_payload_type: int | None
    extensions: Mapping[str, int]
    rids: tuple[str, ...]
    ssrcs: tuple[int, ...]
    rtx_of: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class OfferSection:
    """One m-line of a viewer's offer; without a track it is kept as inactive for later use."""

    mid: str
    kind: str
    codec: str
    identity: str | None = None
    source: str | None = None
    ssrc: int = 0
    rtx_ssrc: int | None = None

    @property
    def active(self) -> bool:
        return self.identity is not None


def accept(
    offer: Description, sources: Mapping[str, str], allowed: frozenset[str], *, accept_red: bool = False
) -> list[AcceptedSection]:
    """Which sections of a publisher's offer are taken: those named in `sources`, sending, and allowed.

    With `accept_red` voices come with redundancy (RFC 2198) when the browser offers it.
    """
    for each in offer.sections:
        if each.kind in KINDS and not each.rejected and not each.codecs:
            raise SignalingError("sdp.unsupported", "a section without codecs")
    accepted: list[AcceptedSection] = []
    by_mid = {section.mid: section for section in offer.sections}
    for mid, source in sources.items():
        section = by_mid.get(mid)
        if section is None or KIND_OF_SOURCE.get(source) != section.kind:
            raise SignalingError("sdp.unsupported", "a named section is missing or of another kind")
        if source not in allowed:
            raise SignalingError("publish.not_allowed", source)
        if section.rejected or section.direction in ("recvonly", "inactive"):
            continue
        accepted.append(_accept_section(section, source, accept_red))
    if len({each.source for each in accepted}) != len(accepted):
        raise SignalingError("sdp.unsupported", "one source twice")
    return accepted


def _accept_section(section: Section, source: str, accept_red: bool) -> AcceptedSection:
    codec = _choose_codec(section)
    rtx = next(
        (c for c in section.codecs if c.name == "rtx" and c.parameters.get("apt") == str(codec.payload_type)),
        None,
    )
    wanted = _WANTED_EXTENSIONS[section.kind]
    return AcceptedSection(
        mid=section.mid,
        source=source,
        kind=section.kind,
        codec=CODEC_NAMES[codec.name],
        clock_rate_hz=codec.clock_rate_hz,
        payload_type=codec.payload_type,
        rtx_payload_type=rtx.payload_type if rtx else None,
        red_payload_type=_red_type(section, codec) if accept_red else None,
        extensions={uri: number for uri, number in section.extensions.items() if uri in wanted},
        rids=tuple(section.rids) if section.kind == "video" else (),
        ssrcs=tuple(section.ssrcs),
        rtx_of=dict(section.rtx_of),
    )


def _red_type(section: Section, codec: CodecLine) -> int | None:
    """RED, when the number its blocks carry for Opus is the one viewers know: the blocks pass as they are."""
    if codec.payload_type != OFFERED_TYPES["opus"][0]:
        return None
    wanted = f"{codec.payload_type}/{codec.payload_type}"
    found = [each for each in section.codecs if each.name == "red" and wanted in each.parameters]
    return found[0].payload_type if section.kind == "audio" and found else None


def _choose_codec(section: Section) -> CodecLine:
    if section.kind == "audio":
        found = [codec for codec in section.codecs if codec.name == "opus" and codec.clock_rate_hz == 48000]
    else:
        found = [codec for codec in section.codecs if codec.name == "vp8"]
        found += [codec for codec in section.codecs if _is_constrained_baseline(codec)]
    if not found:
        raise SignalingError("sdp.unsupported", "no codec in common")
    return found[0]


def _is_constrained_baseline(codec: CodecLine) -> bool:
    profile = codec.parameters.get("profile-level-id", "").lower()
    mode = codec.parameters.get("packetization-mode", "0")
    return codec.name == "h264" and mode == "1" and profile[:4] in ("42e0", "42c0")


def write_answer(offer: Description, accepted: Iterable[AcceptedSection], local: LocalTransport) -> str:
    """The answer to a publisher: recvonly for what is taken, inactive or rejected for the rest."""
    taken = {section.mid: section for section in accepted}
    dead = [each.mid for each in offer.sections if each.rejected or each.kind not in KINDS]
    lines = _head([section.mid for section in offer.sections if section.mid not in dead])
    for section in offer.sections:
        if section.mid in dead:
            lines += [
                f"m={section.kind} 0 {section.protocol} 0",
                "c=IN IP4 0.0.0.0",
                f"a=mid:{section.mid}",
                "a=inactive",
            ]
        elif section.mid in taken:
            lines += _answer_section(taken[section.mid], local)
        else:
            lines += _inactive_section(section, local)
    return "\r\n".join(lines) + "\r\n"


def _answer_section(section: AcceptedSection, local: LocalTransport) -> list[str]:
    numbers = [section.payload_type]
    if section.red_payload_type is not None:
        numbers.insert(0, section.red_payload_type)  # browsers send what stands first
    if section.rtx_payload_type is not None:
        numbers.append(section.rtx_payload_type)
    lines = _media_head(section.kind, numbers, section.mid, "recvonly", "passive", local)
    lines += [
        f"a=extmap:{number} {uri}" for uri, number in sorted(section.extensions.items(), key=lambda x: x[1])
    ]
    lines += _codec_lines(section.codec, section.payload_type, section.rtx_payload_type, bitrate_hints=True)
    if section.red_payload_type is not None:
        lines += _red_lines(section.red_payload_type, section.payload_type)
    lines += [f"a=rid:{rid} recv" for rid in section.rids]
    if section.rids:
        lines.append("a=simulcast:recv " + ";".join(section.rids))
    return lines


def _red_lines(red: int, payload_type: int) -> list[str]:
    return [
        f"a=rtpmap:{red} red/48000/2",
        f"a=rtcp-fb:{red} nack",
        f"a=fmtp:{red} {payload_type}/{payload_type}",
    ]


def _inactive_section(section: Section, local: LocalTransport) -> list[str]:
    codec = section.codecs[0]  # inactive, so any of the offered ones will do
    name = {"vp8": "VP8", "h264": "H264"}.get(codec.name, codec.name)
    channels = "/2" if codec.name == "opus" else ""
    lines = _media_head(section.kind, [codec.payload_type], section.mid, "inactive", "passive", local)
    return [*lines, f"a=rtpmap:{codec.payload_type} {name}/{codec.clock_rate_hz}{channels}"]


def write_offer(sections: Iterable[OfferSection], local: LocalTransport, *, offer_red: bool = False) -> str:
    """The offer to a viewer: one sendonly section per track, inactive ones kept in place for later use.

    With `offer_red` voices may come with redundancy (RFC 2198); the viewer's answer says whether it takes it.
    """
    listed = list(sections)
    lines = _head([section.mid for section in listed])
    for section in listed:
        payload_type, rtx = OFFERED_TYPES[section.codec]
        direction = "sendonly" if section.active else "inactive"
        has_red = offer_red and section.codec == "opus"
        numbers = [payload_type] if rtx is None else [payload_type, rtx]
        numbers += [OFFERED_RED] if has_red else []
        lines += _media_head(section.kind, numbers, section.mid, direction, "actpass", local)
        lines.append(f"a=extmap:{OFFERED_MID} {extensions.MID_URI}")
        if section.kind == "video":
            lines.append(f"a=extmap:{OFFERED_ABS_SEND_TIME} {extensions.ABS_SEND_TIME_URI}")
            lines.append(f"a=extmap:{extensions.WIDE_ID} {extensions.TRANSPORT_CC_URI}")
        lines += _codec_lines(section.codec, payload_type, rtx, bitrate_hints=False)
        if has_red:
            lines += _red_lines(OFFERED_RED, payload_type)
        if section.active:
            lines += _track_lines(section)
    return "\r\n".join(lines) + "\r\n"


def _track_lines(section: OfferSection) -> list[str]:
    # Voice and face share a stream, so that browsers keep them in step; a screen has no sound of its own.
    stream = section.identity if section.source != "screen" else f"{section.identity}.screen"
    lines = [f"a=msid:{stream} {section.identity}.{section.source}"]
    if section.rtx_ssrc is not None:
        lines.append(f"a=ssrc-group:FID {section.ssrc} {section.rtx_ssrc}")
        lines.append(f"a=ssrc:{section.ssrc} cname:{section.identity}")
        lines.append(f"a=ssrc:{section.rtx_ssrc} cname:{section.identity}")
    else:
        lines.append(f"a=ssrc:{section.ssrc} cname:{section.identity}")
    return lines


def _head(mids: list[str]) -> list[str]:
    # Browsers look at neither number; both only have to be there.
    head = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=ice-lite"]
    return [*head, " ".join(["a=group:BUNDLE", *mids]), "a=msid-semantic: WMS *"]


def _media_head(
    kind: str, numbers: list[int], mid: str, direction: str, setup: str, local: LocalTransport
) -> list[str]:
    return [
        f"m={kind} 9 UDP/TLS/RTP/SAVPF {' '.join(str(number) for number in numbers)}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        *_candidates(local),
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        f"a=fingerprint:{local.fingerprint.algorithm} {local.fingerprint.value}",
        f"a=setup:{setup}",
        f"a=mid:{mid}",
        f"a={direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ]


def _candidates(local: LocalTransport) -> list[str]:
    # RFC 8445 5.1.2.1: type preference 126 for host; RFC 6544: direct TCP a step lower, so UDP is tried first.
    lines = []
    for index, address in enumerate(local.addresses):
        udp = (126 << 24) + ((65535 - index) << 8) + 255
        lines.append(f"a=candidate:u{index} 1 udp {udp} {address} {local.udp_port} typ host")
        if local.tcp_port:
            tcp = (90 << 24) + ((65535 - index) << 8) + 255
            lines.append(
                f"a=candidate:t{index} 1 tcp {tcp} {address} {local.tcp_port} typ host tcptype passive"
            )
    lines.append("a=end-of-candidates")
    return lines


def _codec_lines(codec: str, payload_type: int, rtx: int | None, *, bitrate_hints: bool) -> list[str]:
    if codec == "opus":
        return [
            f"a=rtpmap:{payload_type} opus/48000/2",
            f"a=rtcp-fb:{payload_type} nack",
            f"a=fmtp:{payload_type} {OPUS_PARAMETERS}",
        ]
    lines = [f"a=rtpmap:{payload_type} {codec}/90000"]
    lines += [f"a=rtcp-fb:{payload_type} {kind}" for kind in _VIDEO_FEEDBACK]
    parameters = [H264_PARAMETERS] if codec == "H264" else []
    if bitrate_hints:
        # Chromium starts its estimate here instead of at 300 kbit/s; others ignore the names.
        parameters.append("x-google-start-bitrate=1500")
    if parameters:
        lines.append(f"a=fmtp:{payload_type} {';'.join(parameters)}")
    if rtx is not None:
        lines += [f"a=rtpmap:{rtx} rtx/90000", f"a=fmtp:{rtx} apt={payload_type}"]
    return lines
