"""Keys of cases: each case has its own, wrapped by a key that is never stored with the objects.

The wrapped key lies beside the objects (`keys/CASE.json`), so that store and wrapping key together are enough to read
everything again. Changing the wrapping key wraps the case keys anew and touches no object; deleting a case's wrapped
key makes its objects unreadable for ever.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import obstore
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from obstore.exceptions import AlreadyExistsError
from obstore.store import ObjectStore

from hearing_server.adapters.sealed_bytes import KEY_BYTES
from hearing_server.adapters.vault import read_or_make_key
from hearing_server.errors import Unavailable

_NONCE_BYTES = 12
_COMMAND_S = 15.0  # a smart card or a key server may be slow to wake
_KEPT = 1000  # opened case keys in memory; the least used is forgotten


class WrappingKeys:
    """The wrapping key in use and the older ones, which only open."""

    def __init__(self, current: bytes, older: Sequence[bytes] = ()) -> None:
        for key in (current, *older):
            if len(key) != KEY_BYTES:
                raise _unusable("length")
        self._ciphers = {_name_of(key): AESGCM(key) for key in (current, *older)}
        self.current = _name_of(current)

    def wrap(self, key: bytes, *, case_id: str) -> dict[str, str]:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._ciphers[self.current].encrypt(nonce, key, _aad(case_id, self.current))
        return {"case_id": case_id, "wrapped_by": self.current, "wrapped": (nonce + sealed).hex()}

    def unwrap(self, wrapped: dict[str, str], *, case_id: str) -> bytes:
        """Errors: Unavailable `keys.unknown` (wrapped by a key that isn't here), `keys.damaged`."""
        name = str(wrapped.get("wrapped_by"))
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise Unavailable(
                "keys.unknown",
                zh=f"本案密钥由另一把主密钥（{name}）加密，请在设置中补上该密钥",
                en=f"This case's key was wrapped by another key ({name}); name that key in the settings",
            )
        try:
            sealed = bytes.fromhex(wrapped["wrapped"])
            return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _aad(case_id, name))
        except (InvalidTag, KeyError, ValueError):
            raise _unusable(case_id) from None


class CaseKeys:
    """The key of each case, made when first needed."""

    def __init__(self, store: ObjectStore, wrapping: WrappingKeys) -> None:
        self._store = store
        self._wrapping = wrapping
        self._opened: OrderedDict[str, bytes] = OrderedDict()

    async def key_of(self, case_id: str) -> bytes:
        """Errors: Unavailable `keys.unknown`, `keys.damaged`."""
        key = self._opened.get(case_id)
        if key is None:
            key = self._opened[case_id] = await self._find(case_id) or await self._make(case_id)
            if len(self._opened) > _KEPT:
                self._opened.popitem(last=False)
        self._opened.move_to_end(case_id)
        return key

    async def rewrap(self) -> int:
        """Wrap every case key with the current wrapping key; how many were wrapped by an older one."""
        changed = 0
        async for entries in obstore.list(self._store, prefix="keys"):
            for entry in entries:
                wrapped = json.loads(
                    bytes(await (await obstore.get_async(self._store, entry["path"])).bytes_async())
                )
                if wrapped["wrapped_by"] == self._wrapping.current:
                    continue
                key = self._wrapping.unwrap(wrapped, case_id=wrapped["case_id"])
                again = self._wrapping.wrap(key, case_id=wrapped["case_id"])
                await obstore.put_async(self._store, entry["path"], _json(again), mode="overwrite")
                changed += 1
        return changed

    async def _find(self, case_id: str) -> bytes | None:
        try:
            found = await obstore.get_async(self._store, key_place(case_id))
        except FileNotFoundError:
            return None
        try:
            wrapped = json.loads(bytes(await found.bytes_async()))
        except ValueError:
            raise _unusable(case_id) from None
        return self._wrapping.unwrap(wrapped, case_id=case_id)

    async def _make(self, case_id: str) -> bytes:
        key = secrets.token_bytes(KEY_BYTES)
        try:
            wrapped = _json(self._wrapping.wrap(key, case_id=case_id))
            await obstore.put_async(
                self._store, key_place(case_id), wrapped, mode="create", use_multipart=False
            )
        except AlreadyExistsError:  # another process was first
            there = await self._find(case_id)
            assert there is not None
            return there
        return key


async def wrapping_keys(
    folder: Path, *, file: Path | None, command: Sequence[str], older: Sequence[Path]
) -> WrappingKeys:
    """From a command's output, else a file (32 bytes, or 64 hex digits), else `objects.key` made in `folder`.

    Errors: Unavailable `keys.unavailable` (the command fails or hangs, the file can't be read), `keys.damaged`.
    """
    if command:
        current = _parse(await _ask(command))
    elif file is not None:
        current = _parse(await asyncio.to_thread(_read, file))
    else:
        current = await asyncio.to_thread(read_or_make_key, folder / "objects.key")
    return WrappingKeys(current, [_parse(await asyncio.to_thread(_read, each)) for each in older])


async def _ask(command: Sequence[str]) -> bytes:
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        raise _unreachable(command[0]) from error
    try:
        async with asyncio.timeout(_COMMAND_S):
            said, _ = await process.communicate()
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise _unreachable(command[0]) from error
    if process.returncode != 0:
        raise _unreachable(command[0])
    return said


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreachable(path.name) from error


def _parse(said: bytes) -> bytes:
    if len(said) == KEY_BYTES:
        return said
    try:
        return bytes.fromhex(said.decode("ascii").strip())
    except (ValueError, UnicodeDecodeError):
        raise _unusable("format") from None


def _unreachable(what: str) -> Unavailable:
    return Unavailable(
        "keys.unavailable",
        zh=f"无法取得存储主密钥（{what}），请检查密钥文件或密钥命令",
        en=f"The storage key can't be had ({what}); check the key file or the key command",
    )


def _unusable(what: str) -> Unavailable:
    return Unavailable(
        "keys.damaged",
        zh=f"密钥无法使用（{what}）；请从备份恢复，没有它已加密的内容无法读取",
        en=f"The key can't be used ({what}); restore it from a backup, sealed content needs it",
    )


def _name_of(key: bytes) -> str:
    """Tells keys apart and gives nothing away."""
    return hashlib.sha256(b"hearing-server/wrapping-key\0" + key).hexdigest()[:16]


def _aad(case_id: str, name: str) -> bytes:
    return f"{case_id}\0{name}".encode()


def _json(value: dict[str, str]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def key_place(case_id: str) -> str:
    """Where in the store a case's wrapped key lies."""
    return f"keys/{case_id}.json"
