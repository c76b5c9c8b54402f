"""What later events do to earlier ones: corrections beside the first words, tombstones in place of content.

Nothing is edited or deleted. A correction and a tombstone are events of their own that name their target by number and
hash; the target's body stays stored and the chain stays whole. Only what readers are *shown* follows the later event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hearing_server.domain.canonical_json import JsonObject
from hearing_server.domain.case_space.bodies import TextLabel, TombstoneGround
from hearing_server.domain.case_space.messages import MAX_TEXT_CHARS, EventType, LaneEvent
from hearing_server.errors import Conflict, Forbidden, Invalid
from hearing_server.kernel import PersonId

# Ten minutes find a slip of the pen; what somebody has acted on since is answered, not rewritten.
CORRECTION_S = 600
# Long enough for "wrong picture", too short to unsay what was read.
WITHDRAW_S = 120
# More versions than this are no corrections any more, and every page of the lane carries them all.
MAX_CORRECTIONS = 5
# A quotation shows which message is meant, not the message again.
EXCERPT_CHARS = 80
SAID_BY_PEOPLE = (
    EventType.TEXT,
    EventType.IMAGE,
    EventType.AUDIO,
    EventType.DOCUMENT,
    EventType.VIDEO,
)
_AMENDING = (EventType.CORRECTION, EventType.TOMBSTONE)


@dataclass(frozen=True, slots=True)
class PostingRules:
    """A court's limits on what people post: characters, and seconds within which the author may come back to it."""

    text_chars: int = MAX_TEXT_CHARS
    correction_s: int = CORRECTION_S
    withdraw_s: int = WITHDRAW_S


@dataclass(frozen=True, slots=True)
class Amendments:
    """Corrections (oldest first) and the first tombstone of each message, by the message's number."""

    corrections: Mapping[int, tuple[LaneEvent, ...]] = field(default_factory=dict)
    tombstones: Mapping[int, LaneEvent] = field(default_factory=dict)

    def tombstone_of(self, event: LaneEvent) -> LaneEvent | None:
        """What hides this event's content: its own tombstone, or that of the message it corrects."""
        seq = target_seq(event) if event.type is EventType.CORRECTION else event.seq
        return self.tombstones.get(seq or 0)

    def text_at(self, event: LaneEvent, seq: int) -> str:
        """The words of a text message as they stood when event `seq` was written."""
        words = str(event.body.get("text", ""))
        for correction in self.corrections.get(event.seq, ()):
            if correction.seq < seq:
                words = str(correction.body["text"])
        return words


def amendments_of(events: Iterable[LaneEvent]) -> Amendments:
    """Gathered from events in the lane's order; those that amend nothing are passed over."""
    corrections: dict[int, tuple[LaneEvent, ...]] = {}
    tombstones: dict[int, LaneEvent] = {}
    for event in events:
        seq = target_seq(event)
        if seq is not None and event.type is EventType.CORRECTION:
            corrections[seq] = (*corrections.get(seq, ()), event)
        elif seq is not None:
            tombstones.setdefault(seq, event)
    return Amendments(corrections, tombstones)


def target_seq(event: LaneEvent) -> int | None:
    """The number of the message that this event amends; None for every other event."""
    target = event.body.get("target")
    if event.type not in _AMENDING or not isinstance(target, Mapping):
        return None
    return int(str(target["seq"]))


def reply_seq(event: LaneEvent) -> int | None:
    """The number of the message that this event answers, None when it answers none."""
    reply = event.body.get("reply_to")
    return int(str(reply["seq"])) if isinstance(reply, Mapping) else None


def reference_to(event: LaneEvent) -> JsonObject:
    """How another event names this one."""
    return {"seq": event.seq, "event_id": event.event_id, "sha256": event.hash.hex()}


def excerpt(event: LaneEvent, amendments: Amendments, *, at_seq: int) -> str:
    """The beginning of what event `at_seq` answers, on one line: words, or a file's name. Empty for a voice."""
    if event.type is EventType.TEXT:
        words = amendments.text_at(event, at_seq)
    elif event.type is EventType.AUDIO:
        return ""
    else:
        words = str(event.body.get("name", ""))
    words = " ".join(words.split())
    return words if len(words) <= EXCERPT_CHARS else words[:EXCERPT_CHARS] + "…"


def check_quotable(target: LaneEvent | None, amendments: Amendments) -> LaneEvent:
    """Errors: Invalid `message.target`; Conflict `message.withheld`."""
    target = _message(target)
    if amendments.tombstone_of(target) is not None:
        raise _withheld()
    return target


def check_correction(
    target: LaneEvent | None, amendments: Amendments, *, author: PersonId, at: datetime, rules: PostingRules
) -> LaneEvent:
    """Whether `author` may correct the target now; the target.

    Errors: Invalid `message.target`; Forbidden `message.not_own`; Conflict `message.withheld`, `.only_text`,
    `.litigation_act`, `.too_late`, `.too_many_corrections`.
    """
    target = _own(target, author)
    if amendments.tombstone_of(target) is not None:
        raise _withheld()
    if target.type is not EventType.TEXT:
        raise Conflict("message.only_text", zh="只有文字消息可以更正", en="Only text can be corrected")
    _refuse_litigation_act(target)
    _within(target, at, rules.correction_s)
    if len(amendments.corrections.get(target.seq, ())) >= MAX_CORRECTIONS:
        raise Conflict(
            "message.too_many_corrections",
            zh=f"最多更正 {MAX_CORRECTIONS} 次，请另发一条说明",
            en=f"A message can be corrected {MAX_CORRECTIONS} times; please write another one",
        )
    return target


def check_tombstone(
    target: LaneEvent | None,
    amendments: Amendments,
    *,
    actor: PersonId,
    is_court: bool,
    ground: TombstoneGround,
    at: datetime,
    rules: PostingRules,
) -> LaneEvent:
    """Whether this person may take the target out of sight on this ground now; the target.

    The author may withdraw for a short time, and never an act in the suit; the court may at any time, with its ground.
    Errors: as `check_correction`; Forbidden `message.ground_is_courts`.
    """
    is_own = target is not None and target.sender_id == actor
    if ground is TombstoneGround.WITHDRAWN:
        target = _own(target, actor)
    elif not is_court:
        if is_own:
            raise Forbidden(
                "message.ground_is_courts",
                zh="本人只能撤回，不能以其他理由撤下",
                en="Only the court takes messages out of sight on this ground",
            )
        target = _own(target, actor)
    target = _message(target)
    if amendments.tombstone_of(target) is not None:
        raise _withheld()
    if ground is TombstoneGround.WITHDRAWN:
        _refuse_litigation_act(target)
        _within(target, at, rules.withdraw_s)
    return target


def _message(target: LaneEvent | None) -> LaneEvent:
    if target is None or target.type not in SAID_BY_PEOPLE:
        raise Invalid("message.target", zh="没有这条消息", en="There is no such message")
    return target


def _own(target: LaneEvent | None, author: PersonId) -> LaneEvent:
    target = _message(target)
    if target.sender_id != author:
        raise Forbidden("message.not_own", zh="只能更正或撤回自己的消息", en="This isn't your own message")
    return target


def _refuse_litigation_act(target: LaneEvent) -> None:
    if target.body.get("label") == TextLabel.LITIGATION_ACT:
        raise Conflict(
            "message.litigation_act",
            zh="诉讼行为发出后不能更正或撤回，只能另行补充",
            en="A litigation act can't be corrected or withdrawn; add another statement",
        )


def _within(target: LaneEvent, at: datetime, limit_s: int) -> None:
    if at - target.server_time > timedelta(seconds=limit_s):
        raise Conflict(
            "message.too_late",
            zh="已超过更正或撤回的时限，请另发一条说明",
            en="It is too late to correct or withdraw it; please write another message",
        )


def _withheld() -> Conflict:
    return Conflict("message.withheld", zh="该消息已被撤下", en="This message was taken out of sight")
