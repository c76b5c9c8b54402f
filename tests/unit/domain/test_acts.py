"""The act log: entries without personal data, chains in which nothing can be changed unseen."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearing_server.domain.acts import Act, ActKind, ActObject, commitment, field_salt, seal_act, verify_chain
from hearing_server.domain.hearing.hearings import HearingFactKind
from hearing_server.errors import Invalid
from hearing_server.kernel import ActId, PersonId
from tests.unit.court_pieces import at


def chain(length: int) -> list[Act]:
    acts: list[Act] = []
    head = (0, "")
    for number in range(1, length + 1):
        act = seal_act(
            id=ActId(f"act_{number}"), court_code="浙0199", chain_id="cas_1", head=head, kind=ActKind.MESSAGE_POSTED,
            at=at(number), actor_id=PersonId("per_zhang"), role="party", payload={"text": "张三同意调解", "n": number},
            salt=bytes([number]) * 32, objects=[ActObject("ab" * 32, 10)],
        )  # fmt: skip
        acts.append(act)
        head = (act.case_seq, act.entry_sha256)
    return acts


def test_entry__holds_no_personal_data_and_opens_with_the_salt() -> None:
    act = chain(1)[0]
    text = act.entry.decode()
    for secret in ("张三", "调解", "per_zhang", "cas_1"):
        assert secret not in text
    entry = json.loads(text)
    assert (entry["cat"], entry["sub"], entry["case_seq"], entry["prev_in_case"]) == (
        "message",
        "posted",
        1,
        "",
    )
    # An outsider who is handed the field's salt opens the commitment with nothing but SHA-256.
    payload = '{"n":1,"text":"张三同意调解"}'.encode()
    assert entry["body_c"] == hashlib.sha256(field_salt(act.salt, "body") + payload).hexdigest()
    assert act.entry_sha256 == hashlib.sha256(act.entry).hexdigest()


def test_commitment__same_value_other_salt_or_field__differs() -> None:
    values = {commitment(bytes([salt]) * 32, field, "x") for salt in (1, 2) for field in ("actor", "body")}
    assert len(values) == 4


CHANGES: dict[str, Any] = {
    "payload": {"text": "张三不同意", "n": 0}, "actor_id": PersonId("per_li"), "role": "judge", "salt": b"z" * 32,
    "kind": ActKind.FILM_VIEWED, "at": at(999), "chain_id": "cas_2", "case_seq": 77, "prev_sha256": "00" * 32,
    "entry_sha256": "00" * 32, "entry": b"{}",
}  # fmt: skip


@given(st.integers(0, 4), st.sampled_from([*CHANGES, "drop", "swap"]))
def test_verify_chain__anything_changed__breaks_exactly_there(place: int, what: str) -> None:
    acts = chain(6)
    assert verify_chain(acts).is_intact
    if what == "drop":
        del acts[place]
    elif what == "swap":
        acts[place], acts[place + 1] = acts[place + 1], acts[place]
    else:
        acts[place] = replace(acts[place], **{what: CHANGES[what]})
    report = verify_chain(acts)
    assert (report.broken_seq, report.length) == (place + 1, place)
    assert report.reason


def test_verify_chain__entry_rewritten_with_its_hash__breaks_at_the_next() -> None:
    acts = chain(3)
    forged = acts[1].entry.replace(b'"role":"party"', b'"role":"judge"')
    acts[1] = replace(acts[1], role="judge", entry=forged, entry_sha256=hashlib.sha256(forged).hexdigest())
    report = verify_chain(acts)
    assert (report.broken_seq, report.reason) == (3, "link")


def test_verify_chain__cut_at_the_end__is_seen_by_the_head() -> None:
    acts = chain(4)
    report = verify_chain(acts[:3])
    assert report.is_intact
    assert report.head_sha256 != acts[3].entry_sha256
    assert verify_chain(acts[2:], after=(2, acts[1].entry_sha256)).is_intact


def test_seal_act__bad_salt_or_too_large__is_refused() -> None:
    given_: dict[str, Any] = {
        "id": ActId("act_1"), "court_code": "浙0199", "chain_id": "cas_1", "head": (0, ""), "kind": ActKind.CASE_FILED,
        "at": at(0), "actor_id": PersonId("per_1"), "role": "clerk", "payload": {}, "salt": b"x" * 32,
    }  # fmt: skip
    with pytest.raises(Invalid, match=r"act\.salt"):
        seal_act(**given_ | {"salt": b"short"})
    with pytest.raises(Invalid, match=r"act\.too_large"):
        seal_act(**given_, objects=[ActObject("ab" * 32, 1)] * 60)
    assert len(seal_act(**given_ | {"payload": {"text": "长" * 5000}}).entry) < 1024


def test_kinds__every_fact_of_a_hearing__has_an_act() -> None:
    whats = {kind.value.split(".")[1] for kind in ActKind} | {
        kind.value.replace(".", "_") for kind in ActKind
    }
    assert {str(kind) for kind in HearingFactKind} <= whats
