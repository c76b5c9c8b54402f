"""One m-line of a viewer's connection, and how its packets will be numbered."""

import secrets
from dataclasses import dataclass, field

from signaling.forwarder import Leg
from signaling.negotiation import OFFERED_ABS_SEND_TIME, OFFERED_MID, OFFERED_TYPES
from signaling.publishing.layer_demand import Want
from signaling.publishing.publication import Publication
from signaling.rtp import extensions
from signaling.rtp.clock import RoundTrip
from signaling.rtp.keyframes import KeyframeAllowance
from signaling.rtp.nack import AnswerLimiter
from signaling.rtp.rates import RateMeter
from signaling.rtp.rewriter import ALL_TEMPORAL_LAYERS, RewriterSettings


@dataclass(slots=True)
class Slot:
    """One m-line of the viewer's connection. It outlives its track and is used again for another of its kind."""

    mid: str
    kind: str
    codec: str
    publication: Publication | None = None
    leg: Leg | None = None
    ssrc: int = 0
    rtx_ssrc: int | None = None
    limiter: AnswerLimiter = field(default_factory=AnswerLimiter)
    keyframes: KeyframeAllowance = field(default_factory=KeyframeAllowance)
    round_trip: RoundTrip = field(default_factory=RoundTrip)
    loss_ratio: float = 0.0
    want: Want | None = None  # what of its picture the publisher should send for this viewer
    packets_before: int = 0  # sent up to the last report
    highest: int | None = None  # newest outgoing number (16 bits) that the viewer reported
    max_temporal: int = ALL_TEMPORAL_LAYERS  # what the leg was told last
    copied_to: int | None = (
        None  # outgoing number up to which base pictures left twice; None: none did lately
    )
    was_starved: bool = False  # the line had no room for it
    rate: RateMeter = field(default_factory=RateMeter)  # of what is sent; fed once a second
    nacks_heard: int = 0  # packets the viewer asked for again
    repairs_sent: int = 0
    keyframes_heard: int = 0  # picture losses the viewer reported

    @property
    def height_px(self) -> int:
        """Of the picture that is being sent; 0 for a voice and while nothing is."""
        leg, publication = self.leg, self.publication
        if leg is None or publication is None or not leg.is_live or not publication.is_flowing:
            return 0
        layer = publication.layer_of(leg.rewriter.source)
        return layer.stream.height_px if layer is not None else 0


def numbering_of(slot: Slot, publication: Publication) -> RewriterSettings:
    """A fresh numbering for what the slot will carry."""
    payload_type, rtx = OFFERED_TYPES[publication.codec]
    is_video = publication.is_video  # voices carry nothing that a repeat would change, see `negotiation`
    block = extensions.build_block(
        mid_id=OFFERED_MID,
        mid=slot.mid,
        abs_send_time_id=OFFERED_ABS_SEND_TIME if is_video else 0,
        has_wide_sequence=is_video,
    )
    return RewriterSettings(
        ssrc=slot.ssrc,
        payload_type=payload_type,
        clock_rate_hz=90000 if publication.is_video else 48000,
        needs_keyframe=publication.is_video,
        rtx_ssrc=slot.rtx_ssrc,
        rtx_payload_type=rtx,
        extension=block,
        has_send_time=is_video,
        has_wide_sequence=is_video,
        first_sequence=secrets.randbelow(0x7FFF) + 1,
        first_timestamp=secrets.randbelow(0x7FFFFFFF),
    )
