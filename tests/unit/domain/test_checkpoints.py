"""Notes, checkpoints, cosignatures, proofs in files, policies: published examples first, then lies."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearing_server.domain.trust.checkpoints import (
    Checkpoint,
    LogProof,
    cosign,
    open_checkpoint,
    read_cosignature,
    sign_checkpoint,
    whole_number,
)
from hearing_server.domain.trust.merkle import TreeHead, leaf_hash
from hearing_server.domain.trust.signed_notes import KeyKind, Note, SigningKey, VerifierKey, read_signatures
from hearing_server.domain.trust.trust_policy import TrustPolicy
from tests.unit.domain.test_merkle import mth, path, some

# golang.org/x/mod/sumdb/note: the key pair and the note of its documentation.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
PETER_TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
PETER_NOTE = (
    PETER_TEXT + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngot"
    "pRZb6KE6RyyBwJnAM=\n"
)
# A checkpoint of a public log as witnesses of the public network cosigned it.
ARCHE = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
REMORA = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
STAGEMOLE = "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv"
ARCHE_NOTE = """arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
"""  # noqa: E501
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
LOG = SigningKey.from_seed("court.example/log", KeyKind.LOG, b"\1" * 32)
WITNESSES = [SigningKey.from_seed(f"w{n}.example", KeyKind.WITNESS, bytes([n + 2]) * 32) for n in range(5)]


def checkpoint(size: int = 5) -> Checkpoint:
    return Checkpoint(LOG.name, TreeHead(size, mth(some(size))))


def proof(index: int = 2, size: int = 5) -> LogProof:
    note = sign_checkpoint(checkpoint(size), LOG) + "".join(
        cosign(checkpoint(size).text(), witness, at=NOON) for witness in WITNESSES
    )
    return LogProof(index, tuple(path(index, some(size))), Note.parse(note))


def policy(rule: str = "group all any w0 w1 w2 w3 w4\nquorum all") -> TrustPolicy:
    lines = [f"log {LOG.verifier.text()}"]
    lines += [f"witness w{n} {witness.verifier.text()}" for n, witness in enumerate(WITNESSES)]
    return TrustPolicy.parse("\n".join([*lines, *rule.split("\n"), ""]))


def test_go_note__signed_with_the_published_key__is_the_published_note() -> None:
    key = SigningKey.from_seed("PeterNeumann", KeyKind.LOG, PETER_SEED)
    assert key.verifier.text() == PETER
    assert f"{PETER_TEXT}\n{key.signature_line(PETER_TEXT.encode())}" == PETER_NOTE
    note = Note.parse(PETER_NOTE)
    assert (note.text, note.whole()) == (PETER_TEXT, PETER_NOTE)
    assert VerifierKey.parse(PETER).verifies(note.text.encode(), note.signatures[0].blob)


def test_public_checkpoint__of_another_operators_log__verifies_with_its_witnesses() -> None:
    note = Note.parse(ARCHE_NOTE)
    opened = open_checkpoint(note, VerifierKey.parse(ARCHE))
    assert opened.head.size == 1432088532
    said = TrustPolicy.parse(
        f"log {ARCHE}\nwitness r {REMORA}\nwitness s {STAGEMOLE}\ngroup g all r s\nquorum g\n"
    ).cosigned(note)
    assert set(said) == {"r", "s"}
    assert said["r"].at == datetime(2026, 5, 23, 21, 50, 24, tzinfo=UTC)
    assert note.whole() == ARCHE_NOTE


@pytest.mark.parametrize("key", [PETER, REMORA])
def test_verifier_key__mangled_anywhere__is_refused_or_verifies_nothing(key: str) -> None:
    for place in range(len(key)):
        for changed in (key[:place], key[:place] + "x" + key[place + 1 :], key[:place] + "+" + key[place:]):
            if changed == key:
                continue
            with pytest.raises(ValueError, match=r"key|base64"):
                VerifierKey.parse(changed)


@pytest.mark.parametrize(
    "note",
    [
        "", "\n", PETER_TEXT, PETER_TEXT + "\n", PETER_NOTE[:-1], PETER_NOTE + "\n", PETER_NOTE.replace("—", "-"),
        PETER_NOTE.replace(" is", "\tis"), PETER_NOTE.replace("JnAM=", "JnAN="), PETER_NOTE + "— a+b AAAAAAA=\n",
        PETER_NOTE + "— name AAAAAA==\n", PETER_NOTE.replace("\n\n—", "\n—"),
    ],
)  # fmt: skip
def test_note__malformed__is_none(note: str) -> None:
    with pytest.raises(ValueError, match=r"note|signature|base64"):
        Note.parse(note)


def test_note__with_unknown_signatures__keeps_them_and_their_order() -> None:
    other = "— somebody.else AAAAAAAAAAA=\n"
    note = Note.parse(sign_checkpoint(checkpoint(), LOG) + other)
    assert note.whole().endswith(other)
    assert open_checkpoint(note, LOG.verifier) == checkpoint()


@pytest.mark.parametrize(
    "text",
    ["", "a\n", "a\n1\n", "a\n01\nAAAA\n", "a\n-1\n", "a\n1\nAAAA\n", "a\n1\n" + "A" * 43 + "=\n\nx\n"],
)
def test_checkpoint__malformed__is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"checkpoint|whole|hash|base64"):
        Checkpoint.parse(text)


def test_checkpoint__signed_by_the_wrong_hand__is_refused() -> None:
    other = SigningKey.from_seed(LOG.name, KeyKind.LOG, b"\7" * 32)
    with pytest.raises(ValueError, match="missing"):
        open_checkpoint(Note.parse(sign_checkpoint(checkpoint(), other)), LOG.verifier)
    elsewhere = SigningKey.from_seed("court.example/other", KeyKind.LOG, b"\1" * 32)
    with pytest.raises(ValueError, match="another log"):
        open_checkpoint(Note.parse(sign_checkpoint(checkpoint(), elsewhere)), elsewhere.verifier)
    note = sign_checkpoint(checkpoint(), LOG).replace("\n5\n", "\n6\n")
    with pytest.raises(ValueError, match="wrong"):
        open_checkpoint(Note.parse(note), LOG.verifier)


def test_cosignature__over_another_text_or_time__says_nothing() -> None:
    text, witness = checkpoint().text(), WITNESSES[0]
    signature = read_signatures(cosign(text, witness, at=NOON))[0]
    said = read_cosignature(text, signature, witness.verifier)
    assert said is not None
    assert said.at == NOON
    assert read_cosignature(checkpoint(4).text(), signature, witness.verifier) is None
    assert read_cosignature(text, signature, WITNESSES[1].verifier) is None
    for place in range(len(signature.blob)):
        blob = bytearray(signature.blob)
        blob[place] ^= 1
        changed = type(signature)(signature.name, signature.key_id, bytes(blob))
        assert read_cosignature(text, changed, witness.verifier) is None


@pytest.mark.parametrize(
    ("rule", "names", "agreed"),
    [
        ("quorum none", set(), True),
        ("quorum w1", {"w0"}, False),
        ("quorum w1", {"w1"}, True),
        ("group g 2 w0 w1 w2\nquorum g", {"w0", "w3"}, False),
        ("group g 2 w0 w1 w2\nquorum g", {"w0", "w2"}, True),
        ("group x 2 w0 w1 w2\ngroup y any w3 w4\ngroup b all x y\nquorum b", {"w0", "w1", "w2"}, False),
        ("group x 2 w0 w1 w2\ngroup y any w3 w4\ngroup b all x y\nquorum b", {"w0", "w1", "w4"}, True),
    ],
)
def test_policy__its_quorum__is_counted(rule: str, names: set[str], agreed: bool) -> None:
    assert policy(rule).is_agreed(names) is agreed


@pytest.mark.parametrize(
    "rule",
    [
        "", "quorum w9", "quorum none\nquorum none", "group none any w1\nquorum none", "group w1 any w2\nquorum w1",
        "group g 0 w1\nquorum g", "group g 3 w1 w2\nquorum g", "group g any w1\ngroup h any w1\nquorum h",
        "group g any g\nquorum g", "witness a x+y+z\nquorum a", "nonsense\nquorum none", "quorum w1\x01",
        f"log {WITNESSES[0].verifier.text()}\nquorum none",
    ],
)  # fmt: skip
def test_policy__malformed__names_the_line(rule: str) -> None:
    with pytest.raises(ValueError, match=r"line|quorum"):
        policy(rule)


def test_proof_file__written_and_read__is_the_same_and_holds() -> None:
    whole = proof()
    text = whole.text()
    assert text.startswith("c2sp.org/tlog-proof@v1\nindex 2\n")
    again = LogProof.parse(text)
    assert again == whole
    assert again.text() == text
    assert again.holds(leaf_hash(some(5)[2]))
    assert not again.holds(leaf_hash(some(5)[3]))
    assert set(policy().cosigned(again.note)) == {"w0", "w1", "w2", "w3", "w4"}
    with_extra = text.replace("index", "extra YWdl\nindex", 1)
    assert LogProof.parse(with_extra) == whole


@given(st.data())
def test_proof_file__any_letter_changed__is_refused_or_loses_a_signature(data: st.DataObject) -> None:
    text = proof().text()
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(codec="utf-8").filter(lambda one: one != text[place]))
    changed = text[:place] + letter + text[place + 1 :]
    assert not is_believed(changed)


def is_believed(text: str) -> bool:
    """What a verifier does with a proof of entry 2 when it wants all five witnesses."""
    strict = policy("group all all w0 w1 w2 w3 w4\nquorum all")
    try:
        read = LogProof.parse(text)
        strict.log_of(read.note)
    except ValueError:
        return False
    return read.holds(leaf_hash(some(5)[2])) and strict.is_agreed(set(strict.cosigned(read.note)))


def test_proof_file__unchanged__is_believed() -> None:
    assert is_believed(proof().text())


@pytest.mark.parametrize("text", ["", "00", "01", "+1", "-1", " 1", "1_0", "１", str(1 << 63)])
def test_whole_number__in_another_form__is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="whole number"):
        whole_number(text)
