"""All targets by name."""

from __future__ import annotations

from typing import Final

from tests.fuzz import native_targets, port_targets, room_targets, rtp_targets, word_targets
from tests.fuzz.runner import Target

_MODULES: Final = (port_targets, rtp_targets, native_targets, room_targets, word_targets)
TARGETS: Final[dict[str, Target]] = {each.name: each for module in _MODULES for each in module.TARGETS}
