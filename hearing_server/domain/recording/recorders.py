"""The two recorders of a hearing (双录): which of them is seen to write.

Both write the same packets, each in its own process and folder. A hearing opens with both, or with one by the judge's
explicit and reasoned choice; one that stops while the other writes is an alarm, not an interruption.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from hearing_server.errors import Unavailable


class RecorderName(StrEnum):
    """主录 in the room's own process, 备录 in another."""

    FIRST = "first"
    SECOND = "second"


NAMES: dict[RecorderName, tuple[str, str]] = {
    RecorderName.FIRST: ("主录", "first recorder"),
    RecorderName.SECOND: ("备录", "second recorder"),
}


@dataclass(frozen=True, slots=True)
class RecorderLight:
    """One recorder as it is seen from outside. `has_room`: its volume holds the reserve that a hearing may need."""

    name: RecorderName
    is_writing: bool
    has_room: bool = True
    failure: str | None = None

    @property
    def is_refused(self) -> bool:
        """Its folder said no: waiting longer proves nothing."""
        return (self.failure or "").startswith(("disk.", "recording."))

    @property
    def is_good(self) -> bool:
        """A hearing may be opened on it."""
        return self.is_writing and self.has_room


def missing_of(lights: Sequence[RecorderLight]) -> tuple[RecorderLight, ...]:
    """Those a hearing may not be opened on."""
    return tuple(light for light in lights if not light.is_good)


def one_recorder(missing: RecorderLight) -> Unavailable:
    """Why a hearing isn't opened although one recorder writes."""
    zh, en = NAMES[missing.name]
    return Unavailable(
        "recording.one_recorder",
        zh=f"{zh}尚未确认写入，只有一路录音录像可用。可排查后重试，或由法官说明理由后以一路开庭",
        en=f"The {en} isn't proven to write. Look into it and try again, or open with one recorder, giving a reason",
    )
