"""What `doctor` says about native forwarding."""

from __future__ import annotations

import pytest

from hearing_server import doctor
from hearing_server.settings import Settings
from signaling.native import build
from signaling.native.build import Why
from tests.native_library import library


async def test_native__when_it_loads__is_good() -> None:
    native = library()
    check = await doctor._native(Settings())  # type: ignore[call-arg]
    assert check.line().startswith(f"ok   native forwarding: built, {native.path.name}; ")
    assert "all other work" in check.line() or "most other work" in check.line()


@pytest.mark.parametrize("why", [why for why in Why if why is not Why.LOADED])
async def test_native__when_it_does_not_load__says_why_and_what_to_do(
    why: Why, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "load", lambda: None)
    monkeypatch.setattr(build, "why_not", lambda: why)
    check = await doctor._native(Settings())  # type: ignore[call-arg]
    assert check.seen == f"off: {why.replace('_', ' ')}"
    assert check.advice
    assert check.is_good == (why in (Why.NOT_BUILT, Why.NO_COMPILER)), "slower is no fault"


async def test_native__when_it_is_turned_off__says_so() -> None:
    settings = Settings(media={"native": False})  # type: ignore[call-arg, arg-type]
    check = await doctor._native(settings)
    assert check.line() == "ok   native forwarding: off: by setting — media.native = true turns it on"
