"""Checking an exported case space with every server off: its list, each lane's chain, the acts, the receipts."""

from __future__ import annotations

import hashlib
import hmac
import json
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hearing_server.adapters.trust.disclosed_acts import says_what_it_commits_to
from hearing_server.adapters.trust.offline_check import Finding, Report, Trusted, examine
from hearing_server.domain.acts import NO_PREVIOUS
from hearing_server.domain.canonical_json import canonical_json
from hearing_server.domain.trust.act_receipts import SUFFIX, check_receipt
from hearing_server.errors import Invalid

FORMAT = "hearing-server-space/1"
_HASHED = ("lane", "seq", "event_id", "type", "sender_id", "client_id", "body", "server_time")
_MAX_RECEIPTS = 1000


def examine_space(package: zipfile.ZipFile, about: dict[str, Any], trusted: Trusted) -> Report:
    """Everything but the list of files, which every package has."""
    report = Report()
    names = package.namelist()
    hashes: dict[tuple[str, int], str] = {}
    for name in sorted(name for name in names if name.startswith("lanes/")):
        report.findings += _lane(name, package.read(name), hashes)
    report.findings += _files(package)
    acts, wrong = _acts(package.read("acts.jsonl"), hashes)
    report.findings += wrong
    inside = _receipts(package, acts, trusted)
    report.findings += inside.findings
    report.lines += [f"case space / 案件空间: {len(hashes)} events, {len(acts)} acts", *inside.lines]
    return report


def _lane(name: str, content: bytes, hashes: dict[tuple[str, int], str]) -> Iterator[Finding]:
    """Gapless, each event linked to the one before it, and what is shown is what was hashed."""
    head: bytes | None = None
    number = 0
    for line in content.decode().splitlines():
        try:
            event = json.loads(line)
            prev, digest = bytes.fromhex(event["prev_hash"]), bytes.fromhex(event["hash"])
            lane, seq = str(event["lane"]), int(event["seq"])
            # The first one may be anywhere: who came later reads from then on.
            is_next = head is None or (seq == number + 1 and hmac.compare_digest(prev, head))
            is_whole = event["withheld"] is not None or _hash(prev, event) == digest
        except (ValueError, KeyError, TypeError, Invalid):
            yield Finding(f"{name}:{number + 1}", "space.event", "无法读取", "it can't be read")
            head = None
            continue
        where = f"{name}:{seq}"
        if not is_next:
            yield Finding(where, "space.chain", "与上一条不相接", "it doesn't follow the event before it")
        if not is_whole:
            yield Finding(where, "space.changed", "内容与哈希不符", "it isn't what was hashed")
        hashes[lane, seq] = digest.hex()
        head, number = digest, seq


def _hash(prev: bytes, event: dict[str, Any]) -> bytes:
    return hashlib.sha256(prev + canonical_json({name: event[name] for name in _HASHED})).digest()


def _files(package: zipfile.ZipFile) -> Iterator[Finding]:
    """Files are named by their hash; the list of all files says whether each is what its name says."""
    listed = json.loads(package.read("attachments.json"))
    known = {file["path"]: file["sha256"] for file in json.loads(package.read("package.json"))["files"]}
    for one in listed:
        path = str(one["path"])
        if known.get(path) != path.rpartition("/")[2]:
            yield Finding(path, "space.file", "附件缺失或不是原件", "the file is gone or isn't the original")


def _acts(content: bytes, hashes: dict[tuple[str, int], str]) -> tuple[dict[int, str], list[Finding]]:
    """(entry hashes by number, what is wrong): the chain, and that acts and events tell the same."""
    found: dict[int, str] = {}
    wrong: list[Finding] = []
    head = NO_PREVIOUS
    for number, line in enumerate(content.decode().splitlines(), start=1):
        where = f"act {number}"
        try:
            act = json.loads(line)
            digest = str(act["entry_sha256"])
            if "entry" in act:
                entry = json.loads(act["entry"])
                is_linked = (entry["case_seq"], entry["prev_in_case"]) == (number, head)
                is_whole = hashlib.sha256(act["entry"].encode()).hexdigest() == digest
                if not is_linked:
                    wrong.append(
                        Finding(
                            where, "package.act", "与上一行为不相接", "it doesn't follow the act before it"
                        )
                    )
                if not is_whole or not says_what_it_commits_to(act, entry):
                    wrong.append(
                        Finding(where, "package.act", "所示内容与承诺不符", "it isn't what was committed to")
                    )
                wrong += _same(where, act["payload"], hashes)
        except (ValueError, KeyError, TypeError, Invalid):
            wrong.append(Finding(where, "package.act", "无法读取", "it can't be read"))
            digest = ""
        found[number] = head = digest
    return found, wrong


def _same(where: str, payload: dict[str, Any], hashes: dict[tuple[str, int], str]) -> Iterator[Finding]:
    lane, seq, sha256 = payload.get("lane"), payload.get("seq"), payload.get("sha256")
    known = hashes.get((str(lane), seq)) if isinstance(seq, int) else None
    if known is not None and isinstance(sha256, str) and sha256 != known:
        yield Finding(
            where,
            "space.act",
            "行为记载的消息与导出的不同",
            "the act names another message than the one in here",
        )


def _receipts(package: zipfile.ZipFile, acts: dict[int, str], trusted: Trusted) -> Report:
    """Each receipt by itself, and that it is of an act in here."""
    names = [name for name in package.namelist() if name.startswith("receipts/") and name.endswith(SUFFIX)]
    if not names:
        return Report()
    with tempfile.TemporaryDirectory() as scratch:
        for number, name in enumerate(names[:_MAX_RECEIPTS]):
            (Path(scratch) / f"{number:06d}{SUFFIX}").write_bytes(package.read(name))
        report = examine(Path(scratch), trusted)
    for name in names[:_MAX_RECEIPTS]:
        receipt = check_receipt(package.read(name), trusted.policy, trusted.check_stamp)
        place = receipt.entry.get("case_seq")
        if not isinstance(place, int) or acts.get(place) != receipt.entry_sha256:
            report.findings.append(
                Finding(name, "space.receipt", "凭证所证的行为不在本包中", "its act isn't the one in here")
            )
    return report
