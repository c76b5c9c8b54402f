"""Who is speaking, from the loudness that every audio packet carries (RFC 6464)."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, Generic, TypeVar

ACTIVE_LEVEL: Final = 35  # -35 dBov or louder is speech (LiveKit)
WINDOW_MS: Final = 400.0
ACTIVE_SHARE: Final = 0.40  # of a window must be speech
PACKET_MS: Final = 20.0  # Opus as browsers send it
TAKEOVER_WINDOWS: Final = (
    3  # a louder challenger must hold out that long (1.2 s) against one who still speaks
)
TAKEOVER_DB: Final = 3.0
ONSET_MS: Final = 2 * PACKET_MS  # two loud packets are no click
PAUSE_MS: Final = 2 * WINDOW_MS  # whoever speaks into a pause this long has the floor
SILENCE_MS: Final = 3000.0  # the last speaker stays on stage through a pause for thought

KeyT = TypeVar("KeyT", bound=Hashable)


class _Voice:
    __slots__ = (
        "active_ms",
        "challenge",
        "is_active",
        "level_sum",
        "loudness",
        "packets",
        "spoke_ms",
        "window_end_ms",
    )

    def __init__(self, now_ms: float) -> None:
        self.window_end_ms = now_ms + WINDOW_MS
        self.active_ms = 0.0
        self.level_sum = 0.0
        self.packets = 0
        self.is_active = False
        self.loudness = -127.0
        self.challenge = 0
        self.spoke_ms = float("-inf")


class SpeakerDetector(Generic[KeyT]):
    """Chooses one speaker of a room with hysteresis: no flapping on coughs, no waiting when others are silent."""

    __slots__ = ("_voices", "speaker")

    def __init__(self) -> None:
        self._voices: dict[KeyT, _Voice] = {}
        self.speaker: KeyT | None = None

    def level(self, key: KeyT, level: int, now_ms: float) -> None:
        """One audio packet of `key`: 0 loudest .. 127 silent. Levels below 0 (absent) are ignored."""
        if level < 0:
            return
        voice = self._voices.get(key)
        if voice is None:
            voice = self._voices[key] = _Voice(now_ms)
        if level <= ACTIVE_LEVEL:
            voice.active_ms += PACKET_MS
            voice.level_sum += level
            voice.packets += 1

    def levels(self, key: KeyT, packets: int, loud: int, loudness: int, now_ms: float) -> None:
        """Some audio packets of `key` at once: how many told their level, how many of them are speech, their sum."""
        if not packets:
            return
        voice = self._voices.get(key)
        if voice is None:
            voice = self._voices[key] = _Voice(now_ms)
        voice.active_ms += loud * PACKET_MS
        voice.level_sum += loudness
        voice.packets += loud

    def heard(self, now_ms: float) -> dict[KeyT, tuple[float, float]]:
        """Of every voice: when it last spoke (-inf: not yet) and how loud that was, in dBov.

        A voice that begins in the middle of a window counts at once, so that it is not cut off meanwhile.
        """
        return {
            key: (now_ms, -voice.level_sum / voice.packets)
            if voice.active_ms >= ONSET_MS
            else (voice.spoke_ms, voice.loudness)
            for key, voice in self._voices.items()
        }

    def remove(self, key: KeyT) -> None:
        """The source is gone or muted: it cannot be the speaker."""
        self._voices.pop(key, None)
        if self.speaker == key:
            self.speaker = None

    def update(self, now_ms: float) -> bool:
        """Call it every 100-400 ms. True when `speaker` changed."""
        before = self.speaker
        for key, voice in self._voices.items():
            if now_ms >= voice.window_end_ms:
                self._close_window(key, voice, now_ms)
        current = self._voices.get(self.speaker) if self.speaker is not None else None
        if current is not None and now_ms - current.spoke_ms > SILENCE_MS:
            self.speaker = None
        return self.speaker != before

    def _close_window(self, key: KeyT, voice: _Voice, now_ms: float) -> None:
        length_ms = max(WINDOW_MS, now_ms - voice.window_end_ms + WINDOW_MS)
        voice.is_active = voice.active_ms >= ACTIVE_SHARE * length_ms
        if voice.is_active:
            voice.loudness = -voice.level_sum / voice.packets
            voice.spoke_ms = now_ms
        voice.active_ms = voice.level_sum = 0.0
        voice.packets = 0
        voice.window_end_ms = now_ms + WINDOW_MS
        self._consider(key, voice)

    def _consider(self, key: KeyT, voice: _Voice) -> None:
        if not voice.is_active or key == self.speaker:
            voice.challenge = 0
            return
        current = self._voices.get(self.speaker) if self.speaker is not None else None
        if current is None or voice.spoke_ms - current.spoke_ms >= PAUSE_MS:
            voice.challenge = 0
            self.speaker = key
            return
        voice.challenge = voice.challenge + 1 if voice.loudness > current.loudness + TAKEOVER_DB else 0
        if voice.challenge >= TAKEOVER_WINDOWS:
            voice.challenge = 0
            self.speaker = key
