"""Stray media: whose keys are tried, how often, and that the new address is asked before anything goes there."""

from collections.abc import Callable

from aioice import stun

from signaling.paths.ice import IceAgent, IceTable, IngressCounters, Path
from signaling.paths.path_proof import PathProof
from signaling.paths.roaming import PACKETS_PER_NETWORK, SILENT_NS, TRIES_PER_S, Roaming
from signaling.settings import MediaSettings

NOW_NS = 10_000_000_000
PACKET, HOST = b"\x80" * 200, "192.0.2.7"
SETTINGS = MediaSettings(host="127.0.0.1", announced_addresses=("127.0.0.1",), grant_keys=(b"k",))


class Phone:
    """An agent whose keys stand, on a path last heard `silent_ns` ago; its keys open nothing unless told."""

    def __init__(self, *, silent_ns: int = SILENT_NS, opens: bool = False) -> None:
        self.tried = 0
        self.agent = IceAgent(lambda data, now_ns: None, lambda data, now_ns: None, lambda path: None)
        self.agent.remote_ufrag, self.agent.remote_password = "theirs", "their password"
        self.path = Path("udp", (HOST, 4000), lambda data: None)
        self.path.heard_ns = NOW_NS - silent_ns
        self.agent.select(self.path)
        self.agent.proof = PathProof()
        self._opens = opens
        self.agent.opens = self._try

    def _try(self, packet: bytes, now_ns: int) -> bool:
        self.tried += 1
        return self._opens


def everybody(*phones: Phone) -> Callable[[], list[IceAgent]]:
    return lambda: [phone.agent for phone in phones]


def test_owner__keys_that_open_it__is_found_and_others_heard_lately_are_not_tried() -> None:
    lively, silent, owner = Phone(silent_ns=SILENT_NS - 1, opens=True), Phone(), Phone(opens=True)
    found = Roaming().owner_of(PACKET, HOST, everybody(lively, silent, owner), NOW_NS)
    assert found is owner.agent
    assert [each.tried for each in (lively, silent, owner)] == [0, 1, 1]


def test_owner__before_keys_stand__is_nobody() -> None:
    early, unnamed = Phone(opens=True), Phone(opens=True)
    early.agent.proof = None
    unnamed.agent.remote_ufrag = None
    assert Roaming().owner_of(PACKET, HOST, everybody(early, unnamed), NOW_NS) is None


def test_owner__flood_from_one_network__leaves_others_their_turn() -> None:
    owner, roaming = Phone(opens=True), Roaming()
    for _ in range(PACKETS_PER_NETWORK):
        roaming.owner_of(PACKET, "198.51.100.1", lambda: (), NOW_NS)
    assert roaming.owner_of(PACKET, "198.51.100.1", everybody(owner), NOW_NS) is None
    assert roaming.owner_of(PACKET, HOST, everybody(owner), NOW_NS) is owner.agent


def test_owner__more_keys_than_a_second_may_try__stops_until_the_next() -> None:
    crowd, roaming = [Phone() for _ in range(200)], Roaming()
    for number in range(12):
        roaming.owner_of(PACKET, f"192.0.2.{number}", everybody(*crowd), NOW_NS)
    assert sum(phone.tried for phone in crowd) == TRIES_PER_S
    owner = Phone(opens=True)
    owner.path.heard_ns = NOW_NS
    assert roaming.owner_of(PACKET, HOST, everybody(owner), NOW_NS + 1_000_000_000) is owner.agent


def test_adopt__new_address__gets_one_question_and_no_media_until_it_answers() -> None:
    phone, table, said = Phone(), IceTable(SETTINGS, IngressCounters()), list[bytes]()
    new = Path("udp", (HOST, 5000), said.append)
    table.adopt(new, phone.agent, NOW_NS)
    table.adopt(new, phone.agent, NOW_NS + 1)
    assert phone.agent.selected is phone.path
    assert len(said) == 1
    question = stun.parse_message(said[0])
    answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, question.transaction_id)
    answer.add_message_integrity(b"their password")
    assert phone.agent.answered(bytes(answer), new)
    assert phone.agent.selected is new
