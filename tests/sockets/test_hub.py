"""The kit against holes reproduced in the libraries below it (numbers as in the audit of python-socketio 5.18)."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable

import aiohttp
import pytest

from signaling.socket_kit.connection import Command, Connection, SocketBody
from signaling.socket_kit.engine_io import HubSettings
from tests.sockets.raw_socket import Words, raw_socket, stage


async def eventually(is_so: Callable[[], bool]) -> None:
    """Wait until a condition of the stage holds."""
    async with asyncio.timeout(15):
        while not is_so():  # noqa: ASYNC110 - conditions over several of the hub's parts have no one event
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("name", ["connect", "disconnect", "connect_error", "*", "trigger_event", ""])
async def test_hole_1__reserved_and_unknown_names__run_nothing(name: str) -> None:
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


async def test_hole_2_and_3__before_the_door_opened__nothing_is_heard_or_handled() -> None:
    async with stage() as on, raw_socket(on) as known:
        await known.join("known")
        on.admit_gate.clear()
        async with raw_socket(on) as stranger:
            await stranger.say('40/case,{"ticket":"slow"}')
            await stranger.say('42/case,1["say",{"text":"too early"}]')
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


async def test_hole_2__refused_at_the_door__says_why_and_gets_no_events() -> None:
    async with stage() as on, raw_socket(on) as socket:
        await socket.say('40/case,{"ticket":"bad"}')
        frame = await socket.hear()
        assert frame is not None
        assert json.loads(frame.removeprefix("44/case,"))["data"] == {
            "ok": False, "code": "ticket.bad", "title": "No", "retryable": False
        }  # fmt: skip
        assert on.hub.room("/case", "all") == []
        assert on.hub.connections("/case") == []


async def test_hole_4__commands_of_one_client__run_in_their_order() -> None:
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


async def test_hole_8__polling__is_not_spoken() -> None:
    async with stage() as on, aiohttp.ClientSession() as http:
        for address in ("/socket.io/?EIO=4", "/socket.io/?EIO=4&transport=polling"):
            assert (await http.get(on.url + address)).status == 400
            assert (await http.post(on.url + address, data="40")).status in (400, 405)


async def test_hole_9__a_reader_that_stops__is_cut_and_others_go_on() -> None:
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


async def test_liveness__no_pong__ends_the_socket() -> None:
    limits = HubSettings(ping_interval_s=0.1, ping_timeout_s=0.3)
    async with stage(limits) as on, raw_socket(on) as socket:
        await socket.join()
        socket.answers_pings = False
        await socket.rest()
        await eventually(lambda: len(on.closed) == 1)


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


async def test_body__unknown_field_or_wrong_type__is_named_without_its_value() -> None:
    async with stage() as on, raw_socket(on, **{"Accept-Language": "en"}) as socket:
        await socket.join()
        await socket.say('42/case,1["say",{"text":"a","extra":"secret value"}]')
        await socket.say('42/case,2["say",{"text":7}]')
        first, second = await socket.ack(1), await socket.ack(2)
        assert first["errors"] == [{"field": "extra", "code": "field.extra_forbidden"}]
        assert second["errors"] == [{"field": "text", "code": "field.string_type"}]
        assert "secret value" not in str(first)
        assert first["title"].isascii()
        assert on.handled == []


async def test_stranger__joins_nothing__is_closed() -> None:
    async with stage(HubSettings(sign_in_timeout_s=0.2)) as on, raw_socket(on) as socket:
        async with asyncio.timeout(15):
            await socket.rest()
        assert on.opened == []


async def test_door__slow_check__is_given_up_with_a_word() -> None:
    async with stage(HubSettings(sign_in_timeout_s=0.2)) as on, raw_socket(on) as socket:
        on.admit_gate.clear()
        await socket.say('40/case,{"ticket":"slow"}')
        frame = await socket.hear()
        assert frame is not None
        assert json.loads(frame.removeprefix("44/case,"))["data"]["code"] == "connection.timeout"


async def test_command__too_slow__is_answered_and_the_next_one_runs() -> None:
    async with stage(HubSettings(command_timeout_s=0.2)) as on, raw_socket(on) as socket:

        async def hang(_: Connection[str], body: Words) -> None:
            if body.text == "hang":
                await asyncio.Event().wait()

        on.on_say = hang
        await socket.join()
        await socket.say('42/case,1["say",{"text":"hang"}]')
        await socket.say('42/case,2["say",{"text":"next"}]')
        late = await socket.ack(1)
        assert (late["code"], late["retryable"]) == ("command.timeout", True)
        assert (await socket.ack(2))["ok"]


async def test_line_of_commands__full__refuses_and_keeps_what_it_took() -> None:
    async with stage(HubSettings(max_waiting_commands=4)) as on, raw_socket(on) as socket:
        gate = asyncio.Event()

        async def wait(_: Connection[str], body: Words) -> None:
            await gate.wait()

        on.on_say = wait
        await socket.join()
        for number in range(8):
            await socket.say(f'42/case,{number}["say",{{"text":"{number}"}}]')
        refused = await socket.ack(7)
        assert (refused["code"], refused["retryable"]) == ("connection.busy", True)
        gate.set()
        assert (await socket.ack(3))["ok"]
        await socket.say('42/case,9["say",{"text":"9"}]')
        assert (await socket.ack(9))["ok"]
        # One may have been in hand already when the line of four filled up.
        assert on.handled in (["0", "1", "2", "3", "9"], ["0", "1", "2", "3", "4", "9"])


async def test_foreign_page__opens_no_socket() -> None:
    async with stage() as on, aiohttp.ClientSession() as http:
        address = f"{on.url}/socket.io/?EIO=4&transport=websocket"
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(address, headers={"Origin": "https://elsewhere.example"})
        assert refused.value.status == 403
        async with http.ws_connect(address, headers={"Origin": on.url}) as ws:
            assert (await ws.receive()).data.startswith("0{")


async def test_reserved_command__in_a_table__is_refused_at_start() -> None:
    class Nothing(SocketBody):
        pass

    async with stage() as on:
        namespace = on.namespace()
        forged = type(namespace)(
            "/x", auth=namespace.auth, admit=namespace.admit, opened=namespace.opened, closed=namespace.closed,
            commands={"disconnect": Command(Nothing, on.say)},
        )  # fmt: skip
        with pytest.raises(ValueError, match="reserved"):
            on.hub.add(forged)
