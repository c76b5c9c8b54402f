"""A record beside the receipt of its sealing: hashed where that is believed, counted anew where it is not."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from pathlib import Path

import pytest

from hearing_server.adapters.trust.offline_check import Trusted, examine
from recorder.account.manifest import Manifest
from recorder.folder import MANIFEST_NAME, UNION_NAME, segment_files
from recorder.reading import verify as verifying
from recorder.reading.verify import Problem
from recorder.union.union import MERGED_FOLDER, point_to_second, write_union
from tests.contract.test_check_receipt import OTHER, POLICY
from tests.logged_record import log_sealing, log_segments, record
from tests.receipt_tampering import flipped
from tests.recorder.stepped_session import stepped_writers

TRUSTED = Trusted.read(POLICY)


def _recorded_twice(tmp_path: Path, *, is_whole: bool = True) -> Path:
    """Both recorders' folders with all receipts in the first; `is_whole` False: neither holds all."""
    first, second = tmp_path / "a", tmp_path / "b"
    with stepped_writers():
        record(first, seconds=12, note="主录")
        record(second, seconds=12, note="主录" if is_whole else "备录")
    point_to_second(first, second)
    root_sha256 = write_union(first, second).root_sha256
    assert (first / MERGED_FOLDER).is_dir() is not is_whole
    log_segments(first, recorder="first")
    log_segments(second, recorder="second")
    for receipt in second.glob("*.receipt.json"):
        shutil.move(receipt, first)
    log_sealing(first, root_sha256)
    return first


@pytest.mark.parametrize("is_whole", [True, False])
def test_record__whose_sealing_is_believed__is_hashed_and_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_whole: bool
) -> None:
    folder = _recorded_twice(tmp_path, is_whole=is_whole)
    read: list[Path] = []
    account = verifying._same_account

    def same_account(place: Path, manifest: Manifest) -> list[Problem]:
        read.append(place)
        return account(place, manifest)

    monkeypatch.setattr(verifying, "_same_account", same_account)
    assert examine(folder, TRUSTED).findings == []
    assert read == []
    # Nobody said whom to believe: the receipt may be the work of whoever changed the record.
    assert examine(folder, Trusted()).findings == []
    assert len(read) == 2 if is_whole else 3
    read.clear()
    assert examine(folder, TRUSTED, is_thorough=True).findings == []
    assert len(read) == 2 if is_whole else 3
    assert OTHER.examine(tmp_path, OTHER.Policy(POLICY))[1] == []


@pytest.mark.parametrize("is_whole", [True, False])
def test_record__whose_sealing_is_believed__is_found_changed_wherever_it_is(
    tmp_path: Path, is_whole: bool
) -> None:
    folder = _recorded_twice(tmp_path, is_whole=is_whole)
    draw = random.Random(11)
    about = [
        path
        for path in tmp_path.rglob("*")
        if path.suffix == ".seg" or path.name in (MANIFEST_NAME, UNION_NAME)
    ]
    for path in about:
        for trusted in (TRUSTED, Trusted()):
            whole = path.read_bytes()
            path.write_bytes(flipped(draw, whole))
            assert examine(folder, trusted).findings, path
            path.write_bytes(whole)
    assert examine(folder, TRUSTED).findings == []


def test_second_folder__alone_with_all_receipts__is_compared_with_those_of_its_segments(
    tmp_path: Path,
) -> None:
    """The root of both is in the first one's folder, which is not here."""
    folder, alone = _recorded_twice(tmp_path), tmp_path / "b"
    for receipt in folder.glob("*.receipt.json"):
        shutil.copy(receipt, alone)
    shutil.rmtree(folder)
    assert examine(alone, TRUSTED).findings == []
    first = segment_files(alone)[0].path
    first.write_bytes(flipped(random.Random(1), first.read_bytes()))
    assert "segment.not_as_logged" in {finding.code for finding in examine(alone, TRUSTED).findings}


def test_record__with_another_account_of_the_same_files__is_not_the_one_that_was_sealed(
    tmp_path: Path,
) -> None:
    """Whoever owns the folder says that a party spoke less, in manifest and union, and all digests fit each other."""
    folder = _recorded_twice(tmp_path)
    manifest = json.loads((folder / MANIFEST_NAME).read_text())
    manifest["marks"] = [{"at_ns": 1, "kind": "note", "text": "改"}]
    text = Manifest.from_json(json.dumps(manifest | {"root_sha256": _root_of(manifest)})).to_json()
    (folder / MANIFEST_NAME).write_text(text)
    (folder / UNION_NAME).unlink()
    write_union(folder, tmp_path / "b")
    for trusted in (TRUSTED, Trusted()):
        assert "union.differs" in {finding.code for finding in examine(folder, trusted).findings}


def _root_of(manifest: dict[str, object]) -> str:
    body = {name: value for name, value in manifest.items() if name != "root_sha256"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
