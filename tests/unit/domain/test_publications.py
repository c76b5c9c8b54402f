"""Publication: told, heard, approved by a second official who has seen the bytes, withdrawn at once; its redactions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from hearing_server.domain.publishing.publications import (
    CopyState,
    Publication,
    PublicationState,
    submit_publication,
)
from hearing_server.domain.publishing.redactions import (
    Redaction,
    RedactionKind,
    redacted_title,
    redactions_sha256,
)
from hearing_server.domain.recording.recordings import Film, Recording, RecordingState
from hearing_server.errors import Conflict, Forbidden, HearingError, Invalid
from hearing_server.filing.cases import Openness
from hearing_server.kernel import HearingId, PersonId, PublicationId, RecordingId
from recorder.redactions import redactions_of
from tests.unit.court_pieces import CLERK, JUDGE, NOW, at, case, scheduled

COPY = "ab" * 32
READY = (
    Film().queued().composing(progress_permille=300).ready(duration_s=61.5, size_bytes=9, sha256="ab" * 32)
)
RUNNING = Recording(RecordingId("rec_1"), HearingId("hrg_1"), RecordingState.RECORDING, NOW)
SIDES = [party.person.id for party in case().parties]
HOURS = 3600.0


def sealed() -> Recording:
    done = RUNNING.sealed(at=at(60), tracks=6, segments=30, size_bytes=1000, root_sha256="cd" * 32, gaps=())
    return replace(done, film=READY)


def submitted(**changes: object) -> Publication:
    given: dict[str, object] = {
        "recording": sealed(), "hearing": scheduled(), "case": case(), "id": PublicationId("pub_1"),
        "title": "买卖合同纠纷案庭审",
        "cause": "买卖合同纠纷", "existing": None, "by": CLERK, "at": NOW, "held_on": date(2026, 3, 2),
        "objections_until": at(72 * HOURS),
    } | changes  # fmt: skip
    return submit_publication(**given)  # type: ignore[arg-type]


def seen(by: PersonId = JUDGE, **changes: object) -> Publication:
    """Copied and previewed; nobody has said a word."""
    copied = submitted(**changes).copied(sha256=COPY, size_bytes=9, duration_s=60, source_sha256="cd" * 32)
    return copied.previewed(by)


def confirm(publication: Publication, by: PersonId = JUDGE, *, at_s: float = 73 * HOURS) -> Publication:
    return publication.confirmed(by, case=case(), hearing=scheduled(), copy_sha256=COPY, at=at(at_s))


def test_publication__heard_and_seen_by_a_second_official__is_public_and_anybody_withdraws() -> None:
    public = confirm(seen())
    assert (public.state, public.decided_by, public.approved_sha256) == (PublicationState.PUBLIC, JUDGE, COPY)
    gone = public.withdrawn(CLERK, at=at(2), reason="含未成年人信息")
    assert (gone.state, gone.is_public, gone.reason) == (PublicationState.WITHDRAWN, False, "含未成年人信息")


@pytest.mark.parametrize("decision", ["confirm", "reject", "answer"])
def test_publication__same_person__may_not_decide(decision: str) -> None:
    objected = seen(CLERK).responded(SIDES[0], objects=True, reason="涉及隐私", at=at(1))
    orders: dict[str, Callable[[], Publication]] = {
        "confirm": lambda: confirm(seen(CLERK), CLERK),
        "reject": lambda: seen().rejected(CLERK, at=at(1), reason="画面不清"),
        "answer": lambda: objected.answered(SIDES[0], by=CLERK, upheld=False, text="不成立", at=at(2)),
    }
    with pytest.raises(Forbidden, match="same_person"):
        orders[decision]()


def test_publication__before_the_time_is_over__waits_for_every_party() -> None:
    publication = seen()
    with pytest.raises(Conflict, match=r"objection\.time_runs"):
        confirm(publication, at_s=HOURS)
    one = publication.responded(SIDES[0], objects=False, reason="", at=at(1))
    with pytest.raises(Conflict, match=r"objection\.time_runs"):
        confirm(one, at_s=HOURS)
    everybody = one.responded(SIDES[1], objects=False, reason="", at=at(2))
    assert confirm(everybody, at_s=HOURS).is_public


def test_objection__made__must_be_answered_and_stands_in_the_way_when_upheld() -> None:
    objected = seen().responded(SIDES[0], objects=True, reason="涉及未成年人", at=at(1))
    with pytest.raises(Conflict, match=r"objection\.open"):
        confirm(objected)
    overruled = objected.answered(SIDES[0], by=JUDGE, upheld=False, text="已作技术处理", at=at(2))
    assert confirm(overruled).is_public
    upheld = objected.answered(SIDES[0], by=JUDGE, upheld=True, text="理由成立", at=at(2))
    with pytest.raises(Conflict, match=r"objection\.upheld"):
        confirm(upheld)
    with pytest.raises(Conflict, match=r"objection\.answered"):
        upheld.responded(SIDES[0], objects=False, reason="", at=at(3))
    with pytest.raises(Conflict, match=r"objection\.answered"):
        upheld.answered(SIDES[0], by=JUDGE, upheld=False, text="改判", at=at(3))


def test_objection__late_or_without_a_reason__is_refused_by_name() -> None:
    with pytest.raises(Conflict, match=r"objection\.too_late"):
        seen().responded(SIDES[0], objects=True, reason="x", at=at(73 * HOURS))
    with pytest.raises(Invalid, match=r"objection\.reason"):
        seen().responded(SIDES[0], objects=True, reason=" ", at=at(1))


def test_publication__copy_changed_or_not_looked_at__is_not_confirmed() -> None:
    with pytest.raises(Conflict, match="not_previewed"):
        confirm(seen(PersonId("per_third")))
    with pytest.raises(Conflict, match="other_copy"):
        seen().confirmed(JUDGE, case=case(), hearing=scheduled(), copy_sha256="00" * 32, at=at(73 * HOURS))
    row = Redaction(RedactionKind.CUT, 1.0, 2.0)
    changed = seen().redacted([row], people=SIDES)
    assert (changed.copy.state, changed.copy.attempt, changed.copy.sha256) == (CopyState.QUEUED, 2, None)
    with pytest.raises(Conflict, match="copy_not_ready"):
        confirm(changed)
    with pytest.raises(Conflict, match="not_submitted"):
        confirm(seen()).redacted([row], people=SIDES)


def test_publication__of_a_case_closed_meanwhile__is_refused() -> None:
    closed = replace(case(), openness=Openness.CLOSED)
    with pytest.raises(Conflict, match="closed_hearing"):
        seen().confirmed(JUDGE, case=closed, hearing=scheduled(), copy_sha256=COPY, at=at(73 * HOURS))


def test_publication__rejected_or_withdrawn__stays_so_without_a_new_one() -> None:
    rejected = submitted().rejected(JUDGE, at=at(1), reason="画面不清")
    with pytest.raises(Conflict, match="not_public"):
        rejected.withdrawn(CLERK, at=at(2), reason="x")
    with pytest.raises(Invalid, match="reason"):
        submitted().rejected(JUDGE, at=at(1), reason=" ")
    assert submitted(existing=rejected).state is PublicationState.SUBMITTED


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"title": ""}, "publication.title"),
        ({"cause": "长" * 61}, "publication.cause"),
        ({"case": replace(case(), openness=Openness.CLOSED)}, "publication.closed_hearing"),
        ({"recording": RUNNING}, "recording.not_sealed"),
        ({"recording": replace(sealed(), film=Film().queued())}, "film.not_ready"),
        ({"existing": submitted()}, "publication.exists"),
        ({"existing": confirm(seen())}, "publication.exists"),
        ({"redactions": [Redaction(RedactionKind.CUT, 5.0, 5.0)]}, "redaction.time"),
        ({"redactions": [Redaction(RedactionKind.CUT, 5.0, 99.0)]}, "redaction.time"),
        ({"redactions": [Redaction(RedactionKind.MUTE, 1.0, 2.0, PersonId("per_x"))]}, "redaction.person"),
        ({"redactions": [Redaction(RedactionKind.REGION, 1.0, 2.0, x=0.5, y=0.5)]}, "redaction.region"),
        ({"redactions": [Redaction(RedactionKind.NAME, name="张三", substitute="张三某")]}, "redaction.name"),
        ({"redactions": [Redaction(RedactionKind.CUT, 1.0, 2.0)] * 201}, "redaction.too_many"),
    ],
)
def test_publication__not_fit__is_refused_by_name(changes: dict[str, object], code: str) -> None:
    with pytest.raises(HearingError) as refused:
        submitted(**changes)
    assert refused.value.code == code


def test_redactions__read_by_the_composer__are_the_same_list_with_the_same_hash() -> None:
    rows = (
        Redaction(RedactionKind.MUTE, 1.0, 2.5, SIDES[0]),
        Redaction(RedactionKind.MASK, 1.0, 2.5, SIDES[1]),
        Redaction(RedactionKind.REGION, 3.0, 4.0, x=0.25, y=0.0, width=0.5, height=1.0),
        Redaction(RedactionKind.CUT, 5.0, 6.125),
        Redaction(RedactionKind.NAME, name="张三", substitute="张某"),
    )
    read = redactions_of({"list": [row.row() for row in rows]})
    assert read.sha256 == redactions_sha256(rows)
    assert (read.cuts[0].from_s, read.cuts[0].until_s) == (5.0, 6.125)
    assert (read.mutes[0].person, read.masks[0].person) == (SIDES[0], SIDES[1])
    assert read.names == (("张三", "张某"),)
    assert redacted_title("张三诉李四", rows) == read.shown("张三诉李四") == "张某诉李四"
