"""The Socket.IO kit: strict where the stock server is open, and it knows no court.

Use: describe a namespace as a table and add it before the application starts.

    class Ping(SocketBody):
        text: str

    async def admit(knock: Knock, auth: Auth) -> Person: ...          # raises → the client gets connect_error
    async def ping(connection: Connection[Person], body: Ping) -> Mapping[str, object]:
        return {"text": body.text}                                     # → ack {ok: true, text}

    hub = Hub(HubSettings(), explain=explain_errors)
    hub.add(Namespace("/case", auth=Auth, admit=admit, commands={"ping": Command(Ping, ping)},
                      opened=opened, closed=closed))
    hub.attach(app)                                                    # GET /socket.io/, before a catch-all route
    connection.enter("room"); await hub.emit("/case", "room", "rang", {…}); await connection.emit("rang", {…})

What is guaranteed, against holes reproduced in python-socketio 5.18 and python-engineio 4.15:
- only commands in the table run, `connect` and `disconnect` can't be forged, nothing runs before `admit` returned;
- one client's commands run in order, each with a time limit; each gets an ack, also when it fails;
- emitting needs a room, and reaches admitted clients only;
- no polling, no binary, no depth beyond 8, no size beyond the namespace's; three faults end the socket;
- a client that doesn't take what it is sent is cut at 256 packets or 1 MiB, and resumes;
- liveness is measured by a monotonic clock, a socket that joins nothing in time is closed.

Rooms are local to the process. Other processes hear of news by the bus' doorbells, read the truth and emit it to
their own clients; `manager` takes python-socketio's Redis manager for those who want its rooms as well.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import socketio
from aiohttp import web
from engineio import packet as engine_packet
from pydantic import ValidationError
from socketio.packet import ACK, CONNECT, CONNECT_ERROR, DISCONNECT, EVENT

from signaling.socket_kit.connection import Connection, Explain, Knock, Namespace, Refusal, refusal
from signaling.socket_kit.engine_io import EngineServer, EngineSocket, HubSettings
from signaling.socket_kit.wire import ProtocolFault, StrictPacket

_log = logging.getLogger(__name__)
PATH = "/socket.io/"
# How long the hooks of all connections get together when the server stops, seconds.
_STOP_S = 5.0
# The longest a client is asked to wait before it comes back after a planned stop, milliseconds.
_COME_BACK_MS = 8_000


@dataclass(frozen=True, slots=True)
class Packed:
    """An event as it goes over the wire; `size_bytes` of memory while it waits there."""

    packet: Any
    size_bytes: int


class StrictServer(socketio.AsyncServer):  # type: ignore[misc]
    """python-socketio's server with every way in replaced by the hub's."""

    def __init__(self, hub: Hub, manager: Any, limits: HubSettings) -> None:
        super().__init__(
            client_manager=manager,
            async_handlers=False,
            async_mode="aiohttp",
            serializer=StrictPacket,
            namespaces=[],
            transports=["websocket"],
            monitor_clients=False,
            # The hub checks the origin itself: the stock check knows no public address.
            cors_allowed_origins=[],
            max_http_buffer_size=limits.max_message_bytes,
        )
        self._hub = hub
        self.eio.limits = limits
        self.eio.on_text = self._handle_eio_message
        self.eio.on_fault = hub.fault

    def _engineio_server_class(self) -> type[EngineServer]:
        return EngineServer

    async def emit(
        self, event: str, data: Any = None, to: Any = None, room: Any = None, **kwargs: Any
    ) -> None:
        """Refuses to emit to everybody: that reaches clients whose identity isn't checked yet."""
        if not (to or room):
            raise ValueError("emit needs a room")
        await super().emit(event, data, to=to, room=room, **kwargs)

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        try:
            packet = StrictPacket(packet_type=EVENT, encoded_packet=data or b"")
        except ProtocolFault as fault:
            await self._hub.fault(eio_sid, fault.code)
            return
        if packet.packet_type == CONNECT:
            await self._hub.knock(eio_sid, packet.namespace, packet.data)
        elif packet.packet_type == DISCONNECT:
            await self._handle_disconnect(eio_sid, packet.namespace, self.reason.CLIENT_DISCONNECT)
        else:
            await self._hub.command(eio_sid, packet, len(data))

    async def _handle_disconnect(self, eio_sid: str, namespace: str, reason: str | None = None) -> None:
        sid = self.manager.sid_from_eio_sid(eio_sid, namespace or "/")
        if sid is None:
            return
        self._hub.forget(sid, reason or self.reason.CLIENT_DISCONNECT)
        await self.manager.disconnect(sid, namespace or "/", ignore_queue=True)


class Hub:
    """All namespaces of one process."""

    def __init__(
        self,
        settings: HubSettings,
        *,
        explain: Explain,
        public_origin: str = "",
        manager: Any = None,
    ) -> None:
        self.settings = settings
        self.explain = explain
        self._public_origin = public_origin.rstrip("/")
        self._namespaces: dict[str, Namespace[Any]] = {}
        self._connections: dict[str, Connection[Any]] = {}
        self.stopping = asyncio.Event()  # whoever waits before tidying up after somebody need not wait longer
        self._workers: set[asyncio.Task[None]] = set()
        self._server = StrictServer(self, manager or socketio.AsyncManager(), settings)

    def add(self, namespace: Namespace[Any]) -> None:
        """Add a namespace. ValueError for reserved names of commands."""
        if {"connect", "disconnect", "connect_error", "*"} & set(namespace.commands):
            raise ValueError("a command has a reserved name")
        self._namespaces[namespace.name] = namespace

    def attach(self, app: web.Application) -> None:
        """Add the route; stops with the application."""
        app.router.add_get(PATH, self._handle, allow_head=False)
        app.on_shutdown.append(self._stop)

    def connections(self, namespace: str) -> list[Connection[Any]]:
        """Everybody in a namespace now, in this process."""
        return [one for one in self._connections.values() if one.namespace.name == namespace]

    def room(self, namespace: str, room: str) -> list[Connection[Any]]:
        """Everybody in one room now, in this process."""
        found = self._server.manager.get_participants(namespace, room)
        return [self._connections[sid] for sid, _ in found if sid in self._connections]

    async def emit(self, namespace: str, room: str, event: str, data: Mapping[str, object]) -> None:
        """One event to everybody in a room of this process. Never waits for the network."""
        if not room:
            raise ValueError("emit needs a room")
        packed = self.packed(namespace, event, data)
        for connection in self.room(namespace, room):
            await self.deliver(connection, packed)

    def packed(self, namespace: str, event: str, data: Mapping[str, object]) -> Packed:
        """One event written out once, for many connections of a namespace."""
        text = StrictPacket(EVENT, data=[event, data], namespace=namespace).encode()
        return Packed(engine_packet.Packet(engine_packet.MESSAGE, text), sys.getsizeof(text))

    async def deliver(self, connection: Connection[Any], packed: Packed) -> None:
        """A written-out event to one of them. Never waits for the network."""
        if connection.is_open:
            await self._server.eio.send_packet(connection.socket_id, packed.packet)

    # What connections need.

    async def eased(self, socket_id: str) -> None:
        """Wait until this socket has taken most of what it was sent; a dead one is found by its heartbeat."""
        socket = self._socket(socket_id)
        if socket is not None:
            await socket.queue.eased.wait()

    def backlog(self, socket_id: str) -> tuple[int, int]:
        socket = self._socket(socket_id)
        return (socket.queue.qsize(), socket.queue.size_bytes) if socket is not None else (0, 0)

    def enter(self, connection: Connection[Any], room: str) -> None:
        if connection.is_open:
            self._server.manager.basic_enter_room(connection.id, connection.namespace.name, room)

    def leave(self, connection: Connection[Any], room: str) -> None:
        self._server.manager.basic_leave_room(connection.id, connection.namespace.name, room)

    async def send_event(self, connection: Connection[Any], event: str, data: Mapping[str, object]) -> None:
        await self._send(connection.socket_id, EVENT, connection.namespace.name, [event, data])

    async def send_ack(self, connection: Connection[Any], number: int, answer: Mapping[str, object]) -> None:
        await self._send(connection.socket_id, ACK, connection.namespace.name, [answer], number)

    async def end(self, connection: Connection[Any], reason: str) -> None:
        """The server ends one connection; others of the same socket go on."""
        if not connection.is_open:
            return
        await self._send(connection.socket_id, DISCONNECT, connection.namespace.name)
        self.forget(connection.id, reason)
        await self._server.manager.disconnect(connection.id, connection.namespace.name, ignore_queue=True)

    def cut(self, socket_id: str, why: str) -> None:
        """End a socket at once; its client comes back by itself and resumes."""
        socket = self._socket(socket_id)
        if socket is not None:
            socket.cut(why)

    def forget(self, sid: str, reason: str) -> None:
        """The connection is over; its worker runs `closed` after the command in hand."""
        connection = self._connections.pop(sid, None)
        if connection is not None:
            connection.finish(reason)

    # What comes in.

    async def knock(self, socket_id: str, name: str, auth: object) -> None:
        """A CONNECT packet: check who it is, then let in or say why not."""
        environ = self._server.environ.get(socket_id)
        if environ is None:
            return
        knock = _knock(environ, self.settings.network_of)
        namespace = self._namespaces.get(name)
        if namespace is None:
            await self._send(
                socket_id, CONNECT_ERROR, name, _error(refusal("namespace.unknown", knock.language))
            )
            await self.fault(socket_id, "namespace.unknown")
            return
        sid = await self._server.manager.pre_connect(socket_id, name)
        if sid is None:
            await self.fault(socket_id, "namespace.joined_already")
            return
        admitted, state = await self._admit(namespace, knock, auth)
        if not admitted:
            await self._server.manager.disconnect(sid, name, ignore_queue=True)
            await self._send(socket_id, CONNECT_ERROR, name, _error(state))
            return
        socket = self._socket(socket_id)
        if socket is None or socket.closed:
            await self._server.manager.disconnect(sid, name, ignore_queue=True)
            return
        socket.is_stranger = False
        await self._server.manager.connect(sid, name)
        connection = Connection(self, namespace, id=sid, socket_id=socket_id, knock=knock, state=state)
        self._connections[sid] = connection
        await self._send(socket_id, CONNECT, name, {"sid": sid})
        worker = connection.start()
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

    async def _admit(self, namespace: Namespace[Any], knock: Knock, auth: object) -> tuple[bool, Any]:
        """(True, state) or (False, Refusal)."""
        try:
            body = namespace.auth.model_validate(auth if auth is not None else {})
            async with asyncio.timeout(self.settings.sign_in_timeout_s):
                return True, await namespace.admit(knock, body)
        except ValidationError:
            return False, refusal("command.invalid", knock.language)
        except TimeoutError:
            return False, refusal("connection.timeout", knock.language)
        except Exception as error:
            known = self.explain(error, knock.language)
            if known is None:
                _log.exception("sign-in of a socket failed", extra={"namespace": namespace.name})
            return False, known or refusal("server.error", knock.language)

    async def command(self, socket_id: str, packet: StrictPacket, size_bytes: int) -> None:
        """An EVENT packet: exactly [name, object], from a client that was admitted to that namespace."""
        sid = self._server.manager.sid_from_eio_sid(socket_id, packet.namespace)
        connection = self._connections.get(sid) if sid else None
        if connection is None:
            await self.fault(socket_id, "protocol.not_admitted")
            return
        data = packet.data
        if (
            not isinstance(data, list)
            or len(data) not in (1, 2)
            or not isinstance(data[0], str)
            or size_bytes > connection.namespace.max_message_bytes
        ):
            await self._refuse(connection, packet.id, "command.invalid")
            await self.fault(socket_id, "protocol.shape")
            return
        if data[0] not in connection.namespace.commands:
            await self._refuse(connection, packet.id, "command.unknown")
            await self.fault(socket_id, "protocol.unknown_command")
            return
        body = data[1] if len(data) == 2 else {}
        if not connection.take(data[0], body, packet.id, at_most=self.settings.max_waiting_commands):
            await self._refuse(connection, packet.id, "connection.busy")

    async def fault(self, socket_id: str, code: str) -> None:
        """Count a fault of this socket; the third ends it."""
        socket = self._socket(socket_id)
        if socket is None:
            return
        socket.faults += 1
        _log.info("socket fault", extra={"fault": code, "count": socket.faults})
        if socket.faults >= self.settings.max_faults:
            await socket.close(reason=self._server.reason.SERVER_DISCONNECT)

    # The web.

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        own = {f"http://{request.host}", f"https://{request.host}", self._public_origin}
        if origin is not None and origin not in own:
            return web.Response(status=403, text="foreign origin")
        response: web.StreamResponse = await self._server.handle_request(request)
        return response

    async def _stop(self, _: web.Application) -> None:
        self.stopping.set()
        # Everybody comes back, and not all in the same moment: a small court at once, a large one within seconds.
        spread_ms = min(_COME_BACK_MS, 200 + 3 * len(self._connections))
        for connection in list(self._connections.values()):
            await self.send_event(
                connection, self.settings.leaving_event, {"retry_after_ms": random.randint(100, spread_ms)}
            )
            self.forget(connection.id, "server_stopped")
        workers = list(self._workers)
        if workers:
            late = (await asyncio.wait(workers, timeout=_STOP_S))[1]
            for task in late:
                task.cancel()
        sockets = list(self._server.eio.sockets.values())
        await asyncio.gather(*(socket.close() for socket in sockets), return_exceptions=True)

    async def _refuse(self, connection: Connection[Any], number: int | None, code: str) -> None:
        if number is not None:
            await self.send_ack(connection, number, refusal(code, connection.language).as_ack())

    async def _send(
        self, socket_id: str, kind: int, namespace: str, data: object = None, number: int | None = None
    ) -> None:
        packet = StrictPacket(kind, data=data, namespace=namespace, id=number)
        await self._server.eio.send_packet(
            socket_id, engine_packet.Packet(engine_packet.MESSAGE, packet.encode())
        )

    def _socket(self, socket_id: str) -> EngineSocket | None:
        socket: EngineSocket | None = self._server.eio.sockets.get(socket_id)
        return socket


def _knock(environ: Mapping[str, Any], network_of: Callable[[web.Request], str]) -> Knock:
    request: web.Request = environ["aiohttp.request"]
    wanted = request.headers.get("Accept-Language", "").lower()
    language = "en" if wanted.startswith("en") else "zh-CN"
    return Knock(language=language, network=network_of(request))


def _error(why: Refusal) -> dict[str, object]:
    """What a client's `connect_error` carries: `message` for the stock clients, `data` for ours."""
    return {"message": why.title, "data": why.as_ack()}
