"""Descriptions: what a publisher offers is read, what we answer and offer is what browsers need."""

import pytest

from signaling.errors import SignalingError
from signaling.negotiation import LocalTransport, OfferSection, accept, write_answer, write_offer
from signaling.sdp import Fingerprint, parse

LOCAL = LocalTransport(
    "ufrag", "password", Fingerprint("sha-256", "AA:" * 31 + "AA"), ("192.0.2.1", "2001:db8::1"), 5000, 5001
)
ALL = frozenset({"microphone", "camera", "screen"})
HEAD = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"
TRANSPORT = (
    "a=ice-ufrag:abcd\r\na=ice-pwd:efghijklmnopqrstuvwxyz\r\n"
    f"a=fingerprint:sha-256 {'0f:' * 31}0F\r\na=setup:actpass\r\na=rtcp-mux\r\n"
)
AUDIO = (
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\n"
    + TRANSPORT
    + "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
    "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n"
    "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n"
)
VIDEO = (
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104 109\r\na=mid:1\r\na=sendonly\r\n"
    + TRANSPORT
    + "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
    "a=extmap:13 urn:3gpp:video-orientation\r\n"
    "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
    "a=rtpmap:103 H264/90000\r\na=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"
    "a=rtpmap:104 rtx/90000\r\na=fmtp:104 apt=103\r\na=rtpmap:109 H264/90000\r\na=fmtp:109 profile-level-id=640c1f\r\n"
    "a=rid:q send\r\na=rid:f send\r\na=simulcast:send q;f\r\n"
)
OFFER = HEAD + AUDIO + VIDEO
BOTH = {"0": "microphone", "1": "camera"}


def test_offer__when_parsed__then_transport_and_sections_are_there() -> None:
    offer = parse(OFFER)
    assert (offer.ufrag, offer.fingerprint.value[:5]) == ("abcd", "0F:0F")
    assert [(section.kind, section.mid, section.direction) for section in offer.sections] == [
        ("audio", "0", "sendonly"),
        ("video", "1", "sendonly"),
    ]
    assert offer.sections[1].rids == ["q", "f"]


def test_answer__when_simulcast_vp8_is_offered__then_it_is_taken_and_orientation_is_not() -> None:
    offer = parse(OFFER)
    answer = write_answer(offer, accept(offer, BOTH, ALL), LOCAL)
    video = answer.partition("m=video")[2]
    assert video.startswith(" 9 UDP/TLS/RTP/SAVPF 96 97\r\n")
    for line in (
        "a=recvonly",
        "a=setup:passive",
        "a=rid:q recv",
        "a=simulcast:recv q;f",
        "a=rtcp-fb:96 nack pli",
    ):
        assert f"{line}\r\n" in video
    assert "video-orientation" not in answer
    assert "a=ice-lite\r\n" in answer
    assert "a=fmtp:111 minptime=10;useinbandfec=1\r\n" in answer
    assert "a=candidate:u0 1 udp 2130706431 192.0.2.1 5000 typ host\r\n" in answer
    assert "192.0.2.1 5001 typ host tcptype passive\r\n" in answer
    assert answer.index("t=0 0") < answer.index("a=group:BUNDLE 0 1")


def test_answer__when_only_h264_constrained_baseline_fits__then_it_is_chosen_with_its_rtx() -> None:
    offer = parse(OFFER.replace("VP8/90000", "VP9/90000"))
    camera = accept(offer, {"1": "camera"}, ALL)[0]
    assert (camera.codec, camera.payload_type, camera.rtx_payload_type) == ("H264", 103, 104)


def test_answer__when_a_section_is_not_named__then_it_is_inactive_and_a_rejected_one_stays_rejected() -> None:
    offer = parse(OFFER + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n" + TRANSPORT)
    answer = write_answer(offer, accept(offer, {"0": "microphone"}, ALL), LOCAL)
    assert "a=inactive" in answer.partition("m=video")[2]
    assert "m=application 0 " in answer
    assert "a=group:BUNDLE 0 1\r\n" in answer


@pytest.mark.parametrize(
    ("sdp", "sources", "code"),
    [
        (OFFER, {"1": "microphone"}, "sdp.unsupported"),
        (OFFER, {"7": "camera"}, "sdp.unsupported"),
        (OFFER, {"0": "television"}, "sdp.unsupported"),
        (OFFER.replace("opus", "speex"), BOTH, "sdp.unsupported"),
        (OFFER.replace("a=mid:1", "a=mid:0"), BOTH, "sdp.unsupported"),
        (OFFER.replace("a=fingerprint:sha-256", "a=fingerprint:md5"), BOTH, "sdp.unsupported"),
        (OFFER.replace("a=rid:q send", "a=rid:q! send"), BOTH, "sdp.malformed"),
        (OFFER.replace("a=extmap:4", "a=extmap:400"), BOTH, "sdp.malformed"),
    ],
)
def test_offer__when_it_cannot_be_served__then_one_typed_error(
    sdp: str, sources: dict[str, str], code: str
) -> None:
    with pytest.raises(SignalingError) as refused:
        accept(parse(sdp), sources, ALL)
    assert refused.value.code == code


def test_offer__when_a_source_is_not_allowed__then_refused() -> None:
    with pytest.raises(SignalingError) as refused:
        accept(parse(OFFER), BOTH, frozenset({"microphone"}))
    assert refused.value.code == "publish.not_allowed"


def test_our_offer__when_written__then_it_parses_and_idle_sections_are_inactive() -> None:
    sections = [
        OfferSection("0", "audio", "opus", "per_1", "microphone", 11),
        OfferSection("1", "video", "VP8", "per_1", "camera", 22, 23),
        OfferSection("2", "video", "H264", "per_1", "screen", 33, 34),
        OfferSection("3", "video", "VP8"),
    ]
    sdp = write_offer(sections, LOCAL)
    read = parse(sdp)
    assert [section.direction for section in read.sections] == [
        "sendonly",
        "sendonly",
        "sendonly",
        "inactive",
    ]
    assert read.sections[1].rtx_of == {23: 22}
    assert sdp.count("a=msid:per_1 ") == 2
    assert "a=msid:per_1.screen per_1.screen\r\n" in sdp
    assert read.setup == "actpass"


def test_offer__when_redundancy_is_offered__then_voices_alone_list_it_behind_plain_opus() -> None:
    sections = [
        OfferSection("0", "audio", "opus", "per_1", "microphone", 11),
        OfferSection("1", "video", "VP8", "per_1", "camera", 22, 23),
    ]
    voice, picture = parse(write_offer(sections, LOCAL, offer_red=True)).sections
    assert voice.payload_types == [111, 63]
    assert voice.codecs[1].name == "red"
    assert "111/111" in voice.codecs[1].parameters
    assert picture.payload_types == [96, 97]
    assert parse(write_offer(sections, LOCAL)).sections[0].payload_types == [111]
