"""The process's side of the wire: one court that orders, others that may only look."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Mapping
from typing import Any, cast

from hearing_server.adapters.media_process.calls import (
    NEWS,
    ORDERS,
    SCHEMA_ID,
    Call,
    Teller,
    answered,
    error_out,
)
from hearing_server.adapters.media_process.codec import WireError, to_plain
from hearing_server.adapters.media_process.outbox import Outbox
from hearing_server.adapters.media_process.records import PROOF_S, NodeFacts, NodeOrder, NodeState
from hearing_server.adapters.media_process.wire import WIRE, is_ours, packed, peer_of, read_frame
from hearing_server.adapters.recording import FolderRecorders
from hearing_server.adapters.rooms import EngineRooms
from hearing_server.errors import Unavailable
from hearing_server.kernel import RecordingId
from hearing_server.ports.measures import Measure
from hearing_server.ports.media import RoomListener, SeatListener, Writing

_log = logging.getLogger(__name__)
# A visitor who says nothing sensible within this time is shown out.
_HELLO_S = 5.0
# Whoever started us is on its way, on a machine where everything starts at once.
_FIRST_COURT_S = 60.0
# Orders of one court that are being carried out; a court waits for answers, so more is a fault on its side.
_MAX_ORDERS = 1024


class Desk:
    """Takes orders for the rooms and recordings of this process and tells what happens in them."""

    def __init__(self, order: NodeOrder, rooms: EngineRooms, recorders: FolderRecorders) -> None:
        self._order = order
        self._rooms = rooms
        self._recorders = recorders
        self._court: Outbox | None = None
        self._court_task: asyncio.Task[Any] | None = None
        self._targets: dict[str, object] = {"rooms": rooms, "recorder": recorders, "node": self}
        self._orders: set[asyncio.Task[None]] = set()
        self._heard_s = time.monotonic()
        self._patience_s = max(order.orphan_s, _FIRST_COURT_S)
        self.over = asyncio.Event()
        rooms.room_listener = cast(RoomListener, Teller("room", self._tell))
        rooms.seat_listener = cast(SeatListener, Teller("seat", self._tell))

    # --- orders to the process itself (records.NodeControl) --------------------------------------

    async def state(self) -> NodeState:
        return NodeState(await self._rooms.standing(), await self._recorders.standing())

    async def proof(self, recording_id: RecordingId) -> Writing | None:
        return self._recorders.writing(recording_id)

    async def catch_up(self) -> None:
        if self._court is not None:
            self._court.answer(await self._missed())

    async def measures(self, *, per_hearing: bool) -> list[Measure]:
        of_rooms = await self._rooms.measures(per_hearing=per_hearing)
        return [*of_rooms, *self._recorders.measures()]

    async def end(self, *, even_if_busy: bool) -> bool:
        if self.is_busy and not even_if_busy:
            return False
        # The answer leaves before the process does.
        asyncio.get_running_loop().call_later(0.05, self.over.set)
        return True

    @property
    def is_busy(self) -> bool:
        """Somebody sits here or something is recorded."""
        facts = self._facts()
        return facts.seats > 0 or facts.recordings > 0

    def _facts(self) -> NodeFacts:
        engine = self._rooms.engine
        return NodeFacts(
            index=self._order.index,
            pid=os.getpid(),
            seats=engine.stats().participants,
            recordings=len(self._recorders.proofs()),
            udp_port=engine.udp_port,
            tcp_port=engine.tcp_port,
            settings_id=self._order.settings_id,
        )

    # --- time ------------------------------------------------------------------------------------

    async def keep_time(self) -> None:
        """Tell the proofs, and end the process when no court has been here for long. Never ends by itself."""
        while True:
            await asyncio.sleep(PROOF_S)
            if self._court is not None:
                self._heard_s = time.monotonic()
                self._tell(NEWS["node.proofs"], {"proofs": self._recorders.proofs()})
            elif time.monotonic() - self._heard_s > self._patience_s and not self.is_busy:
                _log.info("no court has come back and nobody is here: the process ends")
                self.over.set()

    # --- one connection --------------------------------------------------------------------------

    async def visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from its hello to its end."""
        try:
            if not is_ours(peer_of(writer.get_extra_info("socket"))):
                _log.warning("another user knocked and was not let in")
                return
            async with asyncio.timeout(_HELLO_S):
                hello = (await read_frame(reader)).get("hello")
            if not isinstance(hello, dict) or hello.get("wire") != WIRE:
                raise WireError("no hello of this wire")
            is_court = hello.get("role") == "court" and hello.get("schema") == SCHEMA_ID
            await self._serve(reader, writer, is_court=is_court)
        except (EOFError, TimeoutError):
            _log.info("a visitor left")
        except WireError as error:
            _log.warning("a visitor spoke nonsense: %s", error)
        except asyncio.CancelledError:
            # A newer court has come, or the process ends: nobody waits for this task but the event loop.
            _log.info("a visitor was shown out")
        finally:
            writer.close()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_court: bool
    ) -> None:
        outbox = Outbox(writer, self._missed)
        hello: dict[str, Any] = {
            "wire": WIRE,
            "schema": SCHEMA_ID,
            "facts": to_plain(self._facts(), NodeFacts),
        }
        if is_court:
            if self._court_task is not None:
                # The folder has one server: whoever is new is that one, the other is about to be gone.
                self._court_task.cancel()
            self._court, self._court_task = outbox, asyncio.current_task()
            self._patience_s = self._order.orphan_s
            # From here on news are queued, behind this state of everything.
            hello["state"] = to_plain(await self.state(), NodeState)
        outbox.answer(packed({"hello": hello}))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(outbox.send_all())
                await self._take_orders(reader, outbox, is_court=is_court)
        except* (EOFError, TimeoutError):
            _log.info("the court left" if is_court else "a visitor left")
        finally:
            if self._court is outbox:
                self._court, self._court_task = None, None
                self._heard_s = time.monotonic()

    async def _take_orders(self, reader: asyncio.StreamReader, outbox: Outbox, *, is_court: bool) -> None:
        while True:
            message = await read_frame(reader)
            call = ORDERS.get(str(message.get("call")))
            number = message.get("id")
            if call is None or not isinstance(number, int):
                raise WireError("no order of ours")
            if not is_court and call.name != "node.end":
                raise WireError("a visitor gave an order")
            if len(self._orders) >= _MAX_ORDERS:
                raise WireError("too many orders at once")
            # Tasks begin in the order they are made, and a room's orders are done before their first wait. They are
            # the desk's: a court that dies must not leave a recording half begun.
            task = asyncio.create_task(self._carry_out(call, number, message.get("args"), outbox))
            self._orders.add(task)
            task.add_done_callback(self._orders.discard)

    async def _carry_out(self, call: Call, number: int, raw: Any, outbox: Outbox) -> None:
        target = self._targets[call.name.partition(".")[0]]
        try:
            answer = await answered(target, call, raw)
        except WireError as error:
            _log.warning("order refused: %s", error)
            answer = {"error": error_out(_broken("media.protocol"))}
        except Exception:
            # A fault in one order is that order's alone.
            _log.exception("order %s failed", call.name)
            answer = {"error": error_out(_broken("media.failed"))}
        outbox.answer(packed({"id": number, **answer}))

    # --- news ------------------------------------------------------------------------------------

    def _tell(self, call: Call, arguments: Mapping[str, Any]) -> None:
        """Queue news for the court; without one they are not kept: it begins with the state of everything."""
        if self._court is not None:
            self._court.tell(packed({"news": call.name, "args": call.pack(arguments)}))

    async def _missed(self) -> bytes:
        """What is sent instead of thrown-away news. Offers were among them: everybody is offered anew."""
        state = await self.state()
        for person in (person for room in state.rooms for person in room.people):
            try:
                await self._rooms.restart_subscription(person.seat)
            except Exception as error:
                _log.info("no new offer for a seat: %s", type(error).__name__)
        return packed({"news": "node.missed", "args": NEWS["node.missed"].pack({"state": state})})


def _broken(code: str) -> Unavailable:
    return Unavailable(code, zh="媒体服务内部出错", en="The media process failed at this")
