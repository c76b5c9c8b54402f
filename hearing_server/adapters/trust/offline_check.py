"""Checking what somebody was given, with every server off: receipts of acts, a recording's folder, or both together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography.x509 import Certificate, load_pem_x509_certificates

from hearing_server.adapters.trust.time_stamp_client import check_stamp, time_of_stamp
from hearing_server.domain.trust.act_receipts import (
    MAX_RECEIPT_BYTES,
    SUFFIX,
    CheckedReceipt,
    Outcome,
    Step,
    check_receipt,
)
from hearing_server.domain.trust.trust_policy import TrustPolicy
from recorder.account.manifest import Manifest, ManifestError
from recorder.folder import JOURNAL_FOLDER, MANIFEST_NAME, SEALED_SUFFIX, UNION_NAME, segment_files
from recorder.reading.verify import Problem
from recorder.union.union import Side, second_folder
from recorder.union.verify_union import WholeCheck, verify_whole


@dataclass(frozen=True, slots=True)
class Finding:
    """Something is wrong: where, a stable code, and in both languages what."""

    where: str
    code: str
    zh: str
    en: str


@dataclass(slots=True)
class Report:
    """What was found wrong, and what was looked at, line by line."""

    findings: list[Finding] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Trusted:
    """Whom the checker believes: a policy file and the roots of time stamps that it names."""

    policy: TrustPolicy | None = None
    roots: tuple[Certificate, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Trusted:
        """ValueError or OSError: the policy can't be read."""
        policy = TrustPolicy.parse(path.read_text("utf-8"))
        files = [path.parent / name for name in policy.tsa_files]
        return cls(
            policy, tuple(one for file in files for one in load_pem_x509_certificates(file.read_bytes()))
        )

    def check_stamp(self, token: bytes, message: bytes) -> tuple[datetime, bool]:
        """As `act_receipts.CheckStamp`."""
        if self.roots:
            return check_stamp(token, message, list(self.roots)), True
        return time_of_stamp(token, message), False


def examine(path: Path, trusted: Trusted, *, is_thorough: bool = False) -> Report:
    """Check a receipt, a folder of receipts, or a recording's folder with the receipts in it. OSError.

    `is_thorough`: a record's account is drawn up anew though a believed receipt of its sealing makes that needless.
    """
    path.stat()
    report = Report()
    if path.is_file():
        _one_receipt(path, trusted, report)
        return report
    receipts = [
        (file.relative_to(path).as_posix(), _one_receipt(file, trusted, report))
        for file in sorted(path.rglob(f"*{SUFFIX}"))
    ]
    report.findings += _chain_breaks(receipts)
    if segment_files(path) or (path / MANIFEST_NAME).is_file():
        shown = [receipt for _, receipt in receipts]
        told = _Told.of(path)
        check = _whole(path, told, shown, trusted, report, is_thorough=is_thorough)
        report.findings += _recording(told, check, report)
        report.findings += _recorders_as_logged(path, told, shown, check)
        report.lines.append("recording / 录音录像")
    elif not receipts:
        report.findings.append(
            Finding(
                path.name, "nothing.known", "目录中没有凭证或录音录像", "no receipt and no recording here"
            )
        )
    return report


def _one_receipt(path: Path, trusted: Trusted, report: Report) -> CheckedReceipt:
    with path.open("rb") as file:
        data = file.read(MAX_RECEIPT_BYTES + 1)
    checked = check_receipt(data, trusted.policy, trusted.check_stamp)
    for step in checked.steps:
        if step.outcome is Outcome.FAILS:
            report.findings.append(Finding(path.name, f"receipt.{step.step}", step.zh, step.en))
        report.lines.append(f"{path.name}: {step.step}: {step.outcome}: {step.zh} / {step.en}")
    return checked


def _chain_breaks(receipts: Iterable[tuple[str, CheckedReceipt]]) -> Iterator[Finding]:
    """Receipts of one case that follow each other must name each other; a stranger between them would show."""
    by_case: dict[str, dict[int, tuple[str, CheckedReceipt]]] = {}
    for name, receipt in receipts:
        case, number = receipt.disclosed.get("case"), receipt.entry.get("case_seq")
        if receipt.holds and isinstance(case, str) and isinstance(number, int):
            by_case.setdefault(case, {})[number] = (name, receipt)
    for acts in by_case.values():
        for number, (name, receipt) in acts.items():
            before = acts.get(number - 1)
            if before is not None and receipt.entry.get("prev_in_case") != before[1].entry_sha256:
                yield Finding(
                    name,
                    "receipt.chain",
                    "与本案上一行为不相接",
                    "it doesn't follow the act before it in its case",
                )


@dataclass(frozen=True, slots=True)
class _Told:
    """What a folder's manifest says, as far as there is one: of a long day it is read once.

    `spans`: when each sealed segment was recorded.
    """

    recording_id: str | None = None
    spans: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> _Told:
        try:
            manifest = Manifest.from_json((folder / MANIFEST_NAME).read_text("utf-8"))
        except (OSError, ManifestError, UnicodeDecodeError):
            return cls()
        spans = {
            segment.name: f"{_moment(manifest, segment.first_ns)} – {_moment(manifest, segment.last_ns)}"
            for segment in manifest.segments
        }
        return cls(manifest.recording_id, spans)


def _whole(
    folder: Path,
    told: _Told,
    receipts: Sequence[CheckedReceipt],
    trusted: Trusted,
    report: Report,
    *,
    is_thorough: bool,
) -> WholeCheck:
    """The record against the root that the act of its sealing names, if its receipt is here."""
    receipt = _of_sealing(told.recording_id, receipts)
    if receipt is None:
        return verify_whole(folder)
    if _is_of_both(receipts) and second_folder(folder) is None and not (folder / UNION_NAME).is_file():
        said = "the act of sealing names both recorders' record, which is not here / 封存行为指两路合并，此处不全"
        report.lines.append(f"account / 帐目: {said}")
        return verify_whole(folder)
    # A receipt without a policy may be the work of whoever changed the record: then it is compared and not believed.
    is_believed = trusted.policy is not None and _is_signed(receipt) and not is_thorough
    if is_believed:
        said = "as sealed by its act; not drawn up anew / 与封存行为一致，未重新统计"
        report.lines.append(f"account / 帐目: {said}")
    body = receipt.disclosed["body"]
    assert isinstance(body, dict)
    return verify_whole(folder, root_sha256=body["root_sha256"], is_believed=is_believed)


def _of_sealing(recording_id: str | None, receipts: Iterable[CheckedReceipt]) -> CheckedReceipt | None:
    found = None
    for receipt in receipts:
        body = receipt.disclosed.get("body")
        said = receipt.entry.get("cat"), receipt.entry.get("sub")
        if receipt.holds and said == ("recording", "sealed") and isinstance(body, dict):
            names_root = isinstance(body.get("root_sha256"), str) and body["root_sha256"]
            if body.get("recording_id") == recording_id and names_root:
                found = receipt if found is None or receipt.index > found.index else found
    return found


def _is_of_both(receipts: Iterable[CheckedReceipt]) -> bool:
    return bool(_by(Side.SECOND, receipts))


def _is_signed(receipt: CheckedReceipt) -> bool:
    return any(step.step is Step.SIGNATURE and step.outcome is Outcome.HOLDS for step in receipt.steps)


def _recording(told: _Told, check: WholeCheck, report: Report) -> Iterator[Finding]:
    """The folder, and the other recorder's where it lies beside it."""
    alone = " only; the other was not there / 仅此一路，另一路未提供" if check.is_alone else ""
    report.lines.append(f"recorders / 录制: {', '.join(check.checked)}{alone}")
    for problem in check.problems:
        yield Finding(_where(problem, told.spans), problem.code, problem.title, problem.title)


def _moment(manifest: Manifest, at_ns: int) -> str:
    return (
        f"{datetime.fromtimestamp(manifest.clock.utc_ns(at_ns) / 1e9, UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + "Z"
    )


def _where(problem: Problem, spans: Mapping[str, str]) -> str:
    if not problem.file:
        return "recording"
    span = spans.get(problem.file, "")
    place = f"{problem.file}, bytes {problem.offset}+{problem.length_bytes}"
    return f"{place}, {span}" if span else place


def _recorders_as_logged(
    folder: Path, told: _Told, receipts: Sequence[CheckedReceipt], check: WholeCheck
) -> Iterator[Finding]:
    """The folder, and the second recorder's where the pointer in it leads: then each has receipts of its own."""
    second = second_folder(folder)
    first_digests = check.digests.get(Side.FIRST, {})
    if second is None or not segment_files(second):
        yield from _not_as_logged(folder, told, receipts, first_digests)
        return
    yield from _not_as_logged(folder, told, _by(Side.FIRST, receipts), first_digests)
    second_digests = check.digests.get(Side.SECOND, {})
    for finding in _not_as_logged(second, _Told.of(second), _by(Side.SECOND, receipts), second_digests):
        yield replace(finding, where=f"{Side.SECOND}/{finding.where}")


def _by(side: Side, receipts: Iterable[CheckedReceipt]) -> list[CheckedReceipt]:
    bodies = [(receipt, receipt.disclosed.get("body")) for receipt in receipts]
    return [receipt for receipt, body in bodies if isinstance(body, dict) and body.get("recorder") == side]


def _not_as_logged(
    folder: Path, told: _Told, receipts: Iterable[CheckedReceipt], known: Mapping[str, str]
) -> list[Finding]:
    """Segments whose digests were logged while the hearing ran, compared with the files. `known`: by name.

    Two recorders write the same hearing, each in its own folder: this one is that of the recorder it agrees with most.
    """
    logged = _logged(receipts)
    if not logged:
        return []
    pieces_of = [
        pieces for (recording, _), pieces in logged.items() if told.recording_id in (None, recording)
    ]
    if not pieces_of:
        # Whoever writes the whole folder anew could give it another name, so that no receipt speaks of it.
        zh, en = "所附凭证存证的是另一份录音录像", "the receipts here are of another recording"
        return [Finding("recording", "segment.other_recording", zh, en)]
    digests = {
        file.number: (file.name, known.get(file.name) or _sha256(file.path))
        for file in segment_files(folder)
        if file.sealed
    }
    return min((_differences(pieces, digests, told.spans) for pieces in pieces_of), key=len)


def _logged(receipts: Iterable[CheckedReceipt]) -> dict[tuple[str, str], dict[int, str]]:
    """What was logged of segments: (recording, recorder) → segment → digest."""
    logged: dict[tuple[str, str], dict[int, str]] = {}
    for receipt in receipts:
        body = receipt.disclosed.get("body")
        if not receipt.holds or receipt.entry.get("sub") != "segment_sealed" or not isinstance(body, dict):
            continue
        pieces = logged.setdefault((str(body.get("recording_id")), str(body.get("recorder"))), {})
        for piece in body.get("segments") or ():
            # A receipt without a policy may be anybody's work.
            if isinstance(piece, dict):
                pieces[int(piece.get("number", 0))] = str(piece.get("sha256"))
    return logged


def _differences(
    pieces: dict[int, str], files: dict[int, tuple[str, str]], spans: Mapping[str, str]
) -> list[Finding]:
    found = []
    for number, digest in sorted(pieces.items()):
        name, seen = files.get(number, ("", ""))
        if not name:
            name = f"{JOURNAL_FOLDER}/{number:08d}{SEALED_SUFFIX}"
            zh, en = "已存证的片段缺失", "a logged segment is gone"
            found.append(Finding(f"{name}, {spans.get(name, '')}", "segment.gone", zh, en))
        elif seen != digest:
            found.append(
                Finding(
                    f"{name}, {spans.get(name, '')}", "segment.not_as_logged", "与庭审中存证的摘要不符",
                    "it isn't what was logged during the hearing",
                )
            )  # fmt: skip
    for number in sorted(files.keys() - pieces.keys()):
        name, _ = files[number]
        found.append(
            Finding(
                f"{name}, {spans.get(name, '')}", "segment.not_logged", "所附凭证均未存证此片段",
                "no receipt here says that it was logged",
            )
        )  # fmt: skip
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
