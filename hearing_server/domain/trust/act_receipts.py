"""Receipts (存证凭证): one act with what it said, its place in the log, and everybody who vouches for the log.

A receipt is checked without any server: `check` says for each step whether it holds. docs/TRUST.md is the format.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hearing_server.domain.acts import MAX_ENTRY_BYTES, Act, commitment_with, field_salt
from hearing_server.domain.canonical_json import JsonObject, canonical_json
from hearing_server.domain.trust.checkpoints import Checkpoint, LogProof
from hearing_server.domain.trust.merkle import leaf_hash
from hearing_server.domain.trust.signed_notes import KeyKind, VerifierKey, decoded, encoded
from hearing_server.domain.trust.trust_policy import NONE, TrustPolicy
from hearing_server.errors import Invalid
from hearing_server.kernel import to_wire

FORMAT = "hearing-receipt/1"
SUFFIX = ".receipt.json"
# An act's payload is small by rule; a proof is 63 hashes and a note, a token some thousand bytes.
MAX_RECEIPT_BYTES = 1 << 20
# The fields of an entry that are commitments, and under which name they are opened.
FIELDS = {"case": "case_c", "actor": "actor_c", "body": "body_c"}

# What a checker of time stamps answers for (token, message): the moment, and whether it leads to a trusted root.
CheckStamp = Callable[[bytes, bytes], tuple[datetime, bool]]


class Step(StrEnum):
    """The steps of a check in their order; `CheckedStep.code` is `receipt.<step>` where one fails."""

    FORM = "form"  # the file is a receipt, written as receipts are
    CONTENT = "content"  # what is disclosed is what the entry commits to
    PLACE = "place"  # the entry stands at its index in the tree of the checkpoint
    SIGNATURE = "signature"  # the log signed the checkpoint
    WITNESSES = "witnesses"  # enough witnesses cosigned it
    TIME = "time"  # an authority stamped it


class Outcome(StrEnum):
    HOLDS = "holds"
    FAILS = "fails"
    # There was nothing to check, or nobody said whom to believe.
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class CheckedStep:
    """One step: what came of it, and in both languages what was seen."""

    step: Step
    outcome: Outcome
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class CheckedReceipt:
    """All steps that could be taken, and what the act says if its content holds."""

    steps: tuple[CheckedStep, ...]
    entry: Mapping[str, object] = field(default_factory=dict)
    entry_sha256: str = ""
    disclosed: Mapping[str, object] = field(default_factory=dict)
    index: int = -1

    @property
    def holds(self) -> bool:
        return all(step.outcome is not Outcome.FAILS for step in self.steps)


@dataclass(frozen=True, slots=True)
class ReceiptStamp:
    """A time stamp as a receipt carries it."""

    at: datetime
    token: bytes


def write_receipt(
    act: Act,
    proof: LogProof,
    log_key: VerifierKey,
    witnesses: Sequence[VerifierKey],
    stamp: ReceiptStamp | None,
) -> bytes:
    """The receipt file of an act: canonical JSON, one line."""
    values: JsonObject = {"case": act.chain_id, "actor": act.actor_id, "body": act.payload}
    receipt: JsonObject = {
        "format": FORMAT,
        "entry": act.entry.decode(),
        "disclosed": {
            name: {"salt": field_salt(act.salt, name).hex(), "value": value} for name, value in values.items()
        },
        "proof": proof.text(),
        "log": log_key.text(),
        "witnesses": [key.text() for key in witnesses],
        "time_stamp": None
        if stamp is None
        else {
            "at": to_wire(stamp.at),
            "token": encoded(stamp.token),
            "sha256": hashlib.sha256(stamp.token).hexdigest(),
        },
    }
    return canonical_json(receipt) + b"\n"


def check_receipt(
    data: bytes, policy: TrustPolicy | None = None, check_stamp: CheckStamp | None = None
) -> CheckedReceipt:
    """Check a receipt file. Without a policy its own keys are used, and that they are the court's stays open."""
    try:
        receipt = _Receipt.read(data)
    except (ValueError, KeyError, TypeError, AttributeError, Invalid, RecursionError) as error:
        why = str(error)[:120]
        return CheckedReceipt((_fails(Step.FORM, f"文件不是完整的存证凭证：{why}", f"not a receipt: {why}"),))
    steps = [
        _holds(Step.FORM, "格式正确", "well-formed"),
        receipt.content(),
        receipt.place(),
        receipt.signature(policy),
        receipt.cosignatures(policy),
        receipt.time(check_stamp),
    ]
    digest = hashlib.sha256(receipt.entry_bytes).hexdigest()
    return CheckedReceipt(tuple(steps), receipt.entry, digest, receipt.values, receipt.proof.index)


@dataclass(frozen=True, slots=True)
class _Receipt:
    """A receipt file, read: every byte of it stands for something below."""

    entry_bytes: bytes
    entry: Mapping[str, object]
    salts: Mapping[str, bytes]
    values: Mapping[str, object]
    proof: LogProof
    log: VerifierKey
    witnesses: tuple[VerifierKey, ...]
    stamp: ReceiptStamp | None
    stamp_at: str

    @classmethod
    def read(cls, data: bytes) -> _Receipt:
        if len(data) > MAX_RECEIPT_BYTES:
            raise ValueError("a receipt of this length is none")
        raw = json.loads(data)
        if canonical_json(raw) + b"\n" != data:
            raise ValueError("not in the one form in which receipts are written")
        names = {"format", "entry", "disclosed", "proof", "log", "witnesses", "time_stamp"}
        if raw["format"] != FORMAT or set(raw) != names:
            raise ValueError("another format, or fields that we don't know")
        opened = raw["disclosed"]
        if not set(opened) <= set(FIELDS) or any(set(one) != {"salt", "value"} for one in opened.values()):
            raise ValueError("disclosed fields that an entry doesn't have")
        if not isinstance(raw["witnesses"], list):
            raise ValueError("the witnesses are no list")
        entry = json.loads(raw["entry"])
        if not isinstance(entry, dict) or canonical_json(entry) != raw["entry"].encode():
            raise ValueError("the entry is no object in its one form")
        if len(raw["entry"].encode()) > MAX_ENTRY_BYTES:
            raise ValueError("an entry of this length is none")
        proof = LogProof.parse(raw["proof"])
        if proof.text() != raw["proof"]:
            raise ValueError("the proof has lines that nobody answers for")
        Checkpoint.parse(proof.note.text)
        stamp = raw["time_stamp"]
        return cls(
            raw["entry"].encode(),
            entry,
            {name: _hex(one["salt"]) for name, one in opened.items()},
            {name: one["value"] for name, one in opened.items()},
            proof,
            _key(raw["log"], KeyKind.LOG),
            tuple(_key(text, KeyKind.WITNESS) for text in raw["witnesses"]),
            None if stamp is None else _read_stamp(stamp),
            "" if stamp is None else stamp["at"],
        )

    def content(self) -> CheckedStep:
        for name, salt in self.salts.items():
            if self.entry.get(FIELDS[name]) != commitment_with(salt, self.values[name]):
                return _fails(
                    Step.CONTENT,
                    f"披露的内容（{name}）与存证时不一致",
                    f"what is disclosed of the act ({name}) isn't what was logged",
                )
        if not self.salts:
            return CheckedStep(Step.CONTENT, Outcome.OPEN, "未披露内容", "nothing is disclosed")
        names = ", ".join(self.salts)
        return _holds(
            Step.CONTENT, f"披露内容与存证一致（{names}）", f"the content is what was logged ({names})"
        )

    def place(self) -> CheckedStep:
        if self.proof.holds(leaf_hash(self.entry_bytes)):
            return _holds(
                Step.PLACE, f"位于日志第 {self.proof.index} 位", f"stands at index {self.proof.index}"
            )
        return _fails(
            Step.PLACE, "该条目不在检查点所证的日志中", "the entry isn't in the log of this checkpoint"
        )

    def signature(self, policy: TrustPolicy | None) -> CheckedStep:
        own = TrustPolicy((self.log,), {}, {}, NONE)
        try:
            checkpoint, key = (policy or own).log_of(self.proof.note)
            if policy is not None:
                own.log_of(self.proof.note)
        except ValueError as error:
            return _fails(Step.SIGNATURE, f"日志签名不成立：{error}", f"the log's signature fails: {error}")
        seen = f"{checkpoint.origin}, {checkpoint.head.size}, {key.text()}"
        if policy is None:
            return CheckedStep(
                Step.SIGNATURE,
                Outcome.OPEN,
                f"签名成立；请自行核对公钥是否为法院公布的公钥：{seen}",
                f"signed; compare the key with the one the court publishes: {seen}",
            )
        return _holds(Step.SIGNATURE, f"日志签名成立：{seen}", f"signed by the log: {seen}")

    def cosignatures(self, policy: TrustPolicy | None) -> CheckedStep:
        own = TrustPolicy((), {key.text(): key for key in self.witnesses}, {}, NONE)
        said = own.cosigned(self.proof.note)
        # Ours and the listed witnesses', one line each: a line that nobody answers for would hide a tampered one.
        if len(said) != len(self.witnesses) or len(self.proof.note.signatures) != 1 + len(said):
            return _fails(Step.WITNESSES, "见证签名与所列见证方不符", "a witness's signature doesn't verify")
        if policy is None:
            names = ", ".join(key.name for key in self.witnesses) or "0"
            return CheckedStep(
                Step.WITNESSES,
                Outcome.OPEN,
                f"见证签名成立：{names}；未给信任策略",
                f"cosigned by {names}; no policy",
            )
        agreed = policy.cosigned(self.proof.note)
        words = "; ".join(f"{name} {to_wire(one.at)}" for name, one in agreed.items()) or "0"
        if not policy.is_agreed(set(agreed)):
            return _fails(Step.WITNESSES, f"见证方数量不足：{words}", f"too few witnesses: {words}")
        if policy.quorum == NONE:
            return CheckedStep(
                Step.WITNESSES, Outcome.OPEN, f"策略不要求见证：{words}", f"the policy wants none: {words}"
            )
        return _holds(Step.WITNESSES, f"见证方：{words}", f"cosigned by {words}")

    def time(self, check: CheckStamp | None) -> CheckedStep:
        if self.stamp is None:
            return CheckedStep(Step.TIME, Outcome.OPEN, "没有时间戳", "no time stamp")
        if check is None:
            return CheckedStep(Step.TIME, Outcome.OPEN, "时间戳未核验", "the time stamp wasn't checked")
        try:
            at, is_trusted = check(self.stamp.token, self.proof.note.text.encode())
        except ValueError as error:
            return _fails(Step.TIME, f"时间戳不成立：{error}", f"the time stamp fails: {error}")
        if to_wire(at) != self.stamp_at:
            return _fails(Step.TIME, "所写时间与时间戳不符", "the time written isn't that of the stamp")
        if not is_trusted:
            return CheckedStep(
                Step.TIME,
                Outcome.OPEN,
                f"时间戳 {self.stamp_at}；未给时间戳根证书，签发者未核验",
                f"stamped {self.stamp_at}; whose stamp it is stays open without roots",
            )
        return _holds(Step.TIME, f"时间戳 {self.stamp_at}", f"stamped {self.stamp_at}")


def _read_stamp(raw: Mapping[str, str]) -> ReceiptStamp:
    token = decoded(raw["token"])
    if set(raw) != {"at", "token", "sha256"} or hashlib.sha256(token).hexdigest() != raw["sha256"]:
        raise ValueError("the time stamp was changed")
    at = datetime.fromisoformat(raw["at"])
    if to_wire(at) != raw["at"]:
        raise ValueError("the moment isn't written as moments are")
    return ReceiptStamp(at, token)


def _key(text: str, kind: KeyKind) -> VerifierKey:
    key = VerifierKey.parse(text)
    if key.kind is not kind:
        raise ValueError("a key of another kind")
    return key


def _hex(text: str) -> bytes:
    data = bytes.fromhex(text)
    if data.hex() != text or len(data) != 32:
        raise ValueError("a salt is 32 bytes in small hex")
    return data


def _holds(step: Step, zh: str, en: str) -> CheckedStep:
    return CheckedStep(step, Outcome.HOLDS, zh, en)


def _fails(step: Step, zh: str, en: str) -> CheckedStep:
    return CheckedStep(step, Outcome.FAILS, zh, en)
