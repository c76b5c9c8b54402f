"""证据目录: what one person may list of a case's exhibits, side by side, with running page numbers and hashes.

The same exhibits give the same catalogue, whenever it is made: its moment is when the last of it was submitted or
exchanged.
Source: 民事诉讼证据规定 art 19 (number, source, purpose, pages; date of submission).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from hearing_server.domain.exhibits.content import ExhibitFile, ExhibitKind, Form
from hearing_server.domain.exhibits.exhibits import Exhibit, ExhibitState
from hearing_server.domain.exhibits.sight import Sight, Viewer, may_see
from hearing_server.filing.cases import Case, Label

KIND_LABELS: dict[ExhibitKind, Label] = {
    ExhibitKind.DOCUMENT: Label("书证", "Document"),
    ExhibitKind.PHYSICAL: Label("物证", "Physical evidence"),
    ExhibitKind.AUDIOVISUAL: Label("视听资料", "Audio or video"),
    ExhibitKind.ELECTRONIC: Label("电子数据", "Electronic data"),
    ExhibitKind.TESTIMONY: Label("证人证言", "Testimony"),
    ExhibitKind.EXPERT_OPINION: Label("鉴定意见", "Expert opinion"),
    ExhibitKind.INSPECTION: Label("勘验笔录", "Inspection record"),
    ExhibitKind.STATEMENT: Label("当事人陈述", "Party's statement"),
}
FORM_LABELS = {Form.ORIGINAL: Label("原件", "Original"), Form.COPY: Label("复印件", "Copy")}
COURT_SIDE = Label("法院", "Court")


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """One exhibit. A stub has a number, a kind and `ground` alone; pages run within the side, 0 without any."""

    number: str
    version: int
    kind: str
    title: str
    form: str
    source: str
    purpose: str
    first_page: int
    last_page: int
    submitted_at: datetime
    is_late: bool
    ground: str
    files: tuple[ExhibitFile, ...]


@dataclass(frozen=True, slots=True)
class CatalogueSide:
    """One side's exhibits in the order of their numbers. `key` is the series."""

    key: str
    label: str
    names: str
    rows: tuple[CatalogueRow, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """`as_of`: when the last of it was submitted or exchanged; None when it is empty."""

    case_number: str
    cause: str
    court: str
    sides: tuple[CatalogueSide, ...]
    as_of: datetime | None


def catalogue(
    case: Case, exhibits: Iterable[Exhibit], viewer: Viewer, *, series: str | None = None
) -> Catalogue:
    """What this person may list; of one side alone with `series`. Drafts and what was withdrawn are no evidence."""
    seen = [one for one in exhibits if _is_listed(one, viewer) and (series is None or one.series == series)]
    newest = _newest(seen)
    order = [party.id for party in case.parties]
    keys = sorted(
        {one.series for one in newest},
        key=lambda key: order.index(key) if key in order else len(order),  # type: ignore[arg-type]
    )
    moments = [
        at
        for one in newest
        for at in (one.submitted_at, one.exchanged_at if may_see(one, viewer) is not Sight.STUB else None)
        if at is not None
    ]
    return Catalogue(
        case_number=str(case.number),
        cause=case.cause,
        court=case.court.name,
        sides=tuple(_side(case, key, [one for one in newest if one.series == key], viewer) for key in keys),
        as_of=max(moments, default=None),
    )


def _is_listed(exhibit: Exhibit, viewer: Viewer) -> bool:
    if exhibit.state in (ExhibitState.DRAFT, ExhibitState.WITHDRAWN):
        return False
    return may_see(exhibit, viewer) is not Sight.NOTHING


def _newest(exhibits: Iterable[Exhibit]) -> list[Exhibit]:
    """The highest version of each number that this person sees."""
    found: dict[tuple[str, int], Exhibit] = {}
    for one in exhibits:
        assert one.number is not None, "what was submitted has a number"
        key = (one.series, one.number)
        if key not in found or found[key].version < one.version:
            found[key] = one
    return [found[key] for key in sorted(found)]


def _side(case: Case, key: str, exhibits: list[Exhibit], viewer: Viewer) -> CatalogueSide:
    party = next((one for one in case.parties if one.id == key), None)
    label = case.party_label(party) if party else COURT_SIDE
    rows, page = [], 0
    for one in exhibits:
        row = _row(one, viewer, page)
        page = max(page, row.last_page)
        rows.append(row)
    return CatalogueSide(key, label.zh, party.person.name if party else "", tuple(rows))


def _row(exhibit: Exhibit, viewer: Viewer, before: int) -> CatalogueRow:
    sight, content, seal = may_see(exhibit, viewer), exhibit.content, exhibit.sealed
    decision = seal.decision if seal else None
    redacted = decision.redacted if decision and sight is Sight.REDACTED else None
    is_whole = sight is Sight.FULL
    files = content.files if is_whole else (redacted.file,) if redacted else ()
    pages = sum(file.pages for file in files)
    assert exhibit.label is not None
    assert exhibit.submitted_at is not None
    return CatalogueRow(
        number=exhibit.label.zh,
        version=exhibit.version,
        kind=KIND_LABELS[content.kind].zh,
        title=content.title if is_whole else redacted.title if redacted else "",
        form=FORM_LABELS[content.form].zh if is_whole or redacted else "",
        source=content.source if is_whole else "",
        purpose=content.purpose if is_whole else "",
        first_page=before + 1 if pages else 0,
        last_page=before + pages if pages else 0,
        submitted_at=exhibit.submitted_at,
        is_late=exhibit.is_late and sight is not Sight.STUB,
        ground=seal.ground.label.zh if seal else "",
        files=files,
    )
