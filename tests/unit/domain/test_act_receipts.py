"""Receipts: what each field is for, and that no file whatever brings the checker down."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearing_server.domain.canonical_json import canonical_json
from hearing_server.domain.trust.act_receipts import CheckedReceipt, Outcome, Step, check_receipt
from hearing_server.domain.trust.checkpoints import LogProof
from hearing_server.domain.trust.growth import read_growth_request
from hearing_server.domain.trust.signed_notes import Note
from hearing_server.domain.trust.tiles import TilePath
from hearing_server.domain.trust.trust_policy import TrustPolicy
from tests import trust_example

POLICY = TrustPolicy.parse(trust_example.policy())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


def raw() -> dict[str, Any]:
    receipt: dict[str, Any] = json.loads(trust_example.receipt(None))
    return receipt


def failed(receipt: dict[str, Any] | bytes, policy: TrustPolicy | None = None) -> list[Step]:
    data = receipt if isinstance(receipt, bytes) else canonical_json(receipt) + b"\n"
    return failures(check_receipt(data, policy))


def failures(checked: CheckedReceipt) -> list[Step]:
    return [step.step for step in checked.steps if step.outcome is Outcome.FAILS]


def test_receipt__as_the_court_writes_it__holds() -> None:
    checked = check_receipt(trust_example.receipt(None), POLICY)
    assert checked.holds
    assert checked.disclosed["body"] == {"lane": "lan_1", "seq": 1, "text": "原告同意调解。"}
    assert (checked.index, checked.entry["case_seq"]) == (2, 3)


@pytest.mark.parametrize("field", ["case", "actor", "body"])
def test_receipt__with_a_field_kept_back__holds_and_with_a_wrong_one_fails(field: str) -> None:
    receipt = raw()
    receipt["disclosed"][field]["value"] = "something else"
    assert failed(receipt) == [Step.CONTENT]
    del receipt["disclosed"][field]
    assert failed(receipt) == []


@pytest.mark.parametrize(
    ("field", "old", "new", "steps"),
    [
        ("entry", '"case_seq":3', '"case_seq":4', [Step.PLACE]),
        ("entry", "2026-03-02T04:03", "2026-03-02T04:02", [Step.PLACE]),
        ("proof", "index 2", "index 3", [Step.PLACE]),
        ("proof", "\n7\n", "\n8\n", [Step.SIGNATURE, Step.WITNESSES]),
        ("proof", "court.example/acts\n7", "court.example/other\n7", [Step.SIGNATURE, Step.WITNESSES]),
        ("format", "/1", "/2", [Step.FORM]),
        ("log", "28ea220b", "28ea220c", [Step.FORM]),
    ],
)
def test_receipt__with_one_thing_changed__fails_in_the_step_that_says_so(
    field: str, old: str, new: str, steps: list[Step]
) -> None:
    receipt = raw()
    assert old in receipt[field]
    receipt[field] = receipt[field].replace(old, new, 1)
    assert failed(receipt) == steps
    assert failed(receipt, POLICY) == steps


def test_receipt__whose_witness_lines_are_touched__fails_there() -> None:
    receipt = raw()
    first, second = receipt["witnesses"]
    for witnesses in ([first], [], [first, first], [second]):
        assert failed(raw() | {"witnesses": witnesses}) == [Step.WITNESSES]
    head, _, last = receipt["proof"].rpartition("— bar.example")
    assert failed(receipt | {"proof": head}) == [Step.WITNESSES]
    assert failed(receipt | {"proof": head, "witnesses": [first]}) == []
    assert failed(receipt | {"proof": head, "witnesses": [first]}, POLICY) == [Step.WITNESSES]
    assert failed(receipt | {"proof": head + "— bar.elsewhere" + last}) == [Step.WITNESSES]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-1], lambda data: data + b"\n", lambda data: b" " + data,
        lambda data: data.replace(b":", b": ", 1),
        lambda data: data.replace(b"{", b'{"extra":1,', 1), lambda data: b'{"format":"hearing-receipt/1"}\n',
        lambda data: data + b" " * (1 << 20), lambda data: b"[" * 100_000, lambda data: b"",
        lambda data: data.replace("原".encode(), rb"\u539f", 1),
    ],
)  # fmt: skip
def test_receipt__in_any_other_form__is_none(change: Any) -> None:
    assert failed(change(trust_example.receipt(None))) == [Step.FORM]


@given(st.binary(max_size=400) | JSON.map(lambda value: json.dumps(value).encode() + b"\n"))
def test_any_file__checked__is_answered(data: bytes) -> None:
    assert failures(check_receipt(data, POLICY)) == [Step.FORM]


@given(st.sampled_from(sorted(raw())), JSON)
def test_any_value_in_any_field__checked__is_answered(field: str, value: Any) -> None:
    receipt = raw() | {field: value}
    # Nothing disclosed is a receipt as well.
    if receipt != raw() and (field, value) != ("disclosed", {}):
        data = json.dumps(receipt, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        assert failures(check_receipt(data.encode("utf-8", "surrogatepass") + b"\n", POLICY))


@given(st.text(max_size=300))
def test_any_text__given_to_a_reader__is_read_or_refused(text: str) -> None:
    for read in (Note.parse, LogProof.parse, TrustPolicy.parse, read_growth_request):
        try:
            read(text)
        except ValueError:
            continue
    path = TilePath.parse(text)
    assert path is None or path.text() == text
