"""The stretches of one outgoing stream in which every number differs from the publisher's by a constant."""

from __future__ import annotations

from typing import Final, NamedTuple

from signaling.rtp.sequence import nearest_extended

_MAX_SPANS: Final = 256  # thinning makes up to 30 spans per second; half of these outlive every cache (2 s)


class Span(NamedTuple):
    """One stretch; numbers are unwrapped, offsets are outgoing minus incoming."""

    first_out: int
    first_in: int
    ssrc: int  # of the layer it was made from
    sequence_offset: int
    timestamp_offset: int
    picture_offset: int
    tl0_offset: int
    max_temporal: int  # the highest temporal layer that was forwarded in it


class SpanHistory:
    """The latest spans, oldest first. Overflow policy: the older half is forgotten, with what could be repaired."""

    __slots__ = ("_spans",)

    def __init__(self) -> None:
        self._spans: list[Span] = []

    def push(self, span: Span) -> None:
        """A new span begins; one in which nothing was sent is replaced."""
        spans = self._spans
        if spans and spans[-1].first_out == span.first_out:
            spans[-1] = span
            return
        spans.append(span)
        if len(spans) > _MAX_SPANS:
            del spans[: _MAX_SPANS // 2]

    def clear(self) -> None:
        """Forget everything."""
        self._spans.clear()

    def place_of(self, ssrc: int, sequence: int, next_out: int) -> tuple[Span, int] | None:
        """(span, outgoing number) that was kept for a late packet of the present layer.

        None when there is none: it is from before the layer was chosen, or the sequence has closed over it.
        """
        limit = next_out
        for span in reversed(self._spans):
            if span.ssrc != ssrc:
                return None
            if sequence >= span.first_in:
                out = sequence + span.sequence_offset
                return (span, out) if out < limit else None
            limit = span.first_out
        return None

    def origin_of(self, sequence: int, next_out: int) -> tuple[Span, int] | None:
        """(span, unwrapped number) of an outgoing 16-bit number; None when never sent or forgotten."""
        out = nearest_extended(sequence, next_out - 1)
        if out >= next_out:
            return None
        for span in reversed(self._spans):
            if out >= span.first_out:
                return span, out
        return None
