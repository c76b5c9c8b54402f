"""Closed doors: a ground with its article, a reason, a request where the law wants one; and nothing of it is public."""

from __future__ import annotations

import contextlib
import random
from dataclasses import replace
from datetime import date

import pytest

from hearing_server.domain.hearing.doors import hold_behind_closed_doors
from hearing_server.domain.hearing.hearings import Hearing, cancel
from hearing_server.domain.publishing.broadcasts import Broadcast, submit_broadcast
from hearing_server.domain.publishing.open_court import doors_of, is_in_open_court
from hearing_server.domain.publishing.publications import Publication, submit_publication
from hearing_server.errors import Conflict, HearingError, Invalid
from hearing_server.filing.cases import Case, Openness
from hearing_server.filing.closed_doors import GROUNDS, ClosedDoors, Ground, close_doors
from hearing_server.filing.intake import Faults, read_terms
from hearing_server.kernel import BroadcastId, PublicationId
from tests.unit.court_pieces import CLERK, JUDGE, NOW, at, case, scheduled
from tests.unit.domain.test_publications import COPY, HOURS, sealed

# Orders of these walks; each ends in a state that nobody may see.
WALKS = 400
STEPS = 14


def doors(ground: Ground = Ground.PRIVACY) -> ClosedDoors:
    return close_doors(ground, reason="涉及当事人隐私", request="原告书面申请", by=JUDGE, at=at(1))


def test_every_ground__looked_up__names_its_article_in_both_languages() -> None:
    assert set(GROUNDS) == set(Ground)
    for rule in GROUNDS.values():
        assert "第一百三十七条" in rule.law
        assert "137" in rule.law_en
    assert {ground for ground, rule in GROUNDS.items() if rule.on_request} == {
        Ground.TRADE_SECRET,
        Ground.DIVORCE,
    }


def test_order__without_reason_or_without_the_request_it_needs__is_refused_by_name() -> None:
    with pytest.raises(Invalid, match=r"closed_doors\.reason"):
        close_doors(Ground.MINOR, reason=" ", by=JUDGE, at=NOW)
    with pytest.raises(Invalid, match=r"closed_doors\.request"):
        close_doors(Ground.DIVORCE, reason="离婚", by=JUDGE, at=NOW)
    assert close_doors(Ground.MINOR, reason="原告系未成年人", by=JUDGE, at=NOW).request == ""


def test_order__given_twice_or_for_a_cancelled_hearing__is_refused() -> None:
    closed = case().behind_closed_doors(doors())
    assert (closed.openness, closed.closed_doors) == (Openness.CLOSED, doors())
    with pytest.raises(Conflict, match=r"closed_doors\.ordered"):
        closed.behind_closed_doors(doors(Ground.MINOR))
    hearing, facts = hold_behind_closed_doors(scheduled(), doors())
    assert (hearing.version, facts[0].note) == (scheduled().version + 1, "privacy")
    assert doors_of(case(), hearing) == doors()
    with pytest.raises(Conflict, match=r"closed_doors\.ordered"):
        hold_behind_closed_doors(hearing, doors())
    gone = cancel(scheduled(), at=NOW, reason="改期")[0]
    with pytest.raises(Conflict, match=r"hearing\.cancelled"):
        hold_behind_closed_doors(gone, doors())


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, {"closed_ground", "closed_reason"}),
        ({"closed_ground": "privacy"}, {"closed_reason"}),
        ({"closed_ground": "离婚", "closed_reason": "离婚案件"}, {"closed_request"}),
        ({"closed_ground": "weather", "closed_reason": "x"}, {"closed_ground"}),
        ({"closed_ground": "未成年人", "closed_reason": "被告系未成年人"}, set()),
        ({"closed_ground": "trade_secret", "closed_reason": "配方", "closed_request": "被告当庭申请"}, set()),
    ],
)
def test_filing__of_a_closed_case__asks_for_its_ground(given: dict[str, str], wrong: set[str]) -> None:
    faults = Faults()
    terms = read_terms({"cause": "抚养纠纷", "openness": "closed", **given}, faults)
    assert {fault.field for fault in faults.found} == wrong
    if not wrong:
        assert terms is not None
        assert terms.doors is not None
        assert terms.doors.reason == given["closed_reason"]


class Walk:
    """One case, one hearing, whatever officials may try with them in any order."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.case: Case = case()
        self.hearing: Hearing = scheduled()
        self.publication: Publication | None = None
        self.broadcast: Broadcast | None = None

    def step(self) -> None:
        order = self.dice.choice(
            [self._submit, self._copy, self._preview, self._confirm, self._withdraw, self._ask, self._approve,
             self._cut]
        )  # fmt: skip
        # Refused, as it may be; what counts is what stands afterwards.
        with contextlib.suppress(HearingError):
            order()

    def close(self) -> None:
        ground = self.dice.choice(list(Ground))
        if self.dice.random() < 0.5:
            self.case = self.case.behind_closed_doors(doors(ground))
        else:
            self.hearing = hold_behind_closed_doors(self.hearing, doors(ground))[0]

    def _submit(self) -> None:
        self.publication = submit_publication(
            sealed(), self.hearing, self.case, id=PublicationId("pub_1"), title="t", cause="c",
            existing=self.publication, by=CLERK, at=NOW, held_on=date(2026, 3, 2), objections_until=at(72 * HOURS),
        )  # fmt: skip

    def _copy(self) -> None:
        if self.publication is not None and self.publication.is_waiting:
            self.publication = self.publication.copied(
                sha256=COPY, size_bytes=9, duration_s=60, source_sha256="cd" * 32
            )

    def _preview(self) -> None:
        if self.publication is not None and self.publication.copy.sha256 is not None:
            self.publication = self.publication.previewed(JUDGE)

    def _confirm(self) -> None:
        if self.publication is not None:
            self.publication = self.publication.confirmed(
                JUDGE, case=self.case, hearing=self.hearing, copy_sha256=COPY, at=at(73 * HOURS)
            )

    def _withdraw(self) -> None:
        if self.publication is not None:
            self.publication = self.publication.withdrawn(JUDGE, at=at(1), reason="x")

    def _ask(self) -> None:
        self.broadcast = submit_broadcast(
            self.hearing, self.case, id=BroadcastId("brd_1"), title="t", existing=self.broadcast, by=CLERK, at=NOW,
            held_on=date(2026, 3, 2), objections_until=at(72 * HOURS),
        )  # fmt: skip

    def _approve(self) -> None:
        if self.broadcast is not None:
            self.broadcast = self.broadcast.approved(
                JUDGE, case=self.case, hearing=self.hearing, at=at(73 * HOURS)
            )

    def _cut(self) -> None:
        if self.broadcast is not None:
            self.broadcast = self.broadcast.cut(JUDGE, at=at(1), reason="x")

    @property
    def is_public(self) -> bool:
        """As the public's doors ask: an approved thing of a hearing in open court."""
        shown = (self.publication is not None and self.publication.is_public) or (
            self.broadcast is not None and self.broadcast.is_on
        )
        return shown and is_in_open_court(self.case, self.hearing)


def test_anything__tried_in_any_order_after_the_doors_closed__is_never_public() -> None:
    was_public = 0
    for seed in range(WALKS):
        walk = Walk(random.Random(seed))
        for _ in range(walk.dice.randrange(STEPS)):
            walk.step()
        was_public += walk.is_public
        before = (walk.publication, walk.broadcast)
        walk.close()
        assert not walk.is_public
        for _ in range(STEPS):
            walk.step()
            assert not walk.is_public, f"seed {seed}"
            # Nothing new is approved either: whoever forgot to ask for the doors would show it.
            assert walk.publication is None or not walk.publication.is_public or walk.publication == before[0]
            assert walk.broadcast is None or not walk.broadcast.is_on or walk.broadcast == before[1]
    assert was_public > WALKS // 20, "walks that never got to the public prove nothing"


def test_a_walk__without_an_order__gets_to_the_public() -> None:
    """The oracle can fail: the same steps do publish an open case."""
    reached = 0
    for seed in range(50):
        walk = Walk(random.Random(seed))
        for _ in range(40):
            walk.step()
            reached += walk.is_public
    assert reached


def test_case_closed_without_a_ground__of_before__is_closed_all_the_same() -> None:
    old = replace(case(), openness=Openness.CLOSED)
    assert not is_in_open_court(old, scheduled())
    assert doors_of(old, scheduled()) is None
