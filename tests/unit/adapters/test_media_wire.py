"""The wire to media processes: what goes over it comes back the same, and nothing else comes through."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearing_server.adapters.media_process.calls import NEWS, ORDERS, Teller, answered, error_in, error_out
from hearing_server.adapters.media_process.codec import WireError, described, from_plain, to_plain
from hearing_server.adapters.media_process.outbox import Outbox
from hearing_server.adapters.media_process.records import NodeFacts, NodeOrder, NodeState
from hearing_server.adapters.media_process.starter import settings_id, settings_of
from hearing_server.adapters.media_process.supervisor import summed
from hearing_server.adapters.media_process.wire import MAX_FRAME_BYTES, packed, read_frame
from hearing_server.errors import Conflict, Unavailable
from hearing_server.kernel import HearingId, PersonId, RecordingId
from hearing_server.ports.measures import Measure
from hearing_server.ports.media import (
    PathFacts,
    PersonStanding,
    RecordingStanding,
    RoomStanding,
    TrackSeen,
    Writing,
)
from signaling.settings import MediaSettings


class Word(StrEnum):
    YES = "yes"


@dataclass(frozen=True, slots=True)
class Whole:
    """One of everything the ports use."""

    text: str
    number: float
    count: int
    flag: bool
    word: Word
    path: Path
    raw: bytes
    pairs: tuple[tuple[str, int], ...]
    maybe: int | None
    table: Mapping[PersonId, tuple[str, ...]]
    set_: frozenset[str] = frozenset()


WHOLE = st.builds(
    Whole,
    text=st.text(),
    number=st.floats(allow_nan=False, allow_infinity=False),
    count=st.integers(-(2**53), 2**53),
    flag=st.booleans(),
    word=st.just(Word.YES),
    path=st.just(Path("/很长/的 路径")),
    raw=st.binary(),
    pairs=st.lists(st.tuples(st.text(), st.integers(0, 9))).map(tuple),
    maybe=st.none() | st.integers(0, 9),
    table=st.dictionaries(st.text().map(PersonId), st.lists(st.text()).map(tuple)),
    set_=st.frozensets(st.text()),
)


class Feed:
    """A stream reader that was fed already."""

    @staticmethod
    async def of(*frames: bytes) -> dict[str, Any]:
        reader = asyncio.StreamReader()
        reader.feed_data(b"".join(frames))
        reader.feed_eof()
        return await read_frame(reader)


@given(WHOLE)
async def test_record__over_the_wire__comes_back_the_same(whole: Whole) -> None:
    frame = packed({"v": to_plain(whole, Whole)})
    assert from_plain((await Feed.of(frame))["v"], Whole) == whole


@pytest.mark.parametrize(
    ("raw", "hint"),
    [
        (True, int),
        (1, bool),
        ("1", int),
        (1, str),
        (None, str),
        ("no", Word),
        ("$", bytes),
        ({"recording_id": "r", "room": None, "writing": {}}, RecordingStanding),
        ({"rooms": [], "recordings": [], "more": 1}, NodeState),
        ({"rooms": []}, NodeState),
        ([["a"]], tuple[tuple[str, int], ...]),
        ({"a": "b"}, tuple[str, ...]),
        (["a"], Mapping[str, str]),
    ],
)
def test_value__of_another_kind__is_refused(raw: object, hint: Any) -> None:
    with pytest.raises(WireError):
        from_plain(raw, hint)


def test_hint__that_has_no_form__is_found_when_the_table_is_made() -> None:
    for hint in (set[str], int | str, tuple[Path | Word, ...], asyncio.Event):
        with pytest.raises(TypeError):
            described(hint)


def test_description__changes_with_every_field_and_word() -> None:
    assert "is_paused:bool" in described(NodeState)
    assert described(Word) == "Word(yes)"
    assert described(tuple[str, ...]) != described(tuple[str, str])


async def test_frame__too_long_broken_or_cut__is_refused() -> None:
    with pytest.raises(WireError):
        packed({"long": "x" * MAX_FRAME_BYTES})
    with pytest.raises(WireError):
        packed({"odd": object()})
    for said in (b"\xff\xff\xff\xff", b"\0\0\0\x02[]", b"\0\0\0\x02{]"):
        with pytest.raises(WireError):
            await Feed.of(said)
    for said in (b"", b"\0\0", b"\0\0\0\x09{"):
        with pytest.raises(EOFError):
            await Feed.of(said)


def test_table__of_orders_and_news__is_that_of_the_ports() -> None:
    assert {"rooms.join", "rooms.publish", "recorder.seal", "node.end"} <= ORDERS.keys()
    assert {"room.seat_left", "seat.offered", "node.proofs"} <= NEWS.keys()
    # What is answered at once by the court's own side never goes over the wire.
    assert not {"rooms.grant", "recorder.writing"} & ORDERS.keys()
    order = ORDERS["rooms.hold_room"]
    assert order.unpack(order.pack({"room": "hrg_1", "held": True})) == {"room": "hrg_1", "held": True}
    for wrong in (
        {"room": "hrg_1"},
        {"room": "hrg_1", "held": True, "by": "x"},
        {"room": "hrg_1", "held": 1},
        None,
    ):
        with pytest.raises(WireError):
            order.unpack(wrong)


async def test_news__told_by_place_or_by_name__are_the_same() -> None:
    posted: list[dict[str, Any]] = []
    teller = Teller("room", lambda call, words: posted.append(call.pack(words)))
    await teller.seat_left(HearingId("h"), PersonId("p"), "left")
    await teller.seat_left(HearingId("h"), reason="left", person=PersonId("p"))
    assert posted[0] == posted[1] == {"room": "h", "person": "p", "reason": "left"}
    with pytest.raises(AttributeError):
        teller.no_such_news  # noqa: B018 - that it isn't there is the point


async def test_order__refused_by_the_room__comes_back_as_the_same_error() -> None:
    class Target:
        async def leave(self, seat: str, *, reason: str) -> None:
            raise Conflict("seat.taken", zh="席位", en="Taken", retry_after_s=2)

    said = await answered(Target(), ORDERS["rooms.leave"], {"seat": "s", "reason": "left"})
    error = error_in(said["error"])
    assert (type(error), error.code, error.zh, error.retry_after_s) == (Conflict, "seat.taken", "席位", 2)
    # A kind we don't hand out becomes the mildest one.
    assert type(error_in({**error_out(error), "kind": "SystemExit"})) is Unavailable


class SlowWriter:
    """A socket whose reader takes nothing until it is told to."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.reads = asyncio.Event()

    def write(self, frame: bytes) -> None:
        self.written.append(frame)

    async def drain(self) -> None:
        await self.reads.wait()


async def test_news__that_nobody_reads__are_replaced_by_how_everything_stands() -> None:
    writer: Any = SlowWriter()
    taken = []

    async def snapshot() -> bytes:
        taken.append(len(writer.written))
        return b"snapshot"

    outbox = Outbox(writer, snapshot, news_bytes=10)
    sending = asyncio.create_task(outbox.send_all())
    outbox.tell(b"first")
    await asyncio.sleep(0)
    for _ in range(3):
        outbox.tell(b"12345")
    outbox.answer(b"answer")
    outbox.tell(b"dropped too")
    writer.reads.set()
    async with asyncio.timeout(5):
        while len(writer.written) < 3:  # noqa: ASYNC110 - a turn of the loop is all it needs
            await asyncio.sleep(0)
    outbox.tell(b"after")
    await asyncio.sleep(0.01)
    sending.cancel()
    assert writer.written == [b"first", b"answer", b"snapshot", b"after"]
    assert outbox.overflows == 1


def test_state_of_a_full_house__fits_into_a_frame() -> None:
    facts = PathFacts(120, 15, "udp", 3, 4, 5, 1000, 2000, 720, 360)
    tracks = tuple(TrackSeen(source, "video", False, False) for source in ("camera", "microphone", "screen"))
    people = tuple(
        PersonStanding(f"seat_{n:016}", "k" * 32, PersonId(f"per_{n:026}"), "connected", facts, tracks)
        for n in range(12)
    )
    rooms = tuple(RoomStanding(HearingId(f"hrg_{n:026}"), False, None, people) for n in range(256))
    writing = Writing(True, 1 << 40, 40, None, 1 << 44)
    recordings = tuple(
        RecordingStanding(RecordingId(f"rec_{n:026}"), rooms[n].room, writing) for n in range(256)
    )
    state = NodeState(rooms, recordings)
    assert len(packed({"state": to_plain(state, NodeState)})) < MAX_FRAME_BYTES
    assert from_plain(to_plain(state, NodeState), NodeState) == state


def test_settings__of_each_process__have_its_own_ports_and_a_name_without_keys() -> None:
    base = MediaSettings(
        announced_addresses=("192.0.2.1",), grant_keys=(b"k" * 32,), udp_port=8081, tcp_port=443
    )
    third = settings_of(base, 2)
    assert (third.udp_port, third.tcp_port) == (8083, 445)
    assert settings_of(MediaSettings(announced_addresses=(), grant_keys=()), 2).udp_port == 0
    assert settings_id(base) == settings_id(settings_of(base, 0)) != settings_id(third)
    order = NodeOrder(2, Path("/data/media"), third, settings_id(third), 900.0)
    assert from_plain(to_plain(order, NodeOrder), NodeOrder) == order


def test_measures__of_two_processes__add_up_and_the_worst_stays_the_worst() -> None:
    one = [Measure("hearing_rooms", "", 2), Measure("hearing_worst_room_residence_seconds", "", 0.2)]
    two = [Measure("hearing_rooms", "", 3), Measure("hearing_worst_room_residence_seconds", "", 0.1)]
    spread = Measure("hearing_residence_seconds", "", 1.5, buckets=((0.1, 1), (0.2, 3)), count=4)
    told = {measure.name: measure for measure in summed([*one, spread, *two, spread])}
    assert told["hearing_rooms"].value == 5
    assert told["hearing_worst_room_residence_seconds"].value == 0.2
    both = told["hearing_residence_seconds"]
    assert (both.value, both.count, both.buckets) == (3.0, 8, ((0.1, 2), (0.2, 6)))


def test_facts__that_every_version_understands__have_not_changed() -> None:
    # Changing these, the frame or `node.end` breaks the talk between versions: raise WIRE and keep the old words.
    facts = "NodeFacts(index:int,pid:int,seats:int,recordings:int,udp_port:int,tcp_port:int,settings_id:str)"
    assert described(NodeFacts) == facts
    assert (dict(ORDERS["node.end"].parameters), ORDERS["node.end"].answer) == ({"even_if_busy": bool}, bool)
