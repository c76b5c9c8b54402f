"""The table of everything said over the wire, read from the ports themselves: a new method there is a new row here.

Orders go from the court to the process and are answered; news go the other way and are not.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_type_hints

from hearing_server import errors
from hearing_server.adapters.media_process.codec import WireError, described, from_plain, to_plain
from hearing_server.adapters.media_process.records import NodeControl, NodeNews
from hearing_server.errors import HearingError
from hearing_server.ports.media import RecorderControl, RoomEngine, RoomListener, SeatListener

# Everything in a room is answered at once; what syncs, seals or deletes waits for the disk.
_ANSWER_S: Final = 10.0
_DISK_S: Final = 180.0
# After a crash sealing means reading both recorders' journals, see adapters/sealed_record.py.
_SEAL_S: Final = 3900.0
_WAITS_FOR_DISK = {"recorder.start", "recorder.abandon", "recorder.let_go", "node.end"}
# Only these may come back as themselves: a process of ours doesn't choose HTTP answers freely.
_ERRORS: Final = {
    kind.__name__: kind
    for kind in (errors.Invalid, errors.Forbidden, errors.NotFound, errors.Conflict, errors.RateLimited)
}


@dataclass(frozen=True, slots=True)
class Call:
    """One method: its parameters with their hints, which of them may be left out, its answer, how long it may take."""

    name: str
    parameters: Mapping[str, Any]
    needed: frozenset[str]
    answer: Any
    timeout_s: float

    def pack(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments by name as JSON. Raises WireError."""
        self._check(arguments.keys())
        return {name: to_plain(value, self.parameters[name]) for name, value in arguments.items()}

    def unpack(self, raw: Any) -> dict[str, Any]:
        """Arguments by name. Raises WireError."""
        if not isinstance(raw, dict):
            raise WireError(f"no arguments for {self.name}")
        self._check(raw.keys())
        return {name: from_plain(value, self.parameters[name]) for name, value in raw.items()}

    def named(self, places: tuple[Any, ...], arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments as they were given to the method, all by name."""
        return {**dict(zip(self.parameters, places, strict=False)), **arguments}

    def _check(self, names: Iterable[str]) -> None:
        given = frozenset(names)
        if given - self.parameters.keys() or self.needed - given:
            raise WireError(f"wrong arguments for {self.name}")


def calls_of(prefix: str, port: type[Any]) -> dict[str, Call]:
    """Every asynchronous method of a port; what isn't asynchronous there is answered without a wire."""
    found = {}
    for name, method in vars(port).items():
        if not inspect.iscoroutinefunction(method):
            continue
        hints = get_type_hints(method)
        answer = hints.pop("return")
        needed = {
            each.name
            for each in inspect.signature(method).parameters.values()
            if each.default is inspect.Parameter.empty and each.name != "self"
        }
        full = f"{prefix}.{name}"
        timeout_s = _DISK_S if full in _WAITS_FOR_DISK else _ANSWER_S
        timeout_s = _SEAL_S if full == "recorder.seal" else timeout_s
        found[full] = Call(full, hints, frozenset(needed), answer, timeout_s)
    return found


ORDERS: Final = {
    **calls_of("rooms", RoomEngine),
    **calls_of("recorder", RecorderControl),
    **calls_of("node", NodeControl),
}
NEWS: Final = {
    **calls_of("room", RoomListener),
    **calls_of("seat", SeatListener),
    **calls_of("node", NodeNews),
}


def _schema_id() -> str:
    lines = []
    for call in (*ORDERS.values(), *NEWS.values()):
        said = ",".join(f"{name}:{described(hint)}" for name, hint in call.parameters.items())
        lines.append(f"{call.name}({said})->{described(call.answer)};{sorted(call.needed)}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


# Changes by itself with every method, field or word that is added: nobody has to remember a number.
SCHEMA_ID: Final = _schema_id()


def error_out(error: HearingError) -> dict[str, Any]:
    """An expected error as JSON."""
    return {
        "kind": type(error).__name__,
        "code": error.code,
        "zh": error.zh,
        "en": error.en,
        "retry_after_s": error.retry_after_s,
    }


def error_in(raw: Any) -> HearingError:
    """The error of an answer; anything unknown is Unavailable."""
    if not isinstance(raw, dict):
        raise WireError("no error")
    kind = _ERRORS.get(str(raw.get("kind")), errors.Unavailable)
    after_s = raw.get("retry_after_s")
    return kind(
        str(raw.get("code")),
        zh=str(raw.get("zh")),
        en=str(raw.get("en")),
        retry_after_s=float(after_s) if isinstance(after_s, int | float) else None,
    )


def media_restarting() -> HearingError:
    """The process that should answer is being started again."""
    return errors.Unavailable(
        "media.restarting",
        zh="媒体服务正在恢复，请稍后重试",
        en="The media service is coming back; try again in a moment",
        retry_after_s=1,
    )


class Teller:
    """A listener whose every method is news: it hands (call, arguments by name) to `post`, in order."""

    def __init__(self, prefix: str, post: Any) -> None:
        self._prefix = prefix
        self._post = post

    def __getattr__(self, name: str) -> Any:
        call = NEWS.get(f"{self._prefix}.{name}")
        if call is None:
            raise AttributeError(name)

        async def tell(*places: Any, **arguments: Any) -> None:
            self._post(call, call.named(places, arguments))

        return tell


async def answered(target: object, call: Call, raw: Any) -> dict[str, Any]:
    """Carry out an order on `target`: {"ok": …} or {"error": …}. WireError when it isn't an order of ours."""
    arguments = call.unpack(raw)
    method = getattr(target, call.name.partition(".")[2])
    try:
        return {"ok": to_plain(await method(**arguments), call.answer)}
    except HearingError as error:
        return {"error": error_out(error)}
