"""Who has the floor in a room and whose voice passes, ten times a second, from the loudness of what people send."""

from collections.abc import Mapping

from signaling.rooms.attention import SILENCE_DB, Attention, Voice, silenced
from signaling.rooms.participant import Participant
from signaling.rtp.speaker import SpeakerDetector


class Floor:
    """One per room: feeds `attention` from `speakers`."""

    def __init__(
        self,
        attention: Attention,
        speakers: SpeakerDetector[str],
        participants: Mapping[str, Participant],
        max_voices: int,
    ) -> None:
        self._attention = attention
        self._speakers = speakers
        self._participants = participants
        self._max_voices = max_voices

    def update(self, now_ms: float) -> bool:
        """True when somebody's voice passes now that did not, or the other way round."""
        attention = self._attention
        attention.floor(self._speakers.speaker, now_ms)
        before = attention.silenced
        attention.silenced = silenced(self._voices(now_ms), self._max_voices, before, now_ms)
        return attention.silenced != before

    def _voices(self, now_ms: float) -> list[Voice]:
        """The open microphones. One whose packets tell no loudness has no entry among the speakers."""
        heard = self._speakers.heard(now_ms)
        return [
            Voice(identity, self._attention.standing(identity), *heard.get(identity, (None, SILENCE_DB)))
            for identity, participant in self._participants.items()
            if any(not each.is_video and each.is_flowing for each in participant.publications.values())
        ]
