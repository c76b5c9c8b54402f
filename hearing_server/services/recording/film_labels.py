"""What the composer is told of a hearing: the words burnt into a film, and the court's own account of sealed spans."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from hearing_server.domain.hearing.hearings import Hearing
from hearing_server.filing.cases import Case, CaseRole
from hearing_server.filing.courts import CourtProfile

_NS_PER_US = 1000


def film_labels(profile: CourtProfile, hearing: Hearing, case: Case) -> Mapping[str, object]:
    """LABELS.json of the hearing's film."""
    there = (hearing.opened_at or hearing.starts_at).astimezone(profile.time_zone)
    offset = there.utcoffset()
    assert offset is not None
    return {
        "case_number": str(case.number),
        "title": hearing.title,
        "utc_offset_minutes": int(offset.total_seconds() // 60),
        "language": "zh-CN",
        "people": {
            person.person_id: {
                "name": person.name,
                "role": person.label.zh,
                "presides": person.role is CaseRole.JUDGE,
            }
            for person in hearing.participants
        },
    }


def sealed_spans(hearing: Hearing) -> list[list[str | None]]:
    """[from, until or null] in ns since 1970, as text: the journal says the same, and either is enough."""
    return [
        [_utc_ns(span.since), _utc_ns(span.until) if span.until else None] for span in hearing.sealed_spans
    ]


def _utc_ns(moment: datetime) -> str:
    whole = int(moment.replace(microsecond=0).timestamp())
    return str(whole * 1_000_000_000 + moment.microsecond * _NS_PER_US)
