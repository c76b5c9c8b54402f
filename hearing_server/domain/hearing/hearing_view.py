"""The hearing as one person sees it: the protocol's `Hearing` object, whole, with a rising version.

The court and those admitted see everybody. A party still outside sees itself, the court's staff and how many others
there are, without names or states: who else came is not theirs to know before the judge lets them in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from hearing_server.domain.hearing.consents import REQUIRED_STAGES
from hearing_server.domain.hearing.hearings import Hearing
from hearing_server.domain.hearing.participants import Participant, Source, status_word
from hearing_server.domain.recording.failures import Failure, title_of
from hearing_server.domain.recording.recorders import RecorderLight
from hearing_server.domain.recording.recordings import WritingStatus
from hearing_server.domain.roles import HEARING_COMMANDS, Action, Capacity, can
from hearing_server.filing.cases import Court
from hearing_server.filing.closed_doors import ClosedDoors
from hearing_server.kernel import PersonId, to_wire

# Alarms of the recording light; the words stand beside the light, so they are short.
ALARM_TITLES: dict[str, tuple[str, str]] = {
    "recording.stalled": ("录音录像写入停滞", "The recording has stopped being written"),
    "recording.failed": ("录音录像故障", "The recording has failed"),
    "recording.disk_full": ("存储空间已满，录音录像中断", "The disk is full; the recording is interrupted"),
    "recording.first_down": (
        "主录停止写入，备录仍在录制",
        "The first recorder has stopped; the second still records",
    ),
    "recording.second_down": (
        "备录停止写入，主录仍在录制",
        "The second recorder has stopped; the first still records",
    ),
    "recording.disk_low": ("存储空间不足", "Disk space is running out"),
    "recording.recovered": (
        "录音录像已恢复，缺口已记录",
        "The recording has recovered; the gap is on record",
    ),
}


def hearing_view(
    hearing: Hearing,
    *,
    viewer: PersonId,
    case_number: str,
    cause: str,
    court: Court,
    recording: WritingStatus,
    now: datetime,
    failures: Sequence[Failure] = (),
    is_open: bool = True,
    doors: ClosedDoors | None = None,
    language: str = "zh-CN",
) -> dict[str, object]:
    """The object of `GET /hearings/{id}` and `hearing_updated` for `viewer`. Errors: NotFound for a stranger."""
    me = hearing.participant(viewer)
    seen = [person for person in hearing.participants if _may_see(me, person)]
    speaker = hearing.speaker if any(person.person_id == hearing.speaker for person in seen) else None
    return {
        "id": hearing.id,
        "version": hearing.version,
        "case": {"id": hearing.case_id, "number": case_number, "cause": cause},
        "title": hearing.title,
        "court": {"name": court.name, "name_en": court.name_en},
        "state": str(hearing.state),
        "openness": "open" if doors is None and is_open else "closed",
        "closed_doors": _doors(doors),
        "starts_at": to_wire(hearing.starts_at),
        "duration_min": hearing.duration_min,
        "opened_at": _moment(hearing.opened_at),
        "recess": _recess(hearing),
        "sealed": _sealed(hearing),
        "closed_at": _moment(hearing.closed_at),
        "undo_close_until": _moment(hearing.undo_close_until),
        "cancel_reason": hearing.cancel_reason,
        "in_session_s": hearing.in_session_s(now),
        "recording": _recording(recording, language),
        # For those who must act on it; a party's own line is the court's to speak of.
        "failures": [_failure(one, hearing, language) for one in failures] if me.is_court else [],
        "speaker": speaker,
        "people": [_person(person, is_full=me.is_court or person is me) for person in seen],
        "others_count": len(hearing.participants) - len(seen),
        "me": {"person_id": viewer, "may": _commands(hearing, me, now)},
    }


def _doors(doors: ClosedDoors | None) -> dict[str, str] | None:
    if doors is None:
        return None
    return {"ground": str(doors.ground), "law": doors.rule.law, "law_en": doors.rule.law_en}


def _failure(failure: Failure, hearing: Hearing, language: str) -> dict[str, object]:
    person = hearing.find(failure.person_id) if failure.person_id is not None else None
    return {
        "id": failure.id,
        "kind": str(failure.kind),
        "person_id": failure.person_id,
        "source": failure.source,
        "title": title_of(failure, person.name if person is not None else "", language=language),
        "began_at": to_wire(failure.began_at),
        "ended_at": _moment(failure.ended_at),
        "is_signed": failure.is_signed,
    }


def _may_see(me: Participant, other: Participant) -> bool:
    return me.is_court or me.is_admitted or other.is_court or other is me


def _commands(hearing: Hearing, me: Participant, now: datetime) -> list[str]:
    """What this person may order in this state, in the protocol's order."""
    capacity = Capacity(me.role.value)
    allowed = []
    for action in HEARING_COMMANDS:
        if not can(capacity, action, hearing.state):
            continue
        if action in (Action.PUBLISH_MEDIA, Action.SPEAK) and not (me.is_court or me.is_admitted):
            continue
        if action is Action.SPEAK and Source.MICROPHONE in me.court_muted:
            continue
        if action in (Action.SEAL, Action.UNSEAL) and (hearing.sealed is None) is (action is Action.UNSEAL):
            continue
        if action is Action.REOPEN and hearing.is_final(now):
            continue
        allowed.append(str(action))
    return allowed


def _person(person: Participant, *, is_full: bool) -> dict[str, object]:
    """`is_full`: also what only the court and the person themselves see (network facts, checks, consents)."""
    view: dict[str, object] = {
        "person_id": person.person_id,
        "name": person.name,
        "role": str(person.role),
        "standing": str(person.standing) if person.standing else None,
        "label": person.label.zh,
        "label_en": person.label.en,
        "presence": str(person.presence),
        "connection": str(person.connection),
        "page": str(person.page),
        "status": status_word(person),
        "facts": _facts(person) if is_full else _NO_FACTS,
        "microphone": str(person.device(Source.MICROPHONE)),
        "camera": str(person.device(Source.CAMERA)),
        "screen": str(person.device(Source.SCREEN)),
        "identity_checked": person.identity_checked,
        "consents": {str(stage): None for stage in REQUIRED_STAGES},
        "self_test": None,
        "waiting_since": None,
    }
    if is_full:
        view["consents"] = {
            str(stage): (str(person.consents[stage]) if stage in person.consents else None)
            for stage in REQUIRED_STAGES
        }
        view["self_test"] = str(person.self_test) if person.self_test else None
        view["waiting_since"] = _moment(person.waiting_since)
    return view


_NO_FACTS: Mapping[str, object] = {
    "rtt_ms": None,
    "loss_pct": None,
    "transport": None,
    "since": None,
    "jitter_ms": None,
    "loss_up_pct": None,
    "loss_down_pct": None,
    "up_kbps": None,
    "down_kbps": None,
    "up_height_px": None,
    "down_height_px": None,
}


def _facts(person: Participant) -> dict[str, object]:
    facts = person.facts
    return {
        "rtt_ms": facts.rtt_ms,
        "loss_pct": _percent(facts.loss_permille),
        "transport": facts.transport,
        "since": _moment(facts.since),
        "jitter_ms": facts.jitter_ms,
        "loss_up_pct": _percent(facts.loss_up_permille),
        "loss_down_pct": _percent(facts.loss_down_permille),
        "up_kbps": facts.up_kbps,
        "down_kbps": facts.down_kbps,
        "up_height_px": facts.up_height_px,
        "down_height_px": facts.down_height_px,
    }


def _percent(permille: int | None) -> float | None:
    return None if permille is None else permille / 10


def _recess(hearing: Hearing) -> dict[str, object] | None:
    recess = hearing.recess
    if recess is None:
        return None
    return {
        "kind": str(recess.kind),
        "reason": recess.reason,
        "since": to_wire(recess.since),
        "resumes_at": _moment(recess.resumes_at),
    }


def _sealed(hearing: Hearing) -> dict[str, object] | None:
    """The sealed span in force: everybody in the room must see it."""
    span = hearing.sealed
    return {"reason": span.reason, "since": to_wire(span.since)} if span is not None else None


def _recording(status: WritingStatus, language: str) -> dict[str, object]:
    alarm = None
    if status.alarm_code is not None:
        zh, en = ALARM_TITLES.get(status.alarm_code, ALARM_TITLES["recording.failed"])
        alarm = {"code": status.alarm_code, "title": en if language.startswith("en") else zh}
    return {
        "state": str(status.state),
        "verified_s": int(status.verified_s),
        "alarm": alarm,
        "proven_at": _moment(status.proven_at),
        "recorders": _recorders(status.recorders),
    }


def _recorders(lights: tuple[RecorderLight, ...]) -> dict[str, object] | None:
    """双录: how many of two write, and which don't; None where the court records once."""
    if len(lights) < 2:
        return None
    down = [str(light.name) for light in lights if not light.is_writing]
    return {"expected": len(lights), "writing": len(lights) - len(down), "down": down}


def _moment(moment: datetime | None) -> str | None:
    return to_wire(moment) if moment is not None else None
