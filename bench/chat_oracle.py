"""What must be true after any faults: each acked (lane, seq, hash) once, in order, with every member, nowhere else."""

from __future__ import annotations

from collections.abc import Iterable

from hearing_server.domain.case_space.lanes import GENESIS_HASH
from hearing_server.robots.chat.member import Acked, ChatMember, Kept


class ChatOracle:
    """Takes every ack as it comes; `problems` compares them with what the members hold at the end."""

    def __init__(self) -> None:
        self._acked: dict[str, dict[int, Acked]] = {}
        self._problems: list[str] = []

    @property
    def acks(self) -> int:
        return sum(len(lane) for lane in self._acked.values())

    def note(self, ack: Acked) -> None:
        known = self._acked.setdefault(ack.lane, {}).setdefault(ack.seq, ack)
        if known != ack:
            self._problems.append(f"{ack.lane} {ack.seq} was promised twice: {known} and {ack}")

    def is_whole(self, member: ChatMember) -> bool:
        """Whether the member has everything that was promised in its lanes; a look, not a proof."""
        return all(
            kept.last_seq >= max(self._acked.get(lane, {0: None})) for lane, kept in member.lanes.items()
        )

    def problems(self, members: Iterable[ChatMember]) -> list[str]:
        """Empty when all is well."""
        found = list(self._problems)
        truth: dict[str, tuple[Kept, ...]] = {}
        for member in members:
            found += [f"{member.name}: {fault}" for fault in member.faults]
            for lane, kept in member.lanes.items():
                found += [f"{member.name}: {why}" for why in self._lane(lane, kept.events)]
                known = truth.setdefault(lane, tuple(kept.events))
                if known != tuple(kept.events):
                    found.append(
                        f"{member.name} holds another {lane} than others ({kept.last_seq}, {len(known)})"
                    )
        return found

    def _lane(self, lane: str, events: list[Kept]) -> list[str]:
        found = []
        head = GENESIS_HASH.hex()
        seen: set[str] = set()
        for place, event in enumerate(events, 1):
            if event.seq != place or event.prev_hash != head:
                found.append(f"{lane} breaks at {place}")
                break
            head = event.hash
            if event.client_id is not None and event.client_id in seen:
                found.append(f"{lane} has {event.client_id} twice")
            seen.add(event.client_id or "")
        for seq, ack in self._acked.get(lane, {}).items():
            held = events[seq - 1] if seq <= len(events) else None
            if held is None:
                found.append(f"{lane} {seq} was acked and is lost")
            elif (held.hash, held.client_id) != (ack.hash, ack.client_id):
                found.append(f"{lane} {seq} isn't what was acked")
        return found
