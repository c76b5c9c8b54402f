"""The example files of docs/TRUST.md are what the code writes and believes, and the page quotes them truly."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from hearing_server.adapters.trust.offline_check import Trusted, examine
from hearing_server.domain.trust.act_receipts import Outcome, Step, check_receipt
from tests import trust_example
from tests.architecture.tree import ROOT
from tests.trust_example import FOLDER


def test_example_receipt__checked_with_the_example_policy__holds_in_every_step() -> None:
    trusted = Trusted.read(FOLDER / "policy.txt")
    checked = check_receipt((FOLDER / "act.receipt.json").read_bytes(), trusted.policy, trusted.check_stamp)
    assert {step.step: step.outcome for step in checked.steps} == dict.fromkeys(Step, Outcome.HOLDS)


def test_example_files__made_anew__are_the_ones_committed() -> None:
    assert (FOLDER / "unstamped.receipt.json").read_bytes() == trust_example.receipt(None)
    assert (FOLDER / "policy.txt").read_text("utf-8") == trust_example.policy()


def test_page__its_quotes__are_in_the_example() -> None:
    page = (ROOT / "docs" / "TRUST.md").read_text("utf-8")
    receipt = (FOLDER / "unstamped.receipt.json").read_text("utf-8")
    hashes = re.findall(r"\b[0-9a-f]{64}\b", page)
    assert len(hashes) == 5
    assert all(each in receipt for each in hashes)
    assert all(line in receipt for line in re.findall(r"^— \S+ \S{40,}$", page, re.MULTILINE))
    policy = (FOLDER / "policy.txt").read_text("utf-8")
    for line in re.findall(r"^(?:log|witness \S+) \S+\+[0-9a-f]{8}\+\S+$", page, re.MULTILINE):
        assert line.removesuffix("…") in policy


def test_receipts_of_one_case__changed_or_missing__are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        monkeypatch.setattr(trust_example, "INDEX", number)
        (tmp_path / f"{number}.receipt.json").write_bytes(trust_example.receipt(None))
    assert examine(tmp_path, Trusted()).findings == []
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(tmp_path / "0.receipt.json", other)
    assert examine(other, Trusted()).findings == []
    (other / "0.receipt.json").write_bytes(
        (tmp_path / "0.receipt.json").read_bytes().replace(b'\\"clerk\\"', b'\\"judge\\"')
    )
    assert [finding.code for finding in examine(other, Trusted()).findings] == ["receipt.place"]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert [finding.code for finding in examine(empty, Trusted()).findings] == ["nothing.known"]


def test_receipts__of_two_histories_of_one_case__do_not_join(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust_example, "INDEX", 0)
    (tmp_path / "first.receipt.json").write_bytes(trust_example.receipt(None))
    # The same court signs another past: each receipt holds by itself, the two betray it.
    monkeypatch.setattr(trust_example, "INDEX", 1)
    monkeypatch.setattr(trust_example, "NOON", trust_example.NOON + timedelta(seconds=1))
    (tmp_path / "second.receipt.json").write_bytes(trust_example.receipt(None))
    report = examine(tmp_path, Trusted())
    assert [(finding.where, finding.code) for finding in report.findings] == [
        ("second.receipt.json", "receipt.chain")
    ]
