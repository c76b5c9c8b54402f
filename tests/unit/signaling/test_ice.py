"""ICE-lite: who may be answered, which address counts, and when a peer is followed."""

from typing import Any

import pytest
from aioice import stun

from signaling.paths.ice import IceAgent, IceTable, Ingress, IngressCounters, Path
from signaling.settings import MediaSettings

SECOND = 1_000_000_000


class Wire:
    """A path that keeps what is sent into it."""

    def __init__(self, port: int) -> None:
        self.sent: list[bytes] = []
        self.path = Path("udp", ("192.0.2.7", port), self.sent.append)


class Place:
    def __init__(self, **changes: Any) -> None:
        settings = MediaSettings(announced_addresses=("192.0.2.1",), grant_keys=(b"k" * 32,), **changes)
        self.counters = IngressCounters()
        self.table = IceTable(settings, self.counters)
        self.ingress = Ingress(self.table, self.counters)
        self.media: list[bytes] = []
        self.records: list[bytes] = []
        self.agent = IceAgent(
            on_media=lambda data, now_ns: self.media.append(data),
            on_dtls=lambda data, now_ns: self.records.append(data),
            on_path=lambda path: None,
        )
        self.table.add(self.agent)
        self.agent.remote_ufrag = "peer"

    def check(self, *, password: str | None = None, name: str | None = None, **attributes: Any) -> bytes:
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = name or f"{self.agent.credentials.ufrag}:peer"
        request.attributes["PRIORITY"] = 1
        request.attributes["ICE-CONTROLLING"] = 5
        for key, value in attributes.items():
            request.attributes[key.replace("_", "-")] = value
        request.add_message_integrity((password or self.agent.credentials.password).encode())
        return bytes(request)

    def nominate(self, wire: Wire, at_s: float = 0.0) -> bool:
        return self.table.handle(self.check(USE_CANDIDATE=None), wire.path, int(at_s * SECOND))


def test_check__when_authentic__then_answered_with_the_mapped_address_and_selected() -> None:
    place, wire = Place(), Wire(4000)
    assert place.nominate(wire)
    answer = stun.parse_message(wire.sent[0])
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == ("192.0.2.7", 4000)
    assert answer.check_message_integrity(place.agent.credentials.password.encode())
    assert place.agent.selected is wire.path


@pytest.mark.parametrize(
    "wrong",
    [{"password": "guess"}, {"name": "nobody:peer"}, {"name": "x"}],
)
def test_check__when_not_authentic__then_not_one_byte_goes_back(wrong: dict[str, str]) -> None:
    place, wire = Place(), Wire(4000)
    assert not place.table.handle(place.check(**wrong), wire.path, 0)
    assert wire.sent == []
    assert wire.path.agent is None
    assert place.counters.stun_refused == 1


def test_check__when_the_remote_ufrag_is_another__then_refused() -> None:
    place, wire = Place(), Wire(4000)
    assert not place.table.handle(place.check(name=f"{place.agent.credentials.ufrag}:other"), wire.path, 0)


def test_check__when_both_are_controlled__then_role_conflict_is_told() -> None:
    place, wire = Place(), Wire(4000)
    request = place.check(ICE_CONTROLLED=9)
    assert not place.table.handle(request, wire.path, 0)
    assert stun.parse_message(wire.sent[0]).error_code == 487


def test_peer__when_a_new_address_nominates_itself__then_it_is_followed() -> None:
    place, old, new = Place(), Wire(4000), Wire(4001)
    place.nominate(old)
    assert place.nominate(new, 0.5)
    assert place.agent.selected is new.path


def test_peer__when_a_second_address_only_checks__then_the_first_stays_until_it_is_stale() -> None:
    place, old, new = Place(), Wire(4000), Wire(4001)
    place.nominate(old)
    place.table.handle(place.check(), new.path, SECOND)
    assert place.agent.selected is old.path
    place.table.handle(place.check(), new.path, 3 * SECOND)
    assert place.agent.selected is new.path


def test_handshake__when_it_begins_on_another_path__then_its_answer_goes_there_at_once() -> None:
    place, page_before, page = Place(), Wire(4000), Wire(4001)
    place.nominate(page_before)
    place.table.restart(place.agent)
    place.table.handle(
        place.check(), page.path, SECOND // 10
    )  # browsers nominate later, and want an answer now
    assert place.agent.selected is page_before.path
    place.ingress.datagram(b"\x15\xfe\xfd" + bytes(10) + b"\x01\x00", page_before.path)
    place.ingress.datagram(b"\x16\xfe\xfd" + bytes(10) + b"\x01" + bytes(60), page.path)
    assert place.agent.selected is page.path
    place.ingress.datagram(b"\x16\xfe\xfd" + bytes(10) + b"\x10" + bytes(60), page_before.path)
    assert place.agent.selected is page.path, "only a beginning counts"


def test_paths__when_a_peer_shows_ever_more_addresses__then_the_oldest_is_forgotten() -> None:
    place = Place()
    wires = [Wire(4000 + number) for number in range(40)]
    for number, wire in enumerate(wires):
        place.nominate(wire, number)
    assert len(place.agent.paths) <= 12
    assert wires[0].path.agent is None
    assert place.agent.selected is wires[-1].path


def test_restart__when_new_credentials_are_used__then_the_old_ones_die() -> None:
    place, wire = Place(), Wire(4000)
    old = place.check(USE_CANDIDATE=None)
    place.table.restart(place.agent)
    assert place.table.handle(old, wire.path, 0), "the running connection must live until the peer moved"
    place.agent.remote_ufrag = "peer"
    assert place.nominate(wire)
    assert not place.table.handle(old, wire.path, 0)


def test_ingress__when_a_stranger_sends_media_or_records__then_nobody_hears_it() -> None:
    place, wire = Place(), Wire(4000)
    for data in (b"", b"\x80" + b"x" * 40, b"\x16" + b"x" * 40, b"\x50", b"\xff"):
        place.ingress.datagram(data, wire.path)
    assert (place.media, place.records) == ([], [])
    assert (place.counters.empty, place.counters.stranger) == (1, 4)


def test_ingress__when_the_address_is_proven__then_bytes_reach_their_owner() -> None:
    place, wire = Place(), Wire(4000)
    place.nominate(wire)
    place.ingress.datagram(b"\x80media", wire.path)
    place.ingress.datagram(b"\x16record", wire.path)
    place.ingress.datagram(b"\x46turn", wire.path)
    assert (place.media, place.records, place.counters.unknown_kind) == ([b"\x80media"], [b"\x16record"], 1)


def test_limits__when_unknown_addresses_flood__then_signatures_are_not_computed_without_end() -> None:
    place = Place(stun_unknown_per_s=50, stun_unknown_per_host_per_s=20)
    for number in range(100):
        place.table.handle(place.check(password="guess"), Wire(number).path, number)
    assert place.counters.stun_refused == 20
    assert place.counters.stun_limited == 80


def test_path__when_it_is_another_agents__then_a_check_for_me_is_refused() -> None:
    place, wire = Place(), Wire(4000)
    place.nominate(wire)
    other = IceAgent(on_media=lambda d, n: None, on_dtls=lambda d, n: None, on_path=lambda p: None)
    place.table.add(other)
    request = place.check(name=f"{other.credentials.ufrag}:x", password=other.credentials.password)
    assert not place.table.handle(request, wire.path, 0)
    assert wire.path.agent is place.agent


def test_limits__when_junk_names_nobody__then_it_costs_those_who_are_known_nothing() -> None:
    place, wire = Place(stun_unknown_per_s=50, stun_unknown_per_host_per_s=20), Wire(4000)
    for number in range(3000):
        place.table.handle(place.check(name="nobody:peer"), Wire(number).path, number)
    assert place.counters.stun_limited == 0
    assert place.nominate(wire)


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7"])
def test_answer__when_it_would_be_longer_than_the_check__then_nothing_is_sent_and_nothing_proven(
    address: str,
) -> None:
    place = Place()
    place.agent.remote_ufrag = "p"  # the shortest check there is
    sent: list[bytes] = []
    answers: dict[str, int] = {}
    for kind, attributes in (
        ("bare", {}),
        ("bare conflict", {"ICE-CONTROLLED": 1}),
        ("as browsers check", {"PRIORITY": 1, "ICE-CONTROLLING": 1, "USE-CANDIDATE": None}),
        ("conflict", {"PRIORITY": 1, "ICE-CONTROLLED": 1}),
    ):
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{place.agent.credentials.ufrag}:p"
        request.attributes.update(attributes)
        request.add_message_integrity(place.agent.credentials.password.encode())
        sent.clear()
        path = Path("udp", (address, 4000), sent.append)
        proven = place.table.handle(bytes(request), path, 0)
        assert sum(len(each) for each in sent) <= len(bytes(request))
        assert not proven or sent
        answers[kind] = len(sent)
    assert answers["as browsers check"] == 1
    assert answers["conflict"] == 1
    assert answers["bare"] == (0 if ":" in address else 1)  # the mapped address of IPv6 is 12 bytes longer


def test_check__when_it_carries_two_user_names__then_the_signed_one_decides() -> None:
    place, wire = Place(), Wire(4000)
    other = IceAgent(on_media=lambda d, n: None, on_dtls=lambda d, n: None, on_path=lambda p: None)
    place.table.add(other)
    # The victim's name in front, unsigned in spirit: the parser keeps the last one before the signature.
    name = f"{other.credentials.ufrag}:peer".encode()
    body = b"\x00\x06" + len(name).to_bytes(2, "big") + name + b"\x00" * (-len(name) % 4)
    own = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    own.attributes["USERNAME"] = f"{place.agent.credentials.ufrag}:peer"
    raw = bytes(own)
    unsigned = raw[:2] + (len(raw) - 20 + len(body)).to_bytes(2, "big") + raw[4:20] + body + raw[20:]
    message = stun.parse_message(unsigned)
    assert message.attributes["USERNAME"].startswith(place.agent.credentials.ufrag)
    key = place.agent.credentials.password.encode()
    signature = stun.message_integrity(unsigned, key)
    length = (len(unsigned) - 20 + 24).to_bytes(2, "big")
    forged = unsigned[:2] + length + unsigned[4:] + b"\x00\x08\x00\x14" + signature
    assert not place.table.handle(forged, wire.path, 0)
    assert wire.path.agent is None
    assert wire.sent == []


def test_path__when_junk_comes_from_a_proven_address__then_its_own_checks_are_still_answered() -> None:
    place, wire = Place(stun_per_address_per_s=5), Wire(4000)
    place.nominate(wire)
    for number in range(500):
        place.table.handle(place.check(name="nobody:peer"), wire.path, number)
        place.table.handle(b"\x00\x01" + bytes(18), wire.path, number)
    assert place.nominate(wire)
    assert place.counters.stun_limited == 0


# A new address after the handshake: believed when it answers.


class Phone:
    """The peer behind one address: answers the server's questions, or does not."""

    def __init__(self, place: Place, port: int) -> None:
        self.place = place
        self.wire = Wire(port)

    def questions(self) -> list[bytes]:
        return [each for each in self.wire.sent if each[:2] == b"\x00\x01"]

    def answer(self, question: bytes, *, password: str = "the peer's password") -> bytes:
        asked = stun.parse_message(question)
        assert asked.check_message_integrity(b"the peer's password")
        assert asked.attributes["USERNAME"] == f"peer:{self.place.agent.credentials.ufrag}"
        reply = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=asked.transaction_id)
        reply.attributes["XOR-MAPPED-ADDRESS"] = ("192.0.2.1", 5000)
        reply.add_message_integrity(password.encode())
        return bytes(reply)


def guarded() -> tuple[Place, Phone, Phone]:
    """An agent whose handshake is through over the first address; the second has nominated itself."""
    place = Place()
    place.agent.remote_password = "the peer's password"
    first, second = Phone(place, 4000), Phone(place, 4001)
    place.nominate(first.wire)
    place.ingress.datagram(b"\x16record", first.wire.path)
    place.agent.guard()
    place.nominate(second.wire, 1.0)
    return place, first, second


def test_new_address__when_it_answers_the_question__then_it_is_followed() -> None:
    place, first, second = guarded()
    assert place.agent.selected is first.wire.path
    (question,) = second.questions()
    assert place.table.handle(second.answer(question), second.wire.path, SECOND)
    assert place.agent.selected is second.wire.path
    place.nominate(first.wire, 1.5)
    assert place.agent.selected is first.wire.path, "proven once is proven"
    assert first.questions() == []


def test_new_address__when_it_never_answers__then_nothing_but_answers_and_few_questions_go_there() -> None:
    place, first, second = guarded()
    for turn in range(50):
        place.nominate(second.wire, 1.0 + turn / 50)
    assert place.agent.selected is first.wire.path
    assert len(second.questions()) <= 11, "ten a second at most"


@pytest.mark.parametrize("lie", ["another password", "another path", "twice", "an error", "never asked"])
def test_new_address__when_the_answer_is_not_one__then_it_proves_nothing(lie: str) -> None:
    place, first, second = guarded()
    (question,) = second.questions()
    answer, path = second.answer(question), second.wire.path
    if lie == "another password":
        answer = second.answer(question, password="guessed")
    elif lie == "another path":
        path = first.wire.path
    elif lie == "an error":
        answer = b"\x01\x11" + answer[2:]
    elif lie == "never asked":
        answer = answer[:8] + b"x" * 12 + answer[20:]
    elif lie == "twice":
        place.table.handle(answer, path, SECOND)
        place.nominate(first.wire, 1.5)
        second.wire.path.is_proven = False
        assert not place.table.handle(answer, path, 2 * SECOND)
        return
    assert not place.table.handle(answer, path, SECOND)
    assert place.agent.selected is first.wire.path
    assert not second.wire.path.is_proven


def test_new_address__when_the_question_was_lost__then_media_from_there_draws_another() -> None:
    place, _, second = guarded()
    asked = place.agent.proof
    assert asked is not None
    asked._asked_ns.clear()
    place.ingress.datagram(b"\x80media", second.wire.path)
    assert len(second.questions()) == 2
    place.table.handle(second.answer(second.questions()[1]), second.wire.path, SECOND)
    assert place.agent.selected is second.wire.path


def test_handshake__when_another_address_was_nominated_at_its_end__then_media_stays_where_it_was_spoken() -> (
    None
):
    place = Place()
    place.agent.remote_password = "the peer's password"
    spoken, claimed = Phone(place, 4000), Phone(place, 4001)
    place.nominate(spoken.wire)
    place.nominate(claimed.wire)
    assert place.agent.selected is claimed.wire.path, "before the handshake the peer may choose"
    place.ingress.datagram(b"\x16the last record", spoken.wire.path)
    place.agent.guard()
    assert place.agent.selected is spoken.wire.path
    assert not claimed.wire.path.is_proven
