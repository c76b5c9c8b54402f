"""One-time codes: one use, five tries, five minutes, no flood."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hearing_server.domain.codes import (
    LIFE_S,
    MAX_TRIES,
    CodeOutcome,
    OneTimeCode,
    check_code,
    code_hash,
    code_of,
    issue_code,
    refusal,
    require_may_send,
    resend_wait_s,
)
from hearing_server.errors import RateLimited
from tests.unit.court_pieces import NOW, at

KEY = b"k" * 32


def issued() -> OneTimeCode:
    return issue_code(id="cod_1", subject="phone-hash", code="042917", key=KEY, at=NOW)


def test_code__right__is_accepted_once() -> None:
    used, outcome = check_code(issued(), " 042917 ", key=KEY, at=at(LIFE_S - 1))
    assert (outcome, used.used_at) == (CodeOutcome.ACCEPTED, at(LIFE_S - 1))
    assert check_code(used, "042917", key=KEY, at=at(LIFE_S - 1))[1] is CodeOutcome.USED


def test_code__late__is_expired() -> None:
    assert check_code(issued(), "042917", key=KEY, at=at(LIFE_S))[1] is CodeOutcome.EXPIRED


def test_code__five_wrong_tries__even_the_right_one_is_refused() -> None:
    record = issued()
    for number in range(MAX_TRIES):
        record, outcome = check_code(record, f"{number:06d}", key=KEY, at=at(1))
        assert outcome is CodeOutcome.WRONG
    assert check_code(record, "042917", key=KEY, at=at(1))[1] is CodeOutcome.TOO_MANY_TRIES


def test_code__under_another_id_or_key__is_another_hash() -> None:
    hashes = {
        code_hash("042917", key=key, code_id=name) for key in (KEY, b"x" * 32) for name in ("cod_1", "cod_2")
    }
    assert len(hashes) == 4
    assert "042917" not in str(issued())


def test_code_of__small_number__keeps_its_zeros() -> None:
    assert (code_of(7), code_of(999_999)) == ("000007", "999999")


def test_send__too_soon_or_too_often__says_when_again() -> None:
    record = issued()
    assert [resend_wait_s(record, at=at(s)) for s in (0, 0.5, 59.9, 60, 500)] == [60, 60, 1, 0, 0]
    with pytest.raises(RateLimited) as refused:
        require_may_send(record, sent_last_hour=1, at=NOW + timedelta(seconds=20))
    assert refused.value.retry_after_s == 40
    with pytest.raises(RateLimited, match="too_many"):
        require_may_send(record, sent_last_hour=5, at=at(61))
    require_may_send(record, sent_last_hour=4, at=at(61))
    require_may_send(None, sent_last_hour=0, at=NOW)


def test_refusal__every_cause__says_the_same() -> None:
    assert (refusal().code, refusal().status) == ("code.refused", 403)
