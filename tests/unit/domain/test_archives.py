"""Packages: kept by class, held by order, tried again after a failure."""

from datetime import UTC, date, datetime, timedelta

import pytest

from hearing_server.domain.recording.archives import (
    FIRST_RETRY_S,
    LAST_RETRY_S,
    Archive,
    ArchiveState,
    Retention,
    new_archive,
)
from hearing_server.errors import Conflict, Invalid
from hearing_server.kernel import CaseId, PersonId, RecordingId

NOW = datetime(2028, 2, 29, 1, tzinfo=UTC)


def waiting(retention: Retention = Retention.LONG) -> Archive:
    return new_archive(RecordingId("rec_1"), CaseId("cas_1"), retention=retention, at=NOW)


def stored(retention: Retention = Retention.LONG) -> Archive:
    return waiting(retention).stored(
        sha256="a" * 64, size_bytes=10, files=3, at=NOW, day=NOW.date(), check_s=86_400
    )


@pytest.mark.parametrize(
    ("retention", "until"),
    [(Retention.PERMANENT, None), (Retention.LONG, date(2088, 2, 29)), (Retention.SHORT, date(2058, 2, 28))],
)
def test_package__stored__is_kept_as_long_as_its_class_says(retention: Retention, until: date | None) -> None:
    assert stored(retention).keep_until == until
    assert stored(retention).due_at == NOW + timedelta(days=1)


def test_package__over_its_time__may_go_unless_it_is_held() -> None:
    archive, later = stored(Retention.SHORT), date(2058, 3, 1)
    assert archive.may_be_destroyed(later)
    assert not archive.may_be_destroyed(date(2058, 2, 28))
    held = archive.held(PersonId("per_1"), at=NOW, reason=" 上诉 ")
    assert held.hold is not None
    assert held.hold.reason == "上诉"
    assert not held.may_be_destroyed(later)
    assert held.released().may_be_destroyed(later)
    assert not stored(Retention.PERMANENT).may_be_destroyed(date(3000, 1, 1))


def test_hold__twice_without_reason_or_lifted_without_one__is_refused() -> None:
    held = stored().held(PersonId("per_1"), at=NOW, reason="上诉")
    with pytest.raises(Conflict, match=r"archive\.held"):
        held.held(PersonId("per_2"), at=NOW, reason="再审")
    with pytest.raises(Conflict, match=r"archive\.not_held"):
        stored().released()
    with pytest.raises(Invalid, match=r"archive\.reason"):
        stored().held(PersonId("per_1"), at=NOW, reason="  ")


def test_making__that_fails__is_tried_again_less_and_less_often() -> None:
    archive, waits = waiting(), []
    for _ in range(40):
        archive = archive.failed("disk.full", at=NOW)
        waits.append((archive.due_at - NOW).total_seconds())
    assert waits[0] == FIRST_RETRY_S
    assert waits == sorted(waits)
    assert waits[-1] == LAST_RETRY_S
    assert archive.state is ArchiveState.FAILED
    assert archive.again(at=NOW).due_at == NOW


def test_reading_back__that_fails__keeps_the_package_and_is_repeated_within_the_hour() -> None:
    archive = stored().checked("object.damaged", at=NOW, check_s=30 * 86_400)
    assert (archive.state, archive.check_error) == (ArchiveState.STORED, "object.damaged")
    assert archive.due_at == NOW + timedelta(hours=1)
    assert archive.checked(None, at=NOW, check_s=30 * 86_400).check_error is None
