"""One client in one namespace: who it is, its commands in their order, its way back.

Commands run one after the other (a client's second command never overtakes its first), each with a time limit and an
answer whatever happens; the socket's reader never waits for them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

if TYPE_CHECKING:
    from signaling.socket_kit.hub import Hub

_log = logging.getLogger(__name__)
S = TypeVar("S")

# What the kit itself refuses: Chinese, English, whether a repeat can help.
REFUSALS: dict[str, tuple[str, str, bool]] = {
    "namespace.unknown": ("没有这个连接类型", "There is no such namespace", False),
    "namespace.joined_already": ("已经连接", "This namespace is joined already", False),
    "connection.timeout": ("身份确认超时，请重试", "Signing in took too long; please try again", True),
    "connection.busy": ("操作过于频繁，请稍后再试", "Too many commands at once; please try again", True),
    "command.unknown": ("不支持的操作", "There is no such command", False),
    "command.invalid": ("内容格式不正确", "The command's content is not right", False),
    "command.timeout": ("操作超时，请重试", "The command took too long; please try again", True),
    "server.error": (
        "服务器出了问题，请稍后重试",
        "Something went wrong on the server; please try again",
        True,
    ),
}


class SocketBody(BaseModel):
    """Base of all command bodies: unknown fields are refused, nothing is converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command or a connection was refused, as the client gets it."""

    code: str
    title: str
    retryable: bool
    retry_after_ms: int | None = None

    def as_ack(self) -> dict[str, object]:
        ack: dict[str, object] = {
            "ok": False,
            "code": self.code,
            "title": self.title,
            "retryable": self.retryable,
        }
        if self.retry_after_ms is not None:
            ack["retry_after_ms"] = self.retry_after_ms
        return ack


# Turns an expected error into its refusal in a language; None for an error nobody expected.
Explain = Callable[[BaseException, str], Refusal | None]


def refusal(code: str, language: str) -> Refusal:
    """One of the kit's own."""
    zh, en, retryable = REFUSALS[code]
    return Refusal(code, en if language.startswith("en") else zh, retryable)


@dataclass(frozen=True, slots=True)
class Knock:
    """Somebody at the door: what the handshake said before anything was checked."""

    language: str
    network: str


@dataclass(frozen=True, slots=True)
class Command(Generic[S]):
    """One row of a namespace's table. The handler's mapping becomes `{ok: true, …}`; what it raises, a refusal."""

    body: type[BaseModel]
    handler: Callable[[Connection[S], Any], Awaitable[Mapping[str, object] | None]]
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class Namespace(Generic[S]):
    """A namespace: its door, its table of commands, what happens after the door and at the end.

    `admit` answers the connection's state or raises; nothing else runs for a client before it returned. `opened` runs
    first after the client heard that it is in, `closed` last, after the command in hand: both once, in order.
    """

    name: str
    auth: type[BaseModel]
    admit: Callable[[Knock, Any], Awaitable[S]]
    commands: Mapping[str, Command[S]]
    opened: Callable[[Connection[S]], Awaitable[None]]
    closed: Callable[[Connection[S], str], Awaitable[None]]
    max_message_bytes: int = 64 * 1024
    # Commands wait until the reader has taken earlier answers. Not where a command must work at once (muting oneself).
    is_paced: bool = False


@dataclass(frozen=True, slots=True)
class _Waiting:
    name: str
    body: object
    number: int | None


class Connection(Generic[S]):
    """A client that was admitted. `state` is what `admit` answered."""

    def __init__(
        self, hub: Hub, namespace: Namespace[S], *, id: str, socket_id: str, knock: Knock, state: S
    ) -> None:
        self.id = id
        self.socket_id = socket_id
        self.namespace = namespace
        self.language = knock.language
        self.network = knock.network
        self.state = state
        self.rooms: set[str] = set()
        self.end_reason: str | None = None
        self._hub = hub
        self._waiting: asyncio.Queue[_Waiting | None] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None
        self._afterwards: list[Callable[[], Awaitable[None]]] = []

    @property
    def is_open(self) -> bool:
        return self.end_reason is None

    @property
    def backlog(self) -> tuple[int, int]:
        """Packets and bytes on their way to this client: a measure of how slowly it takes them."""
        return self._hub.backlog(self.socket_id)

    async def emit(self, event: str, data: Mapping[str, object]) -> None:
        """One event to this client alone. Never waits for the network."""
        if self.is_open:
            await self._hub.send_event(self, event, data)

    def enter(self, room: str) -> None:
        self.rooms.add(room)
        self._hub.enter(self, room)

    def leave(self, room: str) -> None:
        self.rooms.discard(room)
        self._hub.leave(self, room)

    async def close(self, reason: str) -> None:
        """End this connection; the client won't come back by itself. Say why by an event before."""
        await self._hub.end(self, reason)

    def after_ack(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` right after the ack of the command in hand; when it fails, the socket is cut."""
        self._afterwards.append(work)

    # The hub's side.

    def start(self) -> asyncio.Task[None]:
        self._worker = asyncio.create_task(self._work(), name=f"connection{self.namespace.name}")
        return self._worker

    def take(self, name: str, body: object, number: int | None, *, at_most: int) -> bool:
        """Put a command in line; False when the line is full."""
        if self._waiting.qsize() >= at_most:
            return False
        self._waiting.put_nowait(_Waiting(name, body, number))
        return True

    def finish(self, reason: str) -> None:
        """No command after the one in hand; then `closed`."""
        if self.end_reason is None:
            self.end_reason = reason
            self._waiting.put_nowait(None)

    async def _work(self) -> None:
        try:
            await self._guarded(self.namespace.opened(self), "opened")
            while self.is_open:
                waiting = await self._waiting.get()
                if self.namespace.is_paced:
                    await self._hub.eased(self.socket_id)
                if waiting is None or not self.is_open:
                    break
                answer = await self._run(waiting)
                if waiting.number is not None:
                    await self._hub.send_ack(self, waiting.number, answer)
                await self._follow_up()
        finally:
            self.end_reason = self.end_reason or "server_stopped"
            await self._guarded(self.namespace.closed(self, self.end_reason), "closed")

    async def _follow_up(self) -> None:
        works, self._afterwards = self._afterwards, []
        for work in works:
            if not await self._guarded(work(), "after_ack"):
                self._hub.cut(self.socket_id, "follow_up_failed")

    async def _guarded(self, work: Awaitable[None], what: str) -> bool:
        """True when `work` was done."""
        try:
            async with asyncio.timeout(self._hub.settings.command_timeout_s):
                await work
        except Exception:
            _log.exception("connection hook failed", extra={"hook": what, "namespace": self.namespace.name})
            return False
        return True

    async def _run(self, waiting: _Waiting) -> dict[str, object]:
        command = self.namespace.commands[waiting.name]
        try:
            body = command.body.model_validate(waiting.body)
        except ValidationError as error:
            return _invalid(error, self.language)
        try:
            async with asyncio.timeout(command.timeout_s or self._hub.settings.command_timeout_s):
                answer = await command.handler(self, body)
        except TimeoutError:
            return refusal("command.timeout", self.language).as_ack()
        except Exception as error:
            known = self._hub.explain(error, self.language)
            if known is not None:
                return known.as_ack()
            _log.exception("command failed", extra={"command": waiting.name})
            return refusal("server.error", self.language).as_ack()
        return {"ok": True, **(answer or {})}


def _invalid(error: ValidationError, language: str) -> dict[str, object]:
    """Names the fields, never what stood in them."""
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    ack = refusal("command.invalid", language).as_ack()
    ack["errors"] = [
        {"field": ".".join(str(step) for step in problem["loc"]), "code": f"field.{problem['type']}"}
        for problem in problems[:20]
    ]
    return ack
