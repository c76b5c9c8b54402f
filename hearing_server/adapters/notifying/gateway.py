"""SMS, WeChat service notices and voice calls through a gateway of the court: one signed HTTP call per message.

Every vendor's own interface lies behind that gateway; docs/OPERATIONS.md has the contract. The key is the idempotency
key: a gateway that knows it answers as before and sends nothing.
"""

from __future__ import annotations

import json
import secrets
import time

import aiohttp

from hearing_server.domain.reminding.signed_calls import NONCE, SIGNATURE, TIMESTAMP, Direction, signature
from hearing_server.ports.notices import Letter, SendResult

_TIMEOUT = aiohttp.ClientTimeout(total=12, connect=5)
# "Come again later" in HTTP's own words; every other 4xx is a no for this message.
_LATER = frozenset({408, 425, 429})
_MAX_ANSWER_BYTES = 16 * 1024


class Gateway:
    """One channel. `url` takes `POST {key, channel, to, title, text, link}`; secrets never leave this process."""

    is_simulated = False

    def __init__(self, channel: str, url: str, secret: bytes) -> None:
        self._channel = channel
        self._url = url
        self._secret = secret

    async def send(self, letter: Letter) -> SendResult:
        said = {
            "key": letter.key, "channel": self._channel, "to": letter.to,
            "title": letter.title, "text": letter.text, "link": letter.link,
        }  # fmt: skip
        body = json.dumps(said, ensure_ascii=False).encode()
        timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
        signed = signature(self._secret, Direction.SEND, timestamp=timestamp, nonce=nonce, body=body)
        headers = {
            "Content-Type": "application/json", "Idempotency-Key": letter.key,
            TIMESTAMP: timestamp, NONCE: nonce, SIGNATURE: signed,
        }  # fmt: skip
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.post(self._url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                return _result(answer.status, await answer.content.read(_MAX_ANSWER_BYTES))
        except aiohttp.ClientError as error:
            return SendResult("retry", type(error).__name__, simulated=False)


def _result(status: int, content: bytes) -> SendResult:
    if 200 <= status < 300:
        return SendResult("accepted", f"http {status}", simulated=False, provider_id=_provider_id(content))
    state = "retry" if status >= 500 or status in _LATER else "failed"
    return SendResult(state, f"http {status}", simulated=False)


def _provider_id(content: bytes) -> str | None:
    try:
        found = json.loads(content)
    except ValueError:
        return None
    given = found.get("id") if isinstance(found, dict) else None
    return given[:120] if isinstance(given, str) and given.isprintable() else None
