"""Holes of python-socketio 5.18 and python-engineio 4.15, each reproduced there once: here they stay shut.

The numbers are those of the table in docs/PROTOCOL.md section 3.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from hearing_server.adapters.bus import MemoryBus
from hearing_server.kernel import Role
from hearing_server.ports.bus import Doorbell
from hearing_server.sockets.case_news import CaseNews
from hearing_server.sockets.case_space import CaseSocket
from hearing_server.sockets.lane_feeds import LaneFeeds
from hearing_server.sockets.refusals import explain_error
from signaling.socket_kit.connection import Connection
from signaling.socket_kit.engine_io import HubSettings
from signaling.socket_kit.hub import Hub
from tests.court import RunningCourt
from tests.sockets.devices import Device, device, space_of
from tests.sockets.raw_socket import Words, eventually, raw_socket, stage


@dataclass(slots=True)
class SecondProcess:
    """Another server of the same court as far as case spaces go: its own sockets, and a bus that nothing reaches."""

    url: str
    heard: list[Doorbell] = field(default_factory=list)


@asynccontextmanager
async def second_process(court: RunningCourt) -> AsyncIterator[SecondProcess]:
    """The court's database and use-cases behind other sockets; Redis is away for good."""
    services, deaf = court.server.services, MemoryBus()
    hub = Hub(HubSettings(), explain=explain_error)
    feeds = LaneFeeds(hub, services.space)
    socket = CaseSocket(hub, services.sessions, services.space, services.telling.own, feeds)
    hub.add(socket.namespace())
    news = CaseNews(hub, deaf, services.space, services.reminders, services.talk.contact_desk, socket, feeds)
    news.start()
    app = web.Application()
    hub.attach(app)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found = SecondProcess(f"http://127.0.0.1:{runner.addresses[0][1]}")

    async def listen(bell: Doorbell) -> None:
        found.heard.append(bell)

    for kind in ("lane_appended", "case_changed", "receipt_moved"):
        deaf.subscribe(kind, listen)
    try:
        yield found
    finally:
        await news.stop()
        await runner.cleanup()


@pytest.mark.parametrize("name", ["connect", "disconnect", "connect_error", "*", "trigger_event", ""])
async def test_hole_01__reserved_and_unknown_names__run_nothing(name: str) -> None:
    async with stage() as on, raw_socket(on) as socket:
        await socket.join()
        await eventually(lambda: on.opened == ["ok"])
        await socket.say(f'42/case,7["{name}",{{"ticket":"forged"}}]')
        answer = await socket.ack(7)
        assert (answer["ok"], answer["code"]) == (False, "command.unknown")
        await socket.say('42/case,8["say",{"text":"still here"}]')
        assert (await socket.ack(8))["text"] == "still here"
        assert on.opened == ["ok"]
        assert not on.closed


async def test_hole_02__before_the_door_opened__nothing_is_heard() -> None:
    async with stage() as on, raw_socket(on) as known:
        await known.join("known")
        on.admit_gate.clear()
        async with raw_socket(on) as stranger:
            await stranger.say('40/case,{"ticket":"slow"}')
            await on.hub.emit("/case", "all", "rang", {"secret": 1})
            assert await known.hear() == '42/case,["rang",{"secret":1}]'
            on.admit_gate.set()
            frame = await stranger.hear()
            assert frame is not None
            assert frame.startswith("40/case,"), "the first thing it hears is that it is in"
            await eventually(lambda: "slow" in on.opened)
        with pytest.raises(ValueError, match="room"):
            await on.hub.emit("/case", "", "rang", {})
        with pytest.raises(ValueError, match="room"):
            await on.hub._server.emit("rang", {}, namespace="/case")


async def test_hole_02__refused_at_the_door__says_why_and_gets_no_events() -> None:
    async with stage() as on, raw_socket(on) as socket:
        await socket.say('40/case,{"ticket":"bad"}')
        frame = await socket.hear()
        assert frame is not None
        assert json.loads(frame.removeprefix("44/case,"))["data"] == {
            "ok": False, "code": "ticket.bad", "title": "No", "retryable": False
        }  # fmt: skip
        assert on.hub.room("/case", "all") == []
        assert on.hub.connections("/case") == []


async def test_hole_03__said_before_the_door_opened__is_handled_after_it() -> None:
    async with stage() as on, raw_socket(on) as stranger:
        on.admit_gate.clear()
        await stranger.say('40/case,{"ticket":"slow"}')
        await stranger.say('42/case,1["say",{"text":"too early"}]')
        await asyncio.sleep(0.2)
        assert (on.handled, on.opened) == ([], []), "it waits behind the door"
        on.admit_gate.set()
        frame = await stranger.hear()
        assert frame is not None
        assert frame.startswith("40/case,"), "no ack overtakes the word that it is in"
        assert (await stranger.ack(1))["text"] == "too early"
        assert on.opened == ["slow"]


async def test_hole_04__commands_of_one_client__run_in_their_order() -> None:
    async with stage() as on, raw_socket(on) as socket:

        async def slow_first(_: Connection[str], body: Words) -> None:
            if body.text == "0":
                await asyncio.sleep(0.2)

        on.on_say = slow_first
        await socket.join()
        for number in range(5):
            await socket.say(f'42/case,{number}["say",{{"text":"{number}"}}]')
        await socket.ack(4)
        assert on.handled == ["0", "1", "2", "3", "4"]


async def test_hole_05__two_processes__show_one_order(court: RunningCourt) -> None:
    async with (
        second_process(court) as elsewhere,
        court.staff("clerk") as clerk,
        court.staff("judge") as judge,
    ):
        lane = (await space_of(clerk))["by_kind"]["bench"]["lane"]
        async with device(clerk) as here, device(judge, url=elsewhere.url) as there:
            await here.resume(lane)
            await there.resume(lane)

            async def post(one: Device, name: str) -> None:
                for number in range(12):
                    assert (await one.post(lane, f"client-{name}-{number:02d}", f"{name}{number}"))["ok"]

            await asyncio.gather(post(here, "a"), post(there, "b"))
            for one in (here, there):
                await one.until(lambda one=one: len(one.texts(lane)) == 24)  # type: ignore[misc]
    assert here.texts(lane) == there.texts(lane)
    assert not here.gaps
    assert not there.gaps


async def test_hole_06__a_process_that_hears_no_bell__finds_the_message(court: RunningCourt) -> None:
    async with (
        second_process(court) as elsewhere,
        court.staff("clerk") as clerk,
        court.staff("judge") as judge,
    ):
        lane = (await space_of(clerk))["by_kind"]["bench"]["lane"]
        async with device(clerk) as here, device(judge, url=elsewhere.url) as there:
            await there.resume(lane)
            assert (await here.post(lane, "client-unheard", "没有门铃"))["ok"]
            await there.until(lambda: there.texts(lane) == ["没有门铃"])
    assert elsewhere.heard == [], "nothing was rung there"


async def test_hole_07__the_largest_message__rings_a_small_bell_without_its_words(
    court: RunningCourt,
) -> None:
    rung: list[Doorbell] = []

    async def listen(bell: Doorbell) -> None:
        rung.append(bell)

    court.server.bus.subscribe("lane_appended", listen)
    async with court.staff("clerk") as clerk:
        lane = (await space_of(clerk))["by_kind"]["bench"]["lane"]
        async with device(clerk) as here:
            assert (await here.post(lane, "client-large", "密" * 4_900))["ok"]
    assert rung
    for bell in rung:
        words = json.dumps([bell.kind, bell.key, bell.note], ensure_ascii=False)
        assert len(words.encode()) < 256
        assert "密" not in words


async def test_hole_08__polling__is_not_spoken() -> None:
    async with stage() as on, aiohttp.ClientSession() as http:
        for address in ("/socket.io/?EIO=4", "/socket.io/?EIO=4&transport=polling"):
            assert (await http.get(on.url + address)).status == 400
            assert (await http.post(on.url + address, data="40")).status in (400, 405)


async def test_hole_09__a_reader_that_stops__is_cut_and_others_go_on() -> None:
    limits = HubSettings(max_backlog_packets=64)
    async with stage(limits) as on, raw_socket(on) as stalled, raw_socket(on) as healthy:
        await stalled.join("stalled")
        await healthy.join("healthy")
        await eventually(lambda: len(on.hub.room("/case", "all")) == 2)
        stalled.stop_reading()
        blob = "x" * 60_000
        heard = 0
        for number in range(400):
            await on.hub.emit("/case", "all", "rang", {"number": number, "blob": blob})
            frame = await healthy.hear()
            assert frame is not None
            heard += 1
            if on.closed:
                break
        await eventually(lambda: [state for state, _ in on.closed] == ["stalled"])
        assert heard < 400, "the limit came long before"
        assert [one.state for one in on.hub.room("/case", "all")] == ["healthy"]
        stalled.drop()


async def test_hole_09__a_reader_of_a_lane_that_stops__costs_one_window_and_catches_up(
    court: RunningCourt,
) -> None:
    async with court.staff("clerk") as clerk, court.staff("judge") as judge:
        lane = (await space_of(clerk))["by_kind"]["bench"]["lane"]
        async with device(clerk) as ours, device(judge) as theirs:
            await theirs.resume(lane)
            slow = next(
                one for one in court.server.hub.connections("/case") if one.state.actor.role is Role.JUDGE
            )
            theirs.stop_reading()
            worst_bytes = 0
            for number in range(28):
                assert (await ours.post(lane, f"client-{number:04d}", "慢" * 4_900))["ok"]
                worst_bytes = max(worst_bytes, slow.backlog[1])
            theirs.read_on()
            head = 28
            await theirs.until(
                lambda: (
                    any(one["heads"].get(lane) == head for one in theirs.events("heads_moved"))
                    or len(theirs.texts(lane)) == head
                )
            )
            while len(theirs.lanes.get(lane, [])) < head:
                page = await theirs.ask("lane_pull", lane=lane, after_seq=len(theirs.lanes.get(lane, [])))
                theirs.take(lane, page["events"])
    assert worst_bytes <= 160 * 1024, "one window and what was asked for"
    assert len(theirs.texts(lane)) == head


async def test_hole_09__asking_without_reading__waits_instead_of_piling_up() -> None:
    # More in all than the kernel keeps between the two.
    blob_chars = 400_000
    async with stage() as on, raw_socket(on) as greedy:

        async def much(connection: Connection[str], _: Words) -> None:
            await connection.emit("page", {"blob": "x" * blob_chars})

        on.on_say = much
        await greedy.join("greedy")
        greedy.stop_reading()
        for number in range(60):
            await greedy.say(f'42/case,{number}["say",{{"text":"{number}"}}]')
        await eventually(lambda: len(on.handled) > 3)
        (connection,) = on.hub.connections("/case")
        handled = -1
        while handled != len(on.handled):
            handled = len(on.handled)
            await asyncio.sleep(0.3)
        assert handled < 60, "the kernel's own buffers took all of it"
        assert connection.backlog[1] < 2 * blob_chars
        assert connection.is_open
        greedy.drop()


BINARY = ['451-/case,["say",{"_placeholder":true,"num":0}]', '45999999999-/case,["say"]']


@pytest.mark.parametrize("text", BINARY, ids=["one", "very_many"])
async def test_hole_10__binary_packets__are_faults_and_hold_no_buffer(text: str) -> None:
    async with stage() as on, raw_socket(on) as socket:
        await socket.join()
        await socket.say(text)
        await socket.say_bytes(b"\0" * 100_000)
        await socket.say('42/case,3["say",{"text":"two faults so far"}]')
        assert (await socket.ack(3))["ok"]
        await socket.say_bytes(b"\0")
        await socket.rest()
        await eventually(lambda: len(on.closed) == 1)
        assert on.hub._server._binary_packet == {}


async def test_hole_11__wall_clock_stepped__keeps_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = HubSettings(ping_interval_s=0.1, ping_timeout_s=5)
    async with stage(limits) as on, raw_socket(on) as socket:
        await socket.join()
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + 3600)
        for number in range(3):
            await asyncio.sleep(0.15)
            await socket.say(f'42/case,{number}["say",{{"text":"later"}}]')
            assert (await socket.ack(number))["ok"]
        assert not on.closed


async def test_hole_12__a_handler_that_fails__still_answers_and_says_nothing_of_the_inside() -> None:
    async with stage() as on, raw_socket(on) as socket:
        await socket.join()
        await socket.say('42/case,1["fail",{"text":"inner secret"}]')
        answer = await socket.ack(1)
        assert (answer["ok"], answer["code"], answer["retryable"]) == (False, "server.error", True)
        assert "inner secret" not in str(answer)


HOSTILE = [
    "42{}",
    "42[]",
    "42",
    "4",
    "",
    "4²",
    "4٣",
    "47",
    "9",
    "2probe",
    "42/case,[",
    "42" + "[" * 20_000 + "]" * 20_000,
    '42/case,["say",{"text":"' + "x" * 70_000 + '"}]',
    '42/case,99999999999["say",{}]',
    "43/case,1[{}]",
    '42/case,["say",1,2,3]',
    '42/case,{"0":"say"}',
    '42/nowhere,["say",{}]',
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_hole_13__three_hostile_packets__end_this_socket_alone(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage() as on, raw_socket(on) as neighbour, raw_socket(on) as socket:
        await neighbour.join("neighbour")
        await socket.join("hostile")
        for _ in range(2):
            await socket.say(text)
        await socket.say('42/case,5["say",{"text":"after two"}]')
        assert (await socket.ack(5))["ok"], "two faults are forgiven"
        await socket.say(text)
        await socket.rest()
        await eventually(lambda: [state for state, _ in on.closed] == ["hostile"])
        await neighbour.say('42/case,6["say",{"text":"unharmed"}]')
        assert (await neighbour.ack(6))["ok"]
        assert on.handled == ["after two", "unharmed"]
    assert not [record for record in caplog.records if record.exc_info], "hostile packets raise nothing"
