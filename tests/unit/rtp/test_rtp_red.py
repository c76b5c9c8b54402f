"""Redundant audio."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from signaling.rtp.red import primary_block


def red(primary: bytes, *older: bytes, payload_type: int = 111) -> bytes:
    """As a browser packs it: 4-byte heads of the older blocks, 1-byte head of the primary, then the data."""
    heads = b"".join(
        bytes([0x80 | payload_type]) + ((960 << 10) | len(block)).to_bytes(3, "big") for block in older
    )
    return heads + bytes([payload_type]) + b"".join(older) + primary


@given(st.binary(max_size=50), st.lists(st.binary(max_size=600), max_size=3))
def test_primary_block__any_redundancy__gives_the_newest(primary: bytes, older: list[bytes]) -> None:
    assert primary_block(red(primary, *older)) == (111, primary)


def test_primary_block__older_block_longer_than_one_octet_can_say__is_passed_over() -> None:
    assert primary_block(red(b"new", b"o" * 700, b"p" * 300)) == (111, b"new")


def test_primary_block__heads_do_not_add_up__is_none() -> None:
    assert primary_block(b"") is None
    assert primary_block(b"\xef\x0f") is None
    assert primary_block(b"\xef\x0f\x00\x09") is None
    assert primary_block(b"\xef\x0f\x00\x09\x6f" + bytes(8)) is None


@given(st.binary(max_size=30))
def test_primary_block__any_bytes__never_raises(payload: bytes) -> None:
    primary_block(payload)
