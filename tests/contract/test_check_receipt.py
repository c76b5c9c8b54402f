"""Two checkers written apart, ours and the one file of docs/, say the same of every receipt, whole or tampered with."""

from __future__ import annotations

import importlib.util
import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from hearing_server.adapters.trust.offline_check import Trusted
from hearing_server.domain.trust.act_receipts import Outcome, check_receipt
from tests import trust_example
from tests.architecture.tree import ROOT
from tests.receipt_tampering import BLUNT, KNOWING
from tests.trust_example import FOLDER

SCRIPT = ROOT / "docs" / "check_receipt.py"
POLICY = FOLDER / "policy.txt"


def _other_checker() -> Any:
    found = importlib.util.spec_from_file_location("check_receipt", SCRIPT)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


OTHER = _other_checker()


def _ours(data: bytes, trusted: Trusted) -> dict[str, str]:
    checked = check_receipt(data, trusted.policy, trusted.check_stamp)
    return {str(step.step): str(step.outcome) for step in checked.steps}


def _theirs(data: bytes, policy: Any) -> dict[str, str]:
    return {step: outcome for step, outcome, _ in OTHER.check(data, policy)[0]}


def _run(*words: object) -> tuple[int, list[str]]:
    # Isolated: no package of ours can be found.
    command = [sys.executable, "-I", str(SCRIPT), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout.splitlines()


@pytest.fixture(scope="module")
def receipts() -> list[bytes]:
    """The example with its stamp, and the other acts of its log without one."""
    found = [(FOLDER / "act.receipt.json").read_bytes()]
    with pytest.MonkeyPatch.context() as patched:
        for number in range(7):
            patched.setattr(trust_example, "INDEX", number)
            found.append(trust_example.receipt(None))
    return found


def test_whole_receipts__by_both__hold_alike(receipts: list[bytes]) -> None:
    for trusted, policy in ((Trusted(), None), (Trusted.read(POLICY), OTHER.Policy(POLICY))):
        for data in receipts:
            said = _ours(data, trusted)
            assert _theirs(data, policy) == said
            assert Outcome.FAILS not in said.values()


def test_script__run_by_itself__answers_as_it_says(tmp_path: Path) -> None:
    code, said = _run(FOLDER, "--policy", POLICY)
    assert (code, said[-1]) == (0, "intact")
    assert "act.receipt.json: time: holds: stamped 2026" in "\n".join(said)
    shutil.copy(FOLDER / "act.receipt.json", tmp_path)
    changed = tmp_path / "act.receipt.json"
    changed.write_bytes(changed.read_bytes().replace("同意调解".encode(), "拒绝调解".encode()))
    code, said = _run(tmp_path, "--quiet")
    assert (code, said[-1]) == (1, "1 problem(s)")
    assert said[0].endswith("[receipt.content]")
    assert _run(tmp_path / "none")[0] == 2
    assert _run(FOLDER, "--policy", FOLDER / "tsa-root.pem")[0] == 2


@pytest.mark.parametrize(
    "count", [3000, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])]
)
def test_tampered_receipts__by_both__are_found_alike(receipts: list[bytes], count: int) -> None:
    """Seeded. Of changed tokens one may say more: both without roots, ours where openssl forgives unsigned bytes."""
    draw = random.Random(606)
    sides = ((Trusted(), None), (Trusted.read(POLICY), OTHER.Policy(POLICY)))
    differ: Counter[str] = Counter()
    missed, tried = [], 0
    for _ in range(count):
        whole, change = draw.choice(receipts), draw.choice(BLUNT + KNOWING)
        data = change(draw, whole, receipts)
        if data in receipts:
            continue
        tried += 1
        trusted, policy = draw.choice(sides)
        ours, theirs = _ours(data, trusted), _theirs(data, policy)
        is_found = Outcome.FAILS in theirs.values()
        if change in BLUNT and not is_found:
            missed.append((change.__name__, data))
        is_forgiven = policy is None or theirs.get("time") == Outcome.HOLDS
        if change.__name__ == "_token" and "time" in ours and "time" in theirs and is_forgiven:
            ours["time"] = theirs["time"]
        if ours != theirs:
            differ[f"{change.__name__}: {json.dumps(ours)} / {json.dumps(theirs)}"] += 1
    assert not missed
    assert not differ, "\n".join(f"{count} {what}" for what, count in differ.most_common())
    assert tried > 2000
