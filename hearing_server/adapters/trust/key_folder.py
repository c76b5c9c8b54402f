"""The folder of a signer or witness: its key, made once, and the newest head it put its name to, per log.

`signing.key`: name and seed, mode 600. `verifier.txt`: the public key, to be given away. `heads/`: one file per log,
the text of a checkpoint. The folder belongs on another volume than the log's database: restoring the one must not
restore the other. A key whose heads are gone signs nothing any more, since it could not tell a rollback.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from hearing_server.domain.trust.checkpoints import Checkpoint
from hearing_server.domain.trust.growth import NOTHING_SEEN, state_text
from hearing_server.domain.trust.merkle import TreeHead
from hearing_server.domain.trust.signed_notes import KeyKind, SigningKey, decoded, encoded
from hearing_server.errors import Unavailable
from recorder.durable import Disk

_KEY, _PUBLIC, _HEADS, _LOCK = "signing.key", "verifier.txt", "heads", "signing.lock"


class KeyFolder:
    """Open it with `open`; held by one process at a time, until that ends."""

    def __init__(self, folder: Path, key: SigningKey, disk: Disk) -> None:
        self._heads = folder / _HEADS
        self._disk = disk
        self.key = key

    @classmethod
    def open(cls, folder: Path, name: str, kind: KeyKind, *, disk: Disk | None = None) -> KeyFolder:
        """The key of this name, made when the folder is new.

        Errors: Unavailable `signing.busy`, `signing.other_name`, `signing.damaged`, `signing.heads_missing`.
        """
        disk = disk or Disk()
        disk.make_folder(folder)
        _hold(folder, disk)
        if not (folder / _KEY).exists():
            # The heads first: a key without them would look like one whose memory was taken away.
            disk.make_folder(folder / _HEADS)
            _make_key(folder, name, disk)
        key = _read_key(folder, name, kind)
        if not (folder / _HEADS).is_dir():
            raise Unavailable(
                "signing.heads_missing",
                zh="签名程序的状态目录 heads 缺失，为防止日志回退，拒绝签名；请恢复该目录",
                en="The folder heads is missing: without it a rollback can't be told. Restore it",
            )
        disk.replace_file(folder / _PUBLIC, f"{key.verifier.text()}\n".encode())
        return cls(folder, key, disk)

    def seen(self, origin: str) -> TreeHead:
        """The newest head of this log that we put our name to. Errors: Unavailable `signing.damaged`."""
        try:
            text = self._path(origin).read_text("utf-8")
        except FileNotFoundError:
            return NOTHING_SEEN
        try:
            checkpoint = Checkpoint.parse(text)
        except ValueError:
            raise _damaged("heads") from None
        if checkpoint.origin != origin:
            raise _damaged("heads")
        return checkpoint.head

    def remember(self, origin: str, head: TreeHead) -> None:
        """On the disk when this returns; only then may the signature leave. OSError."""
        self._disk.replace_file(self._path(origin), state_text(origin, head).encode())

    def _path(self, origin: str) -> Path:
        return self._heads / f"{hashlib.sha256(origin.encode()).hexdigest()}.txt"


def _hold(folder: Path, disk: Disk) -> None:
    # The descriptor stays open on purpose: the lock lives as long as the process.
    if disk.lock(folder / _LOCK) is None:
        raise Unavailable(
            "signing.busy", zh="该密钥目录已被另一签名进程使用", en="Another process signs with this folder"
        )


def _make_key(folder: Path, name: str, disk: Disk) -> None:
    before = os.umask(0o077)
    try:
        disk.replace_file(folder / _KEY, f"{name}\n{encoded(secrets.token_bytes(32))}\n".encode())
    finally:
        os.umask(before)


def _read_key(folder: Path, name: str, kind: KeyKind) -> SigningKey:
    try:
        written, seed = (folder / _KEY).read_text("utf-8").splitlines()
        key = SigningKey.from_seed(written, kind, decoded(seed))
    except ValueError:
        raise _damaged(_KEY) from None
    if written != name:
        raise Unavailable(
            "signing.other_name",
            zh=f"密钥目录属于 {written}，不是 {name}",
            en=f"The key folder belongs to {written}, not to {name}",
        )
    return key


def _damaged(what: str) -> Unavailable:
    return Unavailable(
        "signing.damaged",
        zh=f"签名目录中的 {what} 已损坏，请从备份恢复",
        en=f"{what} in the signing folder is damaged; restore it from a backup",
    )
