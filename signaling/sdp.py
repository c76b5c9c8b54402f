"""Reading session descriptions (RFC 8866) from browsers, defensively: every oddity is one typed error.

Only what the room needs is kept. Nothing here contacts an address: candidates are skipped altogether.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from signaling.errors import SignalingError

MAX_SDP_CHARS: Final = 128 * 1024  # a browser with 60 received tracks sends about 70 kB
MAX_LINES: Final = 6000
MAX_LINE_CHARS: Final = 2048
MAX_SECTIONS: Final = 128
MAX_CODECS: Final = 128
MAX_SSRCS: Final = 64
MAX_RIDS: Final = 4  # three simulcast layers are usual
_TOKEN: Final = re.compile(r"[A-Za-z0-9_.+/=-]{1,32}")
_RID: Final = re.compile(r"[A-Za-z0-9_-]{1,16}")
_ICE: Final = re.compile(r"[A-Za-z0-9+/=_-]{1,256}")  # RFC 8839 ice-char; a few clients use = _ - as well
_HEX: Final = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){19,63}")
_HASHES: Final = frozenset({"sha-256", "sha-384", "sha-512"})
_DIRECTIONS: Final = frozenset({"sendrecv", "sendonly", "recvonly", "inactive"})


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A certificate digest: algorithm ("sha-256" …) and colon-separated hex."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class CodecLine:
    """One payload type: rtpmap with its fmtp parameters."""

    payload_type: int
    name: str  # lower case
    clock_rate_hz: int
    parameters: dict[str, str]


@dataclass(slots=True)
class Section:
    """One m-line."""

    kind: str
    port: int
    protocol: str
    mid: str = ""
    direction: str = "sendrecv"
    ufrag: str | None = None
    password: str | None = None
    fingerprint: Fingerprint | None = None
    setup: str | None = None
    codecs: list[CodecLine] = field(default_factory=list)
    payload_types: list[int] = field(default_factory=list)
    extensions: dict[str, int] = field(default_factory=dict)  # URI -> id
    rids: list[str] = field(default_factory=list)  # in the order of the offer, simulcast only
    ssrcs: list[int] = field(default_factory=list)
    rtx_of: dict[int, int] = field(default_factory=dict)  # rtx ssrc -> media ssrc, from FID groups
    rtcp_mux: bool = False

    @property
    def rejected(self) -> bool:
        return self.port == 0


@dataclass(slots=True)
class Description:
    """A parsed description; the transport facts are those of the bundle."""

    sections: list[Section]
    ufrag: str
    password: str
    fingerprint: Fingerprint
    setup: str


def parse(text: str) -> Description:
    """Parse an offer or answer. Raises `sdp.malformed` or `sdp.unsupported`, never anything else."""
    try:
        return _parse(text)
    except SignalingError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise SignalingError("sdp.malformed", type(error).__name__) from None


def _parse(text: str) -> Description:
    if not isinstance(text, str) or len(text) > MAX_SDP_CHARS or not text.startswith("v=0"):
        raise SignalingError("sdp.malformed", "size or version")
    lines = text.replace("\r\n", "\n").split("\n")
    if "\r" in text.replace(
        "\r\n", ""
    ):  # our answer repeats names: a line end inside one would be a line of ours
        raise SignalingError("sdp.malformed", "line ends")
    if len(lines) > MAX_LINES or any(len(line) > MAX_LINE_CHARS for line in lines):
        raise SignalingError("sdp.malformed", "too long")
    session = Section(kind="session", port=9, protocol="")
    sections: list[Section] = []
    at = session
    raw: dict[int, tuple[str, int]] = {}
    formats: dict[int, dict[str, str]] = {}
    for line in lines:
        if line.startswith("m="):
            _finish(at, raw, formats)
            at, raw, formats = _section(line), {}, {}
            sections.append(at)
            if len(sections) > MAX_SECTIONS:
                raise SignalingError("sdp.malformed", "too many sections")
        elif line.startswith("a="):
            name, _, value = line[2:].partition(":")
            _attribute(at, name, value.strip(), raw, formats)
    _finish(at, raw, formats)
    return _description(session, sections)


def _section(line: str) -> Section:
    kind, port, protocol, *formats = line[2:].split()
    number = int(port.partition("/")[0])
    if not 0 <= number <= 65535 or len(formats) > MAX_CODECS:
        raise SignalingError("sdp.malformed", "m-line")
    section = Section(kind=_matching(_TOKEN, kind), port=number, protocol=_matching(_TOKEN, protocol))
    if kind in ("audio", "video"):
        section.payload_types = [int(each) for each in formats]
    return section


def _attribute(
    at: Section, name: str, value: str, raw: dict[int, tuple[str, int]], formats: dict[int, dict[str, str]]
) -> None:
    if name in _DIRECTIONS:
        at.direction = name
    elif name == "mid":
        at.mid = _matching(_TOKEN, value)
    elif name == "ice-ufrag":
        at.ufrag = _matching(_ICE, value)
    elif name == "ice-pwd":
        at.password = _matching(_ICE, value)
    elif name == "setup":
        at.setup = value
    elif name == "rtcp-mux":
        at.rtcp_mux = True
    elif name == "fingerprint":
        algorithm, digest = value.split()
        if algorithm.lower() in _HASHES and at.fingerprint is None:
            at.fingerprint = Fingerprint(algorithm.lower(), _matching(_HEX, digest).upper())
    elif name == "rtpmap" and len(raw) < MAX_CODECS:
        number, codec = value.split(maxsplit=1)
        parts = codec.split("/")
        raw[int(number)] = (_matching(_TOKEN, parts[0]).lower(), int(parts[1]))
    elif name == "fmtp" and len(formats) < MAX_CODECS:
        number, parameters = value.split(maxsplit=1)
        formats[int(number)] = _parameters(parameters)
    elif name == "extmap":
        number, uri = value.split()[:2]
        at.extensions[uri] = _between(int(number.partition("/")[0]), 1, 255)
    elif name == "rid":
        rid, direction = value.split()[:2]
        if direction == "send" and len(at.rids) < MAX_RIDS:
            at.rids.append(_matching(_RID, rid))
    elif name == "ssrc" and len(at.ssrcs) < MAX_SSRCS:
        ssrc = _between(int(value.split()[0]), 0, 0xFFFFFFFF)
        if ssrc not in at.ssrcs:
            at.ssrcs.append(ssrc)
    elif name == "ssrc-group" and value.startswith("FID ") and len(at.rtx_of) < MAX_SSRCS:
        media, rtx = (int(each) for each in value.split()[1:3])
        at.rtx_of[rtx] = media


def _parameters(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(";")[:32]:
        key, _, value = part.strip().partition("=")
        found[key.lower()] = value
    return found


def _finish(at: Section, raw: dict[int, tuple[str, int]], formats: dict[int, dict[str, str]]) -> None:
    for number in at.payload_types:
        if number in raw:
            name, clock = raw[number]
            at.codecs.append(CodecLine(_between(number, 0, 127), name, clock, formats.get(number, {})))


def _description(session: Section, sections: list[Section]) -> Description:
    mids = [section.mid for section in sections]
    if len(set(mids)) != len(mids) or "" in mids:
        raise SignalingError("sdp.unsupported", "every section needs a mid of its own")
    alive = [section for section in sections if not section.rejected] or sections
    for section in [session, *alive]:
        ufrag, password = section.ufrag or session.ufrag, section.password or session.password
        fingerprint = section.fingerprint or session.fingerprint
        if ufrag and password and fingerprint:
            setup = section.setup or session.setup or "actpass"
            return Description(sections, ufrag, password, fingerprint, setup)
    raise SignalingError("sdp.unsupported", "no ICE credentials or certificate digest")


def _matching(pattern: re.Pattern[str], value: str) -> str:
    if not pattern.fullmatch(value):
        raise SignalingError("sdp.malformed", "characters")
    return value


def _between(value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise SignalingError("sdp.malformed", "number out of range")
    return value
