"""The vault on keys kept in a folder of their own: AES-256-GCM for secrecy, HMAC-SHA-256 for look-ups."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hearing_server.errors import Unavailable

_KEY_BYTES = 32
_NONCE_BYTES = 12


class FolderVault:
    """Keys derived from one master key file (mode 600); a lost file means sealed values stay sealed for ever."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        master = read_or_make_key(folder / "master.key")
        self._sealing = AESGCM(_derive(master, b"seal"))
        self._index_key = _derive(master, b"index")
        self._grant_key = _derive(master, b"grant")

    def seal(self, text: str, *, context: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._sealing.encrypt(nonce, text.encode(), context.encode())

    def open(self, sealed: bytes, *, context: str) -> str:
        try:
            return self._sealing.decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context.encode()
            ).decode()
        except InvalidTag as error:
            raise ValueError(f"sealed value of {context} was changed") from error

    def index(self, text: str, *, purpose: str) -> str:
        return hmac.new(self._index_key, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()

    def grant_key(self) -> bytes:
        return self._grant_key


def _derive(master: bytes, purpose: bytes) -> bytes:
    return hmac.new(master, b"hearing-server/1/" + purpose, hashlib.sha256).digest()


def read_or_make_key(path: Path) -> bytes:
    """32 random bytes in a file of their own (mode 600), made once however many processes begin together."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        made = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(made, path)  # whole or not at all
        made.unlink()
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise Unavailable(
            "keys.damaged",
            zh=f"密钥文件 {path.name} 已损坏，请从备份恢复；没有它，已加密的内容无法读取",
            en=f"The key file {path.name} is damaged; restore it from a backup, sealed values need it",
        )
    return key
