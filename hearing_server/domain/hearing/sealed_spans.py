"""Sealed spans (封闭时段): the judge orders that what follows is recorded and shown to nobody but the court.

Unlike a pause, the record goes on: the span stands in the journal, and no film, live stream, preview, picture or
download made from it shows it. Everybody in the room sees that it is in force.
Sources: 民事诉讼法 arts 71, 137 (secrets and privacy are not shown in open court); 录音录像规定 arts 3, 10-12 (what
may be given out).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from hearing_server.domain.hearing.hearings import (
    RUNNING,
    Change,
    Hearing,
    HearingFactKind,
    HearingState,
    SealedSpan,
    changed,
    check_reason,
    wrong_state,
)
from hearing_server.errors import Conflict


def begin_sealing(hearing: Hearing, *, at: datetime, reason: str) -> Change:
    """封闭. Errors: Conflict `hearing.not_in_session`, `hearing.sealed`; Invalid `hearing.reason`."""
    if hearing.state is not HearingState.IN_SESSION:
        raise wrong_state(hearing, "hearing.not_in_session", "开庭", "session")
    if hearing.sealed is not None:
        raise Conflict("hearing.sealed", zh="已处于封闭时段", en="A sealed span is in force already")
    reason = check_reason(reason)
    spans = (*hearing.sealed_spans, SealedSpan(reason, at))
    return changed(hearing, HearingFactKind.SEALING_BEGUN, at, note=reason, sealed_spans=spans)


def end_sealing(hearing: Hearing, *, at: datetime) -> Change:
    """解除封闭, also in a pause. Errors: Conflict `hearing.not_running`, `hearing.not_sealed`."""
    if hearing.state not in RUNNING:
        raise wrong_state(hearing, "hearing.not_running", "开庭或休庭", "session or recess")
    if hearing.sealed is None:
        raise Conflict("hearing.not_sealed", zh="当前不在封闭时段", en="No sealed span is in force")
    spans = (*hearing.sealed_spans[:-1], replace(hearing.sealed, until=at))
    return changed(hearing, HearingFactKind.SEALING_ENDED, at, note=hearing.sealed.reason, sealed_spans=spans)
