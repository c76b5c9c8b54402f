"""From the court's errors to what a socket's client gets."""

from __future__ import annotations

from hearing_server.errors import HearingError
from signaling.socket_kit.connection import Refusal


def explain_error(error: BaseException, language: str) -> Refusal | None:
    """The refusal of an expected error; None for one nobody expected (the hub logs it and says so)."""
    if not isinstance(error, HearingError):
        return None
    wait_ms = round(error.retry_after_s * 1000) if error.retry_after_s is not None else None
    return Refusal(error.code, error.title(language), error.retryable, wait_ms)
