"""Ready-made exhibits and people for tests of the pure floors: a plaintiff, two defendants, the court."""

from __future__ import annotations

from dataclasses import replace

from hearing_server.domain.case_space.lanes import SealedGround
from hearing_server.domain.exhibits.content import ExhibitContent, ExhibitFile, ExhibitKind, Form
from hearing_server.domain.exhibits.exhibits import Exhibit
from hearing_server.domain.exhibits.opinions import Answer, Answers
from hearing_server.domain.exhibits.sealing import Disclosure, Redacted, Seal, SealDecision
from hearing_server.domain.exhibits.sight import Viewer, viewer_of
from hearing_server.filing.cases import Case, Label, Standing
from hearing_server.kernel import AttachmentId, ExhibitId, PartyId, PersonId
from tests.unit.court_pieces import AGENT, CLERK, DEFENDANT, JUDGE, NOW, PLAINTIFF, at, case, party

SECOND = PersonId("per_second")
OURS, THEIRS, THIRD = PartyId(f"pty_{PLAINTIFF}"), PartyId(f"pty_{DEFENDANT}"), PartyId(f"pty_{SECOND}")
SECRET = "客户名单与底价"
ALL_ACCEPTED = Answers(Answer.ACCEPTED, Answer.ACCEPTED, Answer.ACCEPTED, Answer.ACCEPTED)


def suit() -> Case:
    """One plaintiff, two defendants who have nothing to do with each other; the first has a lawyer."""
    return case(
        party(PLAINTIFF, Standing.PLAINTIFF),
        party(DEFENDANT, Standing.DEFENDANT, agents=(AGENT,)),
        party(SECOND, Standing.DEFENDANT),
    )


def viewer(person_id: PersonId) -> Viewer:
    found = viewer_of(suit(), person_id)
    assert found is not None
    return found


EVERYBODY = (JUDGE, CLERK, PLAINTIFF, DEFENDANT, AGENT, SECOND)


def file(name: str = "借条.jpg", *, pages: int = 1) -> ExhibitFile:
    return ExhibitFile(AttachmentId(f"att_{name}"), name, "image/jpeg", 1000, "ab" * 32, pages)


def content(**changes: object) -> ExhibitContent:
    whole = ExhibitContent(
        "借条", ExhibitKind.DOCUMENT, "原告保管", "证明借款事实", Form.ORIGINAL, (file(pages=3),)
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def draft(*, is_sealed: bool = False, **changes: object) -> Exhibit:
    made = Exhibit(
        ExhibitId("exh_1"), suit().id, OURS, (OURS,), by_court=False, content=content(), created_by=PLAINTIFF,
        created_at=NOW, sealed=Seal(SealedGround.TRADE_SECRET, SECRET) if is_sealed else None,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def submitted(*, is_sealed: bool = False, **changes: object) -> Exhibit:
    label = Label("原告证1", "Plaintiff's exhibit 1")
    return draft(is_sealed=is_sealed, **changes).submitted(
        by=PLAINTIFF, at=at(10), number=1, version=1, label=label, due_at=None
    )


def checked(*, is_sealed: bool = False) -> Exhibit:
    return submitted(is_sealed=is_sealed).checked(by=CLERK, at=at(20))


def exchanged() -> Exhibit:
    return checked().exchanged(by=CLERK, at=at(30), opinions_until=None)


def decision(
    kind: Disclosure, *, to: tuple[PartyId, ...] | None = None, redacted: Redacted | None = None
) -> SealDecision:
    if kind is Disclosure.REDACTED and redacted is None:
        redacted = Redacted("合同（遮蔽版）", file("遮蔽.jpg"))
    return SealDecision(kind, to, "兼顾质证与商业秘密", JUDGE, at(25), redacted)
