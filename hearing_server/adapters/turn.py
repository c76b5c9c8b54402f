"""Credentials for the court's TURN server, made from a secret shared with it (draft-uberti-behave-turn-rest-00).

Most phones reach the media ports directly. Where a network lets nothing through but TLS on port 443, a TURN server
(coturn, see docs/OPERATIONS.md) carries their packets to our UDP port; it never sees inside them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable

from hearing_server.errors import Unavailable
from hearing_server.settings import MediaSettings


class TurnServers:
    """Speaks for one shared secret. Without URLs it answers with an empty list."""

    def __init__(
        self, urls: tuple[str, ...], secret: bytes, *, life_s: int, now_s: Callable[[], float] = time.time
    ) -> None:
        self._urls = urls
        self._secret = secret
        self._life_s = life_s
        self._now_s = now_s

    @classmethod
    def from_settings(cls, media: MediaSettings) -> TurnServers:
        """Read the secret. Errors: Unavailable `media.turn_secret_missing`."""
        if media.turn_secret_file is None or not media.turn_urls:
            return cls((), b"", life_s=media.turn_life_s)
        try:
            secret = media.turn_secret_file.read_bytes().strip()
        except OSError:
            secret = b""
        if not secret:
            raise Unavailable(
                "media.turn_secret_missing",
                zh="TURN 密钥文件无法读取或为空，请检查 media.turn_secret_file",
                en="The TURN secret cannot be read or is empty; check media.turn_secret_file",
            )
        return cls(media.turn_urls, secret, life_s=media.turn_life_s)

    def for_one_seat(self) -> list[dict[str, object]]:
        """What `RTCPeerConnection` takes as `iceServers`.

        The user name is the expiry in Unix seconds and a random part: the TURN server's log names nobody.
        """
        if not self._urls:
            return []
        username = f"{int(self._now_s()) + self._life_s}:{secrets.token_hex(6)}"
        digest = hmac.new(
            self._secret, username.encode(), hashlib.sha1
        ).digest()  # the draft's, and coturn's, choice
        return [
            {
                "urls": list(self._urls),
                "username": username,
                "credential": base64.b64encode(digest).decode(),
            }
        ]
