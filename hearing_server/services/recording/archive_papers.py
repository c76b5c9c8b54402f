"""The papers of an archive package: what the case's file says beside the media, each readable without our programs."""

from __future__ import annotations

import json
from datetime import datetime, tzinfo

from hearing_server.domain.acts import Act, ActKind
from hearing_server.domain.hearing.hearings import Hearing
from hearing_server.domain.publishing.open_court import doors_of, is_in_open_court
from hearing_server.domain.recording.archives import Archive
from hearing_server.domain.recording.failures import draft_of
from hearing_server.domain.recording.recordings import Recording
from hearing_server.domain.trust.act_receipts import SUFFIX
from hearing_server.filing.cases import Case, Court, Openness
from hearing_server.filing.closed_doors import ClosedDoors
from hearing_server.kernel import PersonId, to_wire
from hearing_server.ports.units import Unit
from hearing_server.services.acts import acts_of
from hearing_server.services.trust.act_receipts import ActReceipts

# The acts that bind the record and the film: each goes in with its receipt.
_PROVEN = frozenset(
    {
        ActKind.RECORDING_STARTED, ActKind.RECORDING_SEGMENT_SEALED, ActKind.RECORDING_GAP,
        ActKind.RECORDING_STALLED, ActKind.RECORDING_RECOVERED, ActKind.RECORDING_FAILED,
        ActKind.RECORDING_SEALED, ActKind.FILM_READY,
    }
)  # fmt: skip
_README = """\
庭审录音录像归档包 / Archive package of a recorded hearing

package.json   本包所有文件的大小与 SHA-256 / sizes and SHA-256 of every file in here
record/        原始记录（逐包日志），为准 / the record itself, packet by packet; docs/RECORD.md says how to read it
record-second/ 第二路录制 / the second recorder's folder; record/union.json says what both hold
film/          合成影像，由原始记录得出 / the film, made from the record
acts.jsonl     行为存证，一行一条 / acts, one a line: `entry` is what was hashed, the rest discloses its commitments
failures.json  故障说明 / statements of failures, with the judge's remarks
docket.json    案件流程记录 / what happened in the case
receipts/      存证凭证，可脱离本系统核验 / receipts, checked without us
hearing.json   庭审与到庭人员、缺口 / the hearing, who attended, gaps and their causes

核验 / To check: hearing-server verify PACKAGE.zip
"""


async def papers_of(
    unit: Unit,
    recording: Recording,
    archive: Archive,
    receipts: ActReceipts,
    *,
    court: Court,
    zone: tzinfo,
    at: datetime,
) -> tuple[list[tuple[str, bytes]], dict[str, object]]:
    """(files by name, what `package.json` says of the whole). Errors: Unavailable `proof.not_yet`."""
    hearing = await unit.hearings.get(recording.hearing_id)
    case = await unit.cases.get(archive.case_id)
    assert hearing is not None
    assert case is not None
    acts = await acts_of(unit, archive.case_id)
    about: dict[str, object] = {
        "format": "hearing-server-package/1",
        "made_at": to_wire(at),
        "court": court.name,
        "court_code": court.code,
        "case_number": str(case.number),
        "hearing_id": hearing.id,
        "recording_id": recording.id,
        "root_sha256": recording.root_sha256,
        "film_sha256": recording.film.sha256,
        "retention": archive.retention.value,
    }
    docket = [
        {
            "seq": line.seq,
            "at": to_wire(line.at),
            "title": line.title,
            "title_en": line.title_en,
            "by": line.actor_name,
        }
        for line in await unit.cases.docket(case.id)
    ]
    texts = [
        ("README.txt", _README.encode()),
        ("acts.jsonl", await _act_lines(unit, acts)),
        ("docket.json", _json(docket)),
        ("hearing.json", _json(_hearing(recording, hearing, case))),
        ("failures.json", _json(await _failures(unit, recording, hearing, zone))),
    ]
    for act in acts:
        if act.kind in _PROVEN and act.payload.get("recording_id") == recording.id:
            texts.append((f"receipts/{act.case_seq:06d}{SUFFIX}", await receipts.written(unit, act)))
    return texts, about


async def _act_lines(unit: Unit, acts: list[Act]) -> bytes:
    people = await unit.people.many(list({PersonId(act.actor_id) for act in acts}))
    lines = []
    for act in acts:
        actor = people.get(act.actor_id)
        line = {
            "seq": act.case_seq,
            "kind": act.kind.value,
            "at": to_wire(act.at),
            "actor_id": act.actor_id,
            "actor_name": actor.name if actor is not None else "",
            "role": act.role,
            "payload": act.payload,
            "salt": act.salt.hex(),
            "entry": act.entry.decode(),
            "entry_sha256": act.entry_sha256,
        }
        lines.append(json.dumps(line, ensure_ascii=False, sort_keys=True))
    return "\n".join(lines).encode() + b"\n"


def _hearing(recording: Recording, hearing: Hearing, case: Case) -> dict[str, object]:
    return {
        "case_number": str(case.number),
        "cause": case.cause,
        "openness": (Openness.OPEN if is_in_open_court(case, hearing) else Openness.CLOSED).value,
        "closed_doors": _doors(doors_of(case, hearing)),
        "title": hearing.title,
        "opened_at": _when(hearing.opened_at),
        "closed_at": _when(hearing.closed_at),
        "people": [
            {"id": person.person_id, "name": person.name, "role": person.label.zh, "role_en": person.label.en}
            for person in hearing.participants
        ],
        "gaps": [
            {
                "who": gap.identity_name, "source": gap.source, "from": to_wire(gap.start),
                "until": to_wire(gap.end), "cause": gap.cause,
            }
            for gap in recording.gaps
        ],
    }  # fmt: skip


async def _failures(unit: Unit, recording: Recording, hearing: Hearing, zone: tzinfo) -> list[object]:
    """故障说明 as drafted, with the judge's remarks where it was signed."""
    names = {person.person_id: person.name for person in hearing.participants}
    found = await unit.failures.of_recording(recording.id)
    signers = await unit.people.many([one.signed_by for one in found if one.signed_by is not None])
    return [
        {
            "id": one.id, "kind": one.kind.value, "began_at": to_wire(one.began_at), "ended_at": _when(one.ended_at),
            "statement": draft_of(one, names.get(one.person_id, "") if one.person_id else "", zone=zone, language="zh"),
            "remarks": one.remarks, "signed_at": _when(one.signed_at),
            "signed_by": signers[one.signed_by].name if one.signed_by in signers else None,
        }
        for one in found
    ]  # fmt: skip


def _doors(doors: ClosedDoors | None) -> dict[str, str | None] | None:
    """Why the doors were closed, as the order says it."""
    if doors is None:
        return None
    return {
        "ground": doors.ground.value, "law": doors.rule.law, "reason": doors.reason, "request": doors.request,
        "at": _when(doors.at),
    }  # fmt: skip


def _when(moment: datetime | None) -> str | None:
    return to_wire(moment) if moment is not None else None


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()
