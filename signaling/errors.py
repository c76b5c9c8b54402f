"""The one error of the media plane: a stable dotted code, a plain title, and whether trying again can help."""

from typing import Final

_TITLES: Final[dict[str, tuple[str, bool]]] = {
    "grant.invalid": ("The join grant is not valid", False),
    "grant.expired": ("The join grant has expired", True),
    "grant.used": ("The join grant was used before", True),
    "seat.unknown": ("This seat does not exist any more", True),
    "seat.taken": ("This identity already sits in the room with another key", False),
    "seat.removed": ("This identity was removed from the room", False),
    "room.unknown": ("The room is not open", True),
    "room.full": ("The room is full", True),
    "identity.unknown": ("Nobody with this identity sits in the room", False),
    "publish.not_allowed": ("The grant does not allow publishing this source", False),
    "publish.unknown": ("This source is not published", False),
    "subscribe.not_allowed": ("The grant does not allow receiving", False),
    "answer.stale": ("The answer belongs to an older offer", True),
    "sdp.malformed": ("The session description cannot be read", False),
    "sdp.unsupported": ("The session description asks for something this server does not do", False),
    "engine.stopped": ("The media engine is not running", True),
}


class SignalingError(Exception):
    """A request the media plane refuses.

    `code` is stable and dotted; `title` is one English sentence; `retryable` says whether the same request may
    succeed later. `detail` is for logs and tests and never holds what the client sent.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        title, retryable = _TITLES[code]
        super().__init__(f"{code}: {detail or title}")
        self.code = code
        self.title = title
        self.retryable = retryable
        self.detail = detail
