"""Who counts as one sender, and whom a check claims to want."""

import pytest
from aioice import stun

from signaling.paths.guards import claimed_ufrag, is_check, network_of


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("no address", "no address", True),
        (":", "::", False),
    ],
)
def test_network__when_two_addresses_are_compared__then_a_household_is_one(
    one: str, other: str, same: bool
) -> None:
    assert (network_of(one) == network_of(other)) is same


def test_claim__when_the_check_is_a_browsers__then_it_is_the_first_half_of_its_name() -> None:
    check = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    check.attributes["PRIORITY"] = 1
    check.attributes["USERNAME"] = "ours:theirs"
    check.add_message_integrity(b"key")
    assert is_check(bytes(check))
    assert claimed_ufrag(bytes(check)) == "ours"
    assert not is_check(bytes(check)[:-1])
    assert not is_check(bytes(check) + b"\x00" * 4)
    assert claimed_ufrag(bytes(check)[:30]) is None
    assert claimed_ufrag(b"\x00" * 20 + b"\x7f\x00\x00\x00" * 30) is None
