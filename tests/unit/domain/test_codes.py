"""One-time codes: one use, five tries, five minutes, no flood."""

from __future__ import annotations

import hashlib
import hmac

from hearing_server.domain.codes import (
    LIFE_S,
    MAX_TRIES,
    RESEND_WAIT_S,
    CodeOutcome,
    OneTimeCode,
    check_code,
    code_hash,
    code_of,
    issue_code,
    refusal,
    resend_wait_s,
)
from tests.unit.court_pieces import NOW, at


def keyed(text: str, key: bytes = b"k" * 32) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def issued() -> OneTimeCode:
    return issue_code(id="cod_1", subject="phone-hash", code="042917", keyed=keyed, at=NOW)


def test_code__right__is_accepted_once() -> None:
    used, outcome = check_code(issued(), " 042917 ", keyed=keyed, at=at(LIFE_S - 1))
    assert (outcome, used.used_at) == (CodeOutcome.ACCEPTED, at(LIFE_S - 1))
    assert check_code(used, "042917", keyed=keyed, at=at(LIFE_S - 1))[1] is CodeOutcome.USED


def test_code__late__is_expired() -> None:
    assert check_code(issued(), "042917", keyed=keyed, at=at(LIFE_S))[1] is CodeOutcome.EXPIRED


def test_code__five_wrong_tries__even_the_right_one_is_refused() -> None:
    record = issued()
    for number in range(MAX_TRIES):
        record, outcome = check_code(record, f"{number:06d}", keyed=keyed, at=at(1))
        assert outcome is CodeOutcome.WRONG
    assert check_code(record, "042917", keyed=keyed, at=at(1))[1] is CodeOutcome.TOO_MANY_TRIES


def test_code__under_another_id_or_key__is_another_hash() -> None:
    others = (keyed, lambda text: keyed(text, b"x" * 32))
    hashes = {code_hash("042917", keyed=one, code_id=name) for one in others for name in ("cod_1", "cod_2")}
    assert len(hashes) == 4
    assert "042917" not in str(issued())


def test_code_of__small_number__keeps_its_zeros() -> None:
    assert (code_of(7), code_of(999_999)) == ("000007", "999999")


def test_resend__after_a_code__waits_unless_it_was_used() -> None:
    record = issued()
    waits = [resend_wait_s(record, at=at(s)) for s in (0, 0.5, RESEND_WAIT_S - 0.1, RESEND_WAIT_S, 500)]
    assert waits == [RESEND_WAIT_S, RESEND_WAIT_S, 1, 0, 0]
    assert resend_wait_s(None, at=NOW) == 0
    assert resend_wait_s(check_code(record, "042917", keyed=keyed, at=at(1))[0], at=at(1)) == 0


def test_refusal__every_cause__says_the_same() -> None:
    assert (refusal().code, refusal().status) == ("code.wrong", 403)
