"""An exhibit as one person gets it (docs/PROTOCOL.md section 1). Every field is there in every sight; what isn't for
this person is null or empty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from hearing_server.domain.exhibits.content import ExhibitFile
from hearing_server.domain.exhibits.exhibits import DISCLOSED, Exhibit, ExhibitState, Step
from hearing_server.domain.exhibits.opinions import Opinion, shown_opinions
from hearing_server.domain.exhibits.sealing import Seal, SealDecision
from hearing_server.domain.exhibits.sight import Sight, Viewer, may_see, public_state
from hearing_server.domain.exhibits.ways import ways
from hearing_server.domain.roles import Capacity
from hearing_server.filing.cases import Case
from hearing_server.kernel import PartyId, PersonId, to_wire

Names = Mapping[PersonId, str]


def exhibit_view(
    exhibit: Exhibit,
    case: Case,
    viewer: Viewer,
    capacity: Capacity,
    *,
    opinions: Iterable[Opinion] = (),
    names: Names,
) -> dict[str, object] | None:
    """None where the person may not know of it. `names`: of everybody who did something with it."""
    sight = may_see(exhibit, viewer)
    if sight is Sight.NOTHING:
        return None
    view = _stub(exhibit, case, viewer, sight) | {"may": list(ways(exhibit, viewer, capacity))}
    if sight is Sight.STUB:
        return view
    content, sealed = exhibit.content, exhibit.sealed
    is_inside = viewer.is_court or viewer.owns(exhibit)
    decision = sealed.decision if sealed else None
    redacted = decision.redacted if decision and sight is Sight.REDACTED else None
    files = (redacted.file,) if redacted else content.files
    return view | {
        "revision": exhibit.revision,
        "state": exhibit.state.value,
        "title": redacted.title if redacted else content.title,
        "source": "" if redacted else content.source,
        "purpose": "" if redacted else content.purpose,
        "form": content.form.value,
        "files": [file_view(file) for file in files],
        "pages": sum(file.pages for file in files),
        "sha256": None if redacted or exhibit.state is ExhibitState.DRAFT else exhibit.sha256,
        "due_at": _time(exhibit.due_at),
        "is_late": exhibit.is_late,
        "exchanged_at": _time(exhibit.exchanged_at),
        "opinions_until": _time(exhibit.opinions_until),
        # Other versions are named to those who see them all; others find those they may see by the number.
        "supersedes": exhibit.supersedes if is_inside else None,
        "superseded_by": exhibit.superseded_by if is_inside else None,
        "seal": _seal_view(sealed, case, names) if sealed and is_inside else None,
        "steps": [_step_view(step, names) for step in exhibit.steps if is_inside or _is_open(step)],
        "showings": [
            {"hearing_id": one.hearing_id, "at": to_wire(one.at), "page": one.page}
            for one in exhibit.showings
        ],
        "rulings": [
            {
                "result": one.result.value,
                "reason": one.reason,
                "by": names.get(one.by, ""),
                "at": to_wire(one.at),
            }
            for one in exhibit.rulings
        ],
        "opinions": [opinion_view(one, case, names) for one in shown_opinions(exhibit, opinions, viewer)],
    }


def _stub(exhibit: Exhibit, case: Case, viewer: Viewer, sight: Sight) -> dict[str, object]:
    """What anybody may know who may know anything."""
    return {
        "id": exhibit.id,
        "case_id": exhibit.case_id,
        "sight": sight.value,
        "revision": 0,
        "number": exhibit.label.zh if exhibit.label else None,
        "number_en": exhibit.label.en if exhibit.label else None,
        "version": exhibit.version,
        "side": side_view(exhibit, case, viewer),
        "kind": exhibit.content.kind.value,
        "state": public_state(exhibit),
        "is_sealed": exhibit.sealed is not None,
        "ground": exhibit.sealed.ground.value if exhibit.sealed else None,
        "submitted_at": _time(exhibit.submitted_at),
        "title": None, "source": None, "purpose": None, "form": None, "files": [], "pages": 0, "sha256": None,
        "due_at": None, "is_late": False, "exchanged_at": None, "opinions_until": None,
        "supersedes": None, "superseded_by": None, "seal": None,
        "steps": [], "showings": [], "rulings": [], "opinions": [],
    }  # fmt: skip


def side_view(exhibit: Exhibit, case: Case, viewer: Viewer) -> dict[str, object]:
    """Whose it is: the party's label as it is called now, or the court."""
    party = next((one for one in case.parties if one.id in exhibit.owners), None)
    label = case.party_label(party) if party else None
    return {
        "key": exhibit.series,
        "label": label.zh if label else "法院",
        "label_en": label.en if label else "Court",
        "party_ids": list(exhibit.owners),
        "is_mine": viewer.owns(exhibit),
    }


def file_view(file: ExhibitFile) -> dict[str, object]:
    return {
        "attachment_id": file.attachment_id,
        "name": file.name,
        "media_type": file.media_type,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
        "pages": file.pages,
    }


def opinion_view(opinion: Opinion, case: Case, names: Names) -> dict[str, object]:
    """One opinion with the labels of the parties it is given for."""
    member = case.member(opinion.person_id)
    return {
        "id": opinion.id,
        "party_ids": list(opinion.party_ids),
        "person": {"id": opinion.person_id, "name": names.get(opinion.person_id, "")},
        "label": member.label.zh if member else "",
        "label_en": member.label.en if member else "",
        "authenticity": opinion.answers.authenticity.value,
        "legality": opinion.answers.legality.value,
        "relevance": opinion.answers.relevance.value,
        "purpose": opinion.answers.purpose.value,
        "reason": opinion.reason,
        "asks_original": opinion.asks_original,
        "at": to_wire(opinion.at),
        "is_late": opinion.is_late,
    }


def _seal_view(seal: Seal, case: Case, names: Names) -> dict[str, object]:
    return {"reason": seal.reason, "decisions": [_decision_view(one, case, names) for one in seal.decisions]}


def _decision_view(decision: SealDecision, case: Case, names: Names) -> dict[str, object]:
    redacted = decision.redacted
    return {
        "kind": decision.kind.value,
        "party_ids": list(decision.to) if decision.to is not None else None,
        "to": None if decision.to is None else [_party_label(case, one) for one in decision.to],
        "reason": decision.reason,
        "by": names.get(decision.by, ""),
        "at": to_wire(decision.at),
        "redacted": {"title": redacted.title, "file": file_view(redacted.file)} if redacted else None,
    }


def _party_label(case: Case, party_id: PartyId) -> str:
    party = next((one for one in case.parties if one.id == party_id), None)
    return case.party_label(party).zh if party else ""


def _step_view(step: Step, names: Names) -> dict[str, object]:
    return {"what": step.what, "by": names.get(step.by, ""), "at": to_wire(step.at), "reason": step.reason}


def _is_open(step: Step) -> bool:
    """What happened between a side and the court stays there; when it came in is a fact for all."""
    return step.what == ExhibitState.SUBMITTED or step.what in {state.value for state in DISCLOSED}


def _time(moment: datetime | None) -> str | None:
    return to_wire(moment) if moment else None
