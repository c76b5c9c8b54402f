"""Does whoever claims a new address hear us there? A question only he can answer, before media goes that way.

A check is signed, but its source address is not: a participant could nominate somebody else's address, and a lite
agent that believed it would pour a whole hearing on him. So, once the keys stand, a path is taken only after its far
end answered a check of ours (the idea of consent, RFC 7675; RFC 8445 lets a lite agent answer only, and browsers
answer anybody who knows their password). TCP has asked already: its handshake is such a question.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

from aioice import stun

STUN_ERRORS: Final = (ValueError, KeyError, IndexError, TypeError, AttributeError)
MAX_OPEN: Final = 8  # questions; a peer has few networks, and each asks again while it is needed
SPACING_NS: Final = 100_000_000  # between two questions to one path
_PRIORITY: Final = 126 << 24 | 65535 << 8 | 255  # RFC 8445 5.1.2.1: a host candidate


class PathProof:
    """The open questions of one agent. Overflow policy: the oldest is forgotten."""

    __slots__ = ("_asked_ns", "_open")

    def __init__(self) -> None:
        self._open: dict[bytes, object] = {}  # transaction -> path
        self._asked_ns: dict[int, int] = {}  # id of the path -> when it was asked

    def question(self, path: object, names: str, password: str, now_ns: int) -> bytes | None:
        """A check for the path's far end, or None when it was asked a moment ago. `names` is "theirs:ours"."""
        if now_ns - self._asked_ns.get(id(path), -SPACING_NS) < SPACING_NS:
            return None
        self._asked_ns[id(path)] = now_ns
        while len(self._asked_ns) > MAX_OPEN:
            del self._asked_ns[next(iter(self._asked_ns))]
        transaction = secrets.token_bytes(12)
        self._open[transaction] = path
        while len(self._open) > MAX_OPEN:
            del self._open[next(iter(self._open))]
        check = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.REQUEST,
            transaction_id=transaction,
        )
        check.attributes["USERNAME"] = names
        check.attributes["PRIORITY"] = _PRIORITY
        check.attributes["ICE-CONTROLLED"] = int.from_bytes(secrets.token_bytes(8), "big")
        check.add_message_integrity(password.encode())
        return bytes(check)

    def is_answer(self, data: bytes, path: object, password: str) -> bool:
        """A success response to a question of this very path, signed with the peer's password. Counts once."""
        transaction = data[8:20]
        if self._open.get(transaction) is not path:
            return False
        try:
            answer: Any = stun.parse_message(data)
            if answer.message_class != stun.Class.RESPONSE:
                return False
            if not answer.check_message_integrity(password.encode()):
                return False
        except STUN_ERRORS:
            return False
        del self._open[transaction]
        return True
