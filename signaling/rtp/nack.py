"""Loss repair by retransmission: asking the publisher in time, and answering a viewer within reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

# Galene: reordering settles within 20 ms. Counted from the packet before the hole, the earliest moment at which the
# missing one can have been due: a small picture is one packet every 33 ms, and its hole needs no second wait.
FIRST_WAIT_MS: Final = 20.0
MAX_TRIES: Final = (
    20  # a bound only: time decides, or a short way would be given up within one burst of losses
)
# Senders keep what they sent for about a second (libwebrtc). What is missing longer is a key frame's to heal.
PICTURE_USEFUL_MS: Final = 1000.0
VOICE_USEFUL_MS: Final = 1000.0  # and a round trip: browsers keep what they sent about that long
LATEST_MS: Final = (
    1500.0  # an answer after this finds its place in a record given up (recorder's HOLE_PATIENCE_NS)
)
MIN_SPACING_MS: Final = 20.0
MAX_SPACING_MS: Final = 400.0
BACKOFF: Final = 1.25  # LiveKit nack.go
# ... up to twice the round trip, or this: after a line was dark for a moment nobody waits for a clock that ran on.
LONGEST_PAUSE_MS: Final = 100.0
MAX_PENDING: Final = 100  # LiveKit; a larger hole is cheaper to heal by a key frame
DEFAULT_RTT_MS: Final = 70.0  # LiveKit, until measured
# LiveKit answers three times; but after three answers into a line that is dark for a moment the picture stands until a
# key frame. Browsers ask ten times; what answers take of a line has a bound of its own (`repairing`).
MAX_ANSWERS: Final = 8
_ANSWERS_REMEMBERED: Final = 512
_FORGET_MS: Final = 10_000.0  # by then the 16-bit number may have come round again


class Patience(NamedTuple):
    """How long a missing packet is waited and asked for."""

    max_tries: int
    useful_ms: float | None  # besides a round trip; None: as long as there are tries


PICTURE: Final = Patience(MAX_TRIES, PICTURE_USEFUL_MS)
# A record wants what comes late, and asking costs nothing: tried until the sender has forgotten it.
VOICE: Final = Patience(64, VOICE_USEFUL_MS)


class LossDetector:
    """Watches one incoming stream by unwrapped sequence number and says which packets to ask for, and when.

    Gives up on a packet when its patience ends, on the oldest ones beyond MAX_PENDING, and on everything before a
    key frame. Packets given up for the first two reasons raise `needs_keyframe`, which the owner reads and clears.
    """

    __slots__ = (
        "_heard_ms", "_next", "_patience", "_pending", "asked", "given_up", "needs_keyframe", "on_missing", "recovered",
        "rtt_ms",
    )  # fmt: skip

    def __init__(self, *, rtt_ms: float = DEFAULT_RTT_MS, patience: Patience = PICTURE) -> None:
        self._next = -1
        self._heard_ms = 0.0  # of the last packet that `received` saw: within a frame of the newest one
        self._patience = patience
        # sequence -> (time of the next request, requests sent, missing since); insertion order = age
        self._pending: dict[int, tuple[float, int, float]] = {}
        self.rtt_ms = rtt_ms
        self.asked = 0  # requests, each packet of a message counted
        self.recovered = 0  # missing packets that came after all, asked for or only late
        self.given_up = 0
        self.needs_keyframe = False
        self.on_missing: Callable[[], None] | None = None  # called when packets were found missing

    @property
    def pending(self) -> int:
        """How many packets are missing and still hoped for."""
        return len(self._pending)

    def received(self, sequence: int, now_ms: float) -> None:
        """A packet arrived. Duplicates are harmless."""
        expected, before_ms = self._next, self._heard_ms
        if sequence == expected:
            self._next, self._heard_ms = sequence + 1, now_ms
            return
        if expected < 0:
            self._next = sequence + 1
        elif sequence < expected:
            if self._pending.pop(sequence, None) is not None:
                self.recovered += 1
        else:
            self._next, self._heard_ms = sequence + 1, now_ms
            self._add(expected, sequence, max(before_ms + FIRST_WAIT_MS, now_ms), now_ms)

    def had(self, sequence: int) -> None:
        """What this packet carried came in another one: it need not be asked for."""
        if self._pending.pop(sequence, None) is not None:
            self.recovered += 1

    def _add(self, start: int, stop: int, due_ms: float, now_ms: float) -> None:
        pending = self._pending
        overflow = len(pending) + stop - start - MAX_PENDING
        if overflow > 0:
            self.needs_keyframe = True
            self.given_up += overflow
            held = min(overflow, len(pending))
            for sequence in list(pending)[:held]:
                del pending[sequence]
            start += overflow - held
        for sequence in range(start, stop):
            pending[sequence] = (due_ms, 0, now_ms)
        if self.on_missing is not None:
            self.on_missing()

    def due(self, now_ms: float) -> list[int]:
        """16-bit sequence numbers to ask for now. Call it every 10-20 ms while `pending` is not 0."""
        pending = self._pending
        if not pending:
            return []
        asked: list[int] = []
        exhausted: list[int] = []
        spacing = min(max(self.rtt_ms, MIN_SPACING_MS), MAX_SPACING_MS)
        longest = min(max(2 * spacing, LONGEST_PAUSE_MS), MAX_SPACING_MS)
        max_tries, useful_ms = self._patience
        for sequence, (due_ms, tries, since_ms) in pending.items():
            if now_ms < due_ms:
                continue
            age_ms = now_ms - since_ms
            is_late = useful_ms is not None and age_ms > min(useful_ms + self.rtt_ms, LATEST_MS - self.rtt_ms)
            if tries >= max_tries or is_late:
                exhausted.append(sequence)
                continue
            wait_ms = min(spacing * BACKOFF**tries, longest)
            pending[sequence] = (now_ms + wait_ms, tries + 1, since_ms)
            asked.append(sequence & 0xFFFF)
        for sequence in exhausted:
            del pending[sequence]
        if exhausted:
            self.given_up += len(exhausted)
            self.needs_keyframe = True
        self.asked += len(asked)
        return asked

    def keyframe(self, sequence: int) -> None:
        """A key frame starts at this unwrapped number: nothing before it is worth asking for."""
        if self._pending:
            for missing in [number for number in self._pending if number < sequence]:
                del self._pending[missing]

    def forget(self) -> None:
        """Ask for nothing that is missing now (mute, hold, a restarted sender)."""
        self._pending.clear()
        self._next = -1


class AnswerLimiter:
    """Guards the answers to one viewer's NACKs: again after one round trip, after two more, ..., MAX_ANSWERS in all.

    Without it one viewer on a bad line asks for the same packets every few milliseconds and drowns its own link.
    """

    __slots__ = ("_answers", "rtt_ms")

    def __init__(self, *, rtt_ms: float = DEFAULT_RTT_MS) -> None:
        self._answers: dict[int, tuple[float, int]] = {}
        self.rtt_ms = rtt_ms

    def allows(self, sequence: int, now_ms: float) -> bool:
        """True when this outgoing (16-bit) number may be sent again now; the answer is then counted."""
        answers = self._answers
        sent_ms, count = answers.pop(sequence, (now_ms, 0))
        if now_ms - sent_ms > _FORGET_MS:
            count = 0
        allowed = count < MAX_ANSWERS and now_ms - sent_ms >= count * self.rtt_ms
        answers[sequence] = (now_ms, count + 1) if allowed else (sent_ms, count)
        if len(answers) > _ANSWERS_REMEMBERED:
            del answers[next(iter(answers))]
        return allowed
