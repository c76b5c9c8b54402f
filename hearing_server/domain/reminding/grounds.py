"""Grounds of reminders: what kind of reminder a court sends, to whom it falls, and how hard it presses.

All of it is data of the court (`[[reminding.ground]]` in config/courts), checked when the server starts. A reminder
keeps a snapshot of its ground: a later edit of the file changes nothing that runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from hearing_server.domain.reminding.channels import Channel
from hearing_server.errors import Invalid

MAX_LADDER_STEPS = 16
MAX_GROUNDS = 30
# The clerk may add attempts by hand; their levels begin above every ladder's.
MANUAL_LEVEL = 100
MAX_STEP_AFTER_S = 60 * 24 * 3600
DEFAULT_EXPIRES_H, MAX_EXPIRES_H = 72, 24 * 90


class Addressee(StrEnum):
    """On whom a reminder to a party falls: on that person, on the agents who stand in, or on all of them.

    民诉法 art 88: what is served on a party's agent is served on the party.
    """

    PERSON = "person"
    REPRESENTATIVE = "representative"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class LadderStep:
    """`after_s` seconds after issue, unless it has ended by then."""

    level: int
    after_s: int
    channel: Channel


# At once on the page and by SMS (several channels at once), then again, then a person.
DEFAULT_LADDER: tuple[LadderStep, ...] = (
    LadderStep(0, 0, Channel.IN_APP),
    LadderStep(0, 0, Channel.SMS),
    LadderStep(1, 600, Channel.SMS),
    LadderStep(2, 1800, Channel.CLERK),
)


@dataclass(frozen=True, slots=True)
class Ground:
    """`later_times` × `later_min`: how often a recipient may put the sheet off; 0 for never.

    `serves`: what hangs on it counts as served (电子送达), so consent and address matter.
    """

    code: str
    name: str
    name_en: str
    ladder: tuple[LadderStep, ...] = DEFAULT_LADDER
    addressee: Addressee = Addressee.PERSON
    later_times: int = 0
    later_min: int = 30
    expires_h: int = DEFAULT_EXPIRES_H
    serves: bool = False


GENERAL = Ground("general", "一般提醒", "General reminder")
_KEYS = frozenset(
    {"code", "name", "name_en", "addressee", "later_times", "later_min", "expires_h", "serves", "steps"}
)


def grounds_from_mapping(
    rows: Iterable[Mapping[str, object]], *, general_ladder: tuple[LadderStep, ...]
) -> dict[str, Ground]:
    """The court's grounds by code; `general` is always among them. Errors: Invalid `reminder.ground`, `.ladder`."""
    found = {GENERAL.code: Ground(GENERAL.code, GENERAL.name, GENERAL.name_en, general_ladder)}
    seen: set[str] = set()
    for row in rows:
        ground = _ground(row, general_ladder)
        if ground.code in seen or len(seen) >= MAX_GROUNDS:
            raise _wrong(ground.code)
        seen.add(ground.code)
        found[ground.code] = ground
    return found


def ladder_from_mapping(rows: Iterable[Mapping[str, object]]) -> tuple[LadderStep, ...]:
    """Steps from settings data `[{level, after_s, channel}]`. Errors: Invalid `reminder.ladder`."""
    steps: list[LadderStep] = []
    for row in rows:
        level, after_s, channel = row.get("level"), row.get("after_s"), row.get("channel")
        if set(row) != {"level", "after_s", "channel"} or type(level) is not int or type(after_s) is not int:
            raise _ladder("A step of the reminder ladder is malformed", "提醒阶梯配置有误")
        is_known = isinstance(channel, str) and channel in tuple(Channel)
        if not is_known or not 0 <= level < MANUAL_LEVEL or not 0 <= after_s <= MAX_STEP_AFTER_S:
            raise _ladder("A step of the reminder ladder is malformed", "提醒阶梯配置有误")
        steps.append(LadderStep(level, after_s, Channel(str(channel))))
    distinct = {(step.level, step.channel) for step in steps}
    if not 1 <= len(steps) <= MAX_LADDER_STEPS or len(distinct) != len(steps):
        raise _ladder("The reminder ladder has too many, no, or repeated steps", "提醒阶梯步数有误或重复")
    climbs = sorted(steps, key=lambda step: (step.level, step.after_s))
    if [step.after_s for step in climbs] != sorted(step.after_s for step in steps):
        raise _ladder(
            "A higher level of the reminder ladder comes before a lower one", "提醒阶梯的级别顺序有误"
        )
    return tuple(sorted(steps, key=lambda step: (step.after_s, step.level)))


def _ground(row: Mapping[str, object], general_ladder: tuple[LadderStep, ...]) -> Ground:
    code = row.get("code")
    if not isinstance(code, str) or not code.isidentifier() or set(row) - _KEYS:
        raise _wrong(str(code))
    name, name_en = row.get("name"), row.get("name_en")
    addressee, serves = row.get("addressee", "person"), row.get("serves", False)
    numbers = {
        "later_times": (row.get("later_times", 0), 0, 10),
        "later_min": (row.get("later_min", 30), 1, 24 * 60),
        "expires_h": (row.get("expires_h", DEFAULT_EXPIRES_H), 1, MAX_EXPIRES_H),
    }
    if not isinstance(name, str) or not name or not isinstance(name_en, str) or not name_en:
        raise _wrong(f"{code}.name")
    if addressee not in tuple(Addressee) or type(serves) is not bool:
        raise _wrong(f"{code}.addressee")
    checked: dict[str, int] = {}
    for key, (value, least, most) in numbers.items():
        if type(value) is not int or not least <= value <= most:
            raise _wrong(f"{code}.{key}")
        checked[key] = value
    steps = row.get("steps")
    if steps is not None and not (isinstance(steps, list) and all(isinstance(one, Mapping) for one in steps)):
        raise _wrong(f"{code}.steps")
    return Ground(
        code,
        name,
        name_en,
        ladder_from_mapping(steps) if steps is not None else general_ladder,
        Addressee(str(addressee)),
        checked["later_times"],
        checked["later_min"],
        checked["expires_h"],
        serves,
    )


def _wrong(what: str) -> Invalid:
    return Invalid(
        "reminder.ground",
        zh=f"提醒事由“{what}”配置有误",
        en=f"The court's reminder ground {what} is wrong or unknown",
    )


def _ladder(en: str, zh: str) -> Invalid:
    return Invalid("reminder.ladder", zh=zh, en=en)
