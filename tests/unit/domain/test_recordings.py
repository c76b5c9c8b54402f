"""Recording, film, publication: what may follow what, and that two officials are two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from hearing_server.domain.recordings import (
    Film,
    FilmState,
    Publication,
    PublicationState,
    Recording,
    RecordingState,
    WritingState,
    WritingStatus,
    submit_publication,
)
from hearing_server.errors import Conflict, Forbidden, HearingError, Invalid
from hearing_server.filing.cases import Openness
from hearing_server.kernel import HearingId, PersonId, PublicationId, RecordingId
from tests.unit.court_pieces import CLERK, JUDGE, NOW, at

READY = (
    Film().queued().composing(progress_permille=300).ready(duration_s=61.5, size_bytes=9, sha256="ab" * 32)
)
RUNNING = Recording(RecordingId("rec_1"), HearingId("hrg_1"), RecordingState.RECORDING, NOW)


def sealed() -> Recording:
    done = RUNNING.sealed(at=at(60), tracks=6, segments=30, size_bytes=1000, root_sha256="cd" * 32, gaps=())
    return replace(done, film=READY)


def submitted(**changes: object) -> Publication:
    given: dict[str, object] = {
        "recording": sealed(), "id": PublicationId("pub_1"), "title": "买卖合同纠纷案庭审", "cause": "买卖合同纠纷",
        "case_number": "（2026）浙0199民初12号", "court_name": "云河法院", "openness": Openness.OPEN,
        "existing": None, "by": CLERK, "at": NOW, "held_on": date(2026, 3, 2),
    } | changes  # fmt: skip
    return submit_publication(**given)  # type: ignore[arg-type]


def test_publication__second_official__makes_it_public_and_anybody_withdraws() -> None:
    public = submitted().confirmed(JUDGE, at=at(1))
    assert (public.state, public.decided_by, public.published_at) == (PublicationState.PUBLIC, JUDGE, at(1))
    gone = public.withdrawn(CLERK, at=at(2), reason="含未成年人信息")
    assert (gone.state, gone.is_public, gone.reason) == (PublicationState.WITHDRAWN, False, "含未成年人信息")


@pytest.mark.parametrize("decision", ["confirm", "reject"])
def test_publication__same_person__may_not_decide(decision: str) -> None:
    orders: dict[str, Callable[[Publication, PersonId], Publication]] = {
        "confirm": lambda one, by: one.confirmed(by, at=at(1)),
        "reject": lambda one, by: one.rejected(by, at=at(1), reason="画面不清"),
    }
    with pytest.raises(Forbidden, match="same_person"):
        orders[decision](submitted(), CLERK)
    decided = orders[decision](submitted(), JUDGE)
    with pytest.raises(Conflict, match="not_submitted"):
        orders[decision](decided, PersonId("per_third"))


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
        ({"openness": Openness.CLOSED}, "publication.closed_hearing"),
        ({"recording": RUNNING}, "recording.not_sealed"),
        ({"recording": replace(sealed(), film=Film().queued())}, "film.not_ready"),
        ({"existing": submitted()}, "publication.exists"),
        ({"existing": submitted().confirmed(JUDGE, at=at(1))}, "publication.exists"),
    ],
)
def test_publication__not_fit__is_refused_by_name(changes: dict[str, object], code: str) -> None:
    with pytest.raises(HearingError) as refused:
        submitted(**changes)
    assert refused.value.code == code


def test_film__walk__goes_one_way_and_can_be_queued_again() -> None:
    film = Film().queued().composing(progress_permille=500)
    assert film.composing(progress_permille=200).progress_permille == 500
    with pytest.raises(Conflict, match="in_work"):
        film.queued()
    failed = film.failed("decoder")
    assert (failed.state, failed.error) == (FilmState.FAILED, "decoder")
    assert (failed.queued().attempt, failed.queued().error) == (2, None)
    with pytest.raises(Conflict, match="wrong_state"):
        READY.composing(progress_permille=1)
    with pytest.raises(Conflict, match="wrong_state"):
        Film().ready(duration_s=1, size_bytes=1, sha256="x")


def test_recording__sealed__is_final() -> None:
    done = sealed()
    again = done.sealed(at=at(99), tracks=1, segments=1, size_bytes=1, root_sha256="cd" * 32, gaps=())
    assert again is done
    with pytest.raises(Conflict, match="not_running"):
        done.sealed(at=at(99), tracks=1, segments=1, size_bytes=1, root_sha256="ef" * 32, gaps=())
    with pytest.raises(Conflict, match="not_running"):
        done.failed(at=at(99))


@pytest.mark.parametrize(
    ("state", "age_s", "is_proven"),
    [
        (WritingState.WRITING, 1.9, True),
        (WritingState.WRITING, 2.1, False),
        (WritingState.PAUSED, 0.0, True),
        (WritingState.STALLED, 0.0, False),
        (WritingState.IDLE, 0.0, False),
    ],
)
def test_proof__old_or_stalled__is_none(state: WritingState, age_s: float, is_proven: bool) -> None:
    assert WritingStatus(state, 5, None, NOW).is_proven(at(age_s)) is is_proven
    assert not WritingStatus(state).is_proven(NOW)
