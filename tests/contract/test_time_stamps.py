"""Time stamps of a real authority (`openssl ts`): believed when they verify, named when it is down or lies."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.x509 import load_pem_x509_certificates

from hearing_server.adapters.trust.http_posts import HttpPosts
from hearing_server.adapters.trust.time_stamp_client import HttpTimeStamps, check_stamp, time_of_stamp
from hearing_server.errors import Unavailable
from tests.openssl_tsa import OpenSslTsa, openssl_tsa

TEXT = b"court.example/acts\n3\nroot\n"


@pytest.fixture
async def tsa(tmp_path: Path) -> AsyncIterator[OpenSslTsa]:
    async with openssl_tsa(tmp_path / "tsa") as running:
        yield running


@pytest.fixture
async def posts() -> AsyncIterator[HttpPosts]:
    opened = HttpPosts()
    yield opened
    await opened.close()


async def test_stamp__of_a_real_authority__verifies_now_and_offline_later(
    tsa: OpenSslTsa, posts: HttpPosts
) -> None:
    stamped = await HttpTimeStamps(tsa.url, tsa.roots, posts).stamp(TEXT)
    assert abs(stamped.at - datetime.now(UTC)) < timedelta(minutes=1)
    roots = load_pem_x509_certificates(tsa.roots.read_bytes())
    assert check_stamp(stamped.token, TEXT, roots) == stamped.at
    assert time_of_stamp(stamped.token, TEXT) == stamped.at
    for wrong in (TEXT + b"x", b""):
        with pytest.raises(ValueError, match=r".+"):
            check_stamp(stamped.token, wrong, roots)
        with pytest.raises(ValueError, match=r".+"):
            time_of_stamp(stamped.token, wrong)


async def test_stamp__with_any_byte_of_what_is_signed_changed__is_refused(
    tsa: OpenSslTsa, posts: HttpPosts
) -> None:
    stamped = await HttpTimeStamps(tsa.url, tsa.roots, posts).stamp(TEXT)
    roots = load_pem_x509_certificates(tsa.roots.read_bytes())
    place = stamped.token.index(hashlib.sha256(TEXT).digest())
    # The digest, and after it the serial number and the time.
    for offset in range(place, place + 60):
        changed = bytearray(stamped.token)
        changed[offset] ^= 1
        with pytest.raises(ValueError, match=r".+"):
            check_stamp(bytes(changed), TEXT, roots)


async def test_stamp__of_somebody_elses_authority__isnt_believed(
    tsa: OpenSslTsa, posts: HttpPosts, tmp_path: Path
) -> None:
    async with openssl_tsa(tmp_path / "other") as other:
        with pytest.raises(Unavailable) as wrong:
            await HttpTimeStamps(tsa.url, other.roots, posts).stamp(TEXT)
    assert wrong.value.code == "time_stamp.wrong"


@pytest.mark.parametrize(
    ("mood", "code"),
    [("silent", "time_stamp.refused"), ("rubbish", "time_stamp.wrong"), ("replay", "time_stamp.wrong")],
)
async def test_authority__in_a_bad_mood__is_named(
    tsa: OpenSslTsa, posts: HttpPosts, mood: str, code: str
) -> None:
    client = HttpTimeStamps(tsa.url, tsa.roots, posts)
    await client.stamp(TEXT)
    tsa.mood = mood
    # The same text once more: an answer of before has another nonce.
    with pytest.raises(Unavailable) as wrong:
        await client.stamp(TEXT)
    assert wrong.value.code == code


async def test_authority__that_is_gone__is_named(tsa: OpenSslTsa, posts: HttpPosts) -> None:
    with pytest.raises(Unavailable) as down:
        await HttpTimeStamps("http://127.0.0.1:9/", tsa.roots, posts).stamp(TEXT)
    assert down.value.code == "time_stamp.down"


async def test_authority__whose_clock_is_wrong__isnt_believed(
    tsa: OpenSslTsa, posts: HttpPosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Yesterday(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) - timedelta(days=1)

    monkeypatch.setattr("hearing_server.adapters.trust.time_stamp_client.datetime", Yesterday)
    with pytest.raises(Unavailable) as wrong:
        await HttpTimeStamps(tsa.url, tsa.roots, posts).stamp(TEXT)
    assert wrong.value.code == "time_stamp.wrong_time"
