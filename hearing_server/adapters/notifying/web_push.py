"""Web push (RFC 8030, 8291, 8292): encrypted for one browser, signed with the court's VAPID key.

A subscription is an address that a browser gave us, so it is an address a stranger can choose: only push services of$
the settings are called, over https, without redirects.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import http_ece
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from hearing_server.adapters.vault import read_or_make_key
from hearing_server.ports.notices import Letter, SendResult

_TIMEOUT = aiohttp.ClientTimeout(total=12, connect=5)
# A push that waits longer for its device than this tells of yesterday.
_LIFE_S = 24 * 3600
_TOKEN_LIFE_S = 12 * 3600
_ORDER_OF_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class VapidKey:
    """The court's key for push services, in a file of its own; made once. A lost one means all must subscribe anew."""

    def __init__(self, folder: Path) -> None:
        secret = int.from_bytes(read_or_make_key(folder / "push.key"), "big") % (_ORDER_OF_P256 - 1) + 1
        self._private = ec.derive_private_key(secret, ec.SECP256R1())

    @property
    def public(self) -> str:
        """What browsers are given as `applicationServerKey`, base64url."""
        point = self._private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return _b64(point)

    def headers(self, audience: str, subject: str) -> dict[str, str]:
        """The `Authorization` of one push service (scheme and host)."""
        pem = self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        claims: dict[str, str | int] = {
            "aud": audience, "sub": subject, "exp": int(time.time()) + _TOKEN_LIFE_S
        }  # fmt: skip
        signed: dict[str, str] = Vapid02.from_pem(pem).sign(claims)
        return signed


class WebPush:
    """`hosts`: push services by name, `.example.com` for all below; `http://host:port` for one on this machine."""

    is_simulated = False

    def __init__(self, key: VapidKey, hosts: tuple[str, ...], contact: str) -> None:
        self._key = key
        self._hosts = hosts
        self._contact = contact

    @property
    def public_key(self) -> str:
        return self._key.public

    def may_call(self, endpoint: str) -> bool:
        """Whether this is a push service of the settings."""
        try:
            parts = urlsplit(endpoint)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            return False
        if f"{parts.scheme}://{parts.netloc}" in self._hosts:
            return True
        if parts.scheme != "https" or port not in (None, 443) or parts.username is not None:
            return False
        return any(host == known or (known.startswith(".") and host.endswith(known)) for known in self._hosts)

    async def send(self, letter: Letter) -> SendResult:
        try:
            subscription = json.loads(letter.to)
            endpoint = str(subscription["endpoint"])
            keys = (_unb64(subscription["keys"]["p256dh"]), _unb64(subscription["keys"]["auth"]))
        except (ValueError, KeyError, TypeError):
            return SendResult("gone", "malformed subscription", simulated=False)
        if not self.may_call(endpoint):
            return SendResult("gone", "unknown push service", simulated=False)
        said = {"title": letter.title, "text": letter.text, "link": letter.link, **(letter.data or {})}
        content = json.dumps(said, ensure_ascii=False).encode()
        try:
            body, headers = await asyncio.to_thread(self._sealed, content, keys, endpoint)
        except ValueError:
            return SendResult("gone", "malformed key", simulated=False)
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.post(endpoint, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                return _result(answer.status)
        except aiohttp.ClientError as error:
            return SendResult("retry", type(error).__name__, simulated=False)

    def _sealed(
        self, content: bytes, keys: tuple[bytes, bytes], endpoint: str
    ) -> tuple[bytes, dict[str, str]]:
        body: bytes = http_ece.encrypt(
            content,
            private_key=ec.generate_private_key(ec.SECP256R1()),
            dh=keys[0],
            auth_secret=keys[1],
            version="aes128gcm",
        )
        parts = urlsplit(endpoint)
        headers = {
            **self._key.headers(f"{parts.scheme}://{parts.netloc}", self._contact),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(_LIFE_S),
            "Urgency": "high",
        }
        return body, headers


def _result(status: int) -> SendResult:
    if 200 <= status < 300:
        return SendResult("accepted", f"push {status}", simulated=False)
    if status in (404, 410):
        # The browser has taken its subscription back: it will never work again.
        return SendResult("gone", f"push {status}", simulated=False)
    state = "retry" if status >= 500 or status == 429 else "failed"
    return SendResult(state, f"push {status}", simulated=False)


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _unb64(text: object) -> bytes:
    if not isinstance(text, str):
        raise TypeError("not text")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
