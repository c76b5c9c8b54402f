"""The ways a reminder reaches a person, and what each of them proves.

Evidence grades (E1-E5): the provider took it, it is on the device, it was displayed, it was opened by the signed-in
person, that person acknowledged exactly this text. Only the fourth is "read", only the fifth "acknowledged".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum, StrEnum

from hearing_server.kernel import PersonId


class Channel(StrEnum):
    """`clerk` is a person: a rung of the ladder that puts a task on the desk of the case's clerk."""

    IN_APP = "in_app"
    SMS = "sms"
    WECHAT = "wechat"
    EMAIL = "email"
    WEB_PUSH = "web_push"
    VOICE = "voice"
    CLERK = "clerk"


# What leaves the house through the notices outbox; the other two are rows of our own.
OUTSIDE_CHANNELS = (Channel.SMS, Channel.WECHAT, Channel.EMAIL, Channel.WEB_PUSH, Channel.VOICE)


class Grade(IntEnum):
    """How much is proven, weakest first."""

    NONE = 0
    ACCEPTED = 1
    ON_DEVICE = 2
    DISPLAYED = 3
    OPENED = 4
    ACKNOWLEDGED = 5

    @property
    def word(self) -> str:
        return self.name.lower()


class AttemptState(StrEnum):
    """`unknown`: sent, and the provider never said what became of it."""

    QUEUED = "queued"
    UNKNOWN = "unknown"
    FAILED = "failed"
    ACCEPTED = "accepted"
    ON_DEVICE = "on_device"
    DISPLAYED = "displayed"
    OPENED = "opened"


_GRADES = {
    AttemptState.ACCEPTED: Grade.ACCEPTED,
    AttemptState.ON_DEVICE: Grade.ON_DEVICE,
    AttemptState.DISPLAYED: Grade.DISPLAYED,
    AttemptState.OPENED: Grade.OPENED,
}


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """One try on one channel at one level. `simulated` is shown to people.

    `maybe_twice`: the server died between sending and noting it, and sent again under the same key.
    `by`: the clerk who asked for it, None for the ladder's own steps.
    """

    level: int
    channel: Channel
    at: datetime
    state: AttemptState
    simulated: bool
    reason: str = ""
    reported_at: datetime | None = None
    maybe_twice: bool = False
    by: PersonId | None = None

    @property
    def grade(self) -> Grade:
        return _GRADES.get(self.state, Grade.NONE)


def report(
    attempt: DeliveryAttempt,
    state: AttemptState,
    *,
    at: datetime,
    reason: str = "",
    simulated: bool | None = None,
    maybe_twice: bool = False,
) -> DeliveryAttempt:
    """What became of an attempt. Proof only grows: late, double and contradicting reports can't take any back.

    A failure counts until something is proven beyond the provider's yes; a proof counts even after a failure.
    """
    after = replace(
        attempt,
        simulated=attempt.simulated if simulated is None else simulated,
        maybe_twice=attempt.maybe_twice or maybe_twice,
    )
    if state is AttemptState.FAILED:
        is_news = attempt.grade <= Grade.ACCEPTED and attempt.state is not AttemptState.FAILED
    elif attempt.state is AttemptState.FAILED:
        # A provider's late "accepted" says less than its "failed".
        is_news = _GRADES.get(state, Grade.NONE) > Grade.ACCEPTED
    else:
        is_news = _GRADES.get(state, Grade.NONE) > attempt.grade or (
            attempt.state is AttemptState.QUEUED and state is AttemptState.UNKNOWN
        )
    return replace(after, state=state, reported_at=at, reason=reason) if is_news else after
