"""The kit's own rules: liveness, doors, lines of commands, who may come in."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from signaling.socket_kit.connection import Command, Connection, SocketBody
from signaling.socket_kit.engine_io import HubSettings
from tests.sockets.raw_socket import Words, eventually, raw_socket, stage


async def test_liveness__no_pong__ends_the_socket() -> None:
    limits = HubSettings(ping_interval_s=0.1, ping_timeout_s=0.3)
    async with stage(limits) as on, raw_socket(on) as socket:
        await socket.join()
        socket.answers_pings = False
        await socket.rest()
        await eventually(lambda: len(on.closed) == 1)


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


async def test_hub__stopping__tells_everybody_when_to_come_back_before_the_socket_ends() -> None:
    async with aiohttp.ClientSession() as http:
        async with stage() as on:
            ws = await http.ws_connect(f"{on.url}/socket.io/?EIO=4&transport=websocket")
            await ws.receive()
            await ws.send_str('40/case,{"ticket":"ok"}')
            await eventually(lambda: on.opened == ["ok"])
        frames = []
        while (message := await ws.receive()).type is aiohttp.WSMsgType.TEXT:
            frames.append(message.data)
    leaving = next(frame for frame in frames if "server_leaving" in frame)
    wait_ms = json.loads(leaving.removeprefix("42/case,"))[1]["retry_after_ms"]
    assert 0 < wait_ms <= 8_000
    assert on.closed == [("ok", "server_stopped")]
