"""A seat whose person is on another network: both its links are led there by one request, before its socket is back.

Coming back by socket takes a ticket, the socket itself and the seat, one after the other: some nine round trips until
media flow. The keys of a link outlive an address, so the seat need not wait: the same signed-in session that took it
may restart its links at once, beside its socket. Nothing else can be said this way, and no seat be taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from hearing_server.errors import Conflict, HearingError
from hearing_server.kernel import Actor, HearingId
from hearing_server.ports.media import Offer, RoomEngine

# A room offers at once. Without an offer the answer tells of the way up alone; the socket brings the rest.
OFFER_S: Final = 1.5
NOT_ALLOWED: Final = "subscribe.not_allowed"  # a seat that only speaks


class MovedSeats:
    """Knows whose each seat is. One per process, used from the event loop."""

    def __init__(self, rooms: RoomEngine) -> None:
        self._rooms = rooms
        self._owners: dict[
            str, tuple[str, HearingId]
        ] = {}  # seat -> session, hearing; as long as the seat is known
        self._asked: dict[str, asyncio.Future[Offer]] = {}

    def taken(self, seat: str, actor: Actor, hearing_id: HearingId) -> None:
        """A session sat down."""
        self._owners[seat] = (actor.session_id, hearing_id)

    def ended(self, seat: str) -> None:
        """The seat was left, exchanged or taken away."""
        self._owners.pop(seat, None)
        asked = self._asked.pop(seat, None)
        if asked is not None:
            asked.cancel()

    def offered(self, offer: Offer) -> None:
        """What the room offers a seat, asked or not."""
        asked = self._asked.get(offer.seat)
        if asked is not None and not asked.done():
            asked.set_result(offer)

    async def lead(
        self, actor: Actor, hearing_id: HearingId, seat: str, *, sdp: str, sources: Mapping[str, str]
    ) -> tuple[str | None, Offer | None]:
        """(answer to the offer for the way up, the room's offer for the way down); None where there is none.

        Errors: Conflict `seat.none` for a seat of another session, hearing or time; the room's own.
        """
        self._require_own(actor, hearing_id, seat)
        answer = await self._rooms.publish(seat, sdp=sdp, sources=sources) if sdp else None
        return answer, await self._offer_for(seat)

    async def answer(self, actor: Actor, hearing_id: HearingId, seat: str, *, version: int, sdp: str) -> None:
        """The browser's answer to the offer of `lead`. Errors as there."""
        self._require_own(actor, hearing_id, seat)
        await self._rooms.answer(seat, version=version, sdp=sdp)

    async def _offer_for(self, seat: str) -> Offer | None:
        if seat in self._asked:
            return None  # asked twice at once: the first gets it
        asked: asyncio.Future[Offer] = asyncio.get_running_loop().create_future()
        self._asked[seat] = asked
        try:
            await self._rooms.restart_subscription(seat)
            with suppress(TimeoutError, asyncio.CancelledError):
                async with asyncio.timeout(OFFER_S):
                    return await asked
        except HearingError as error:
            if error.code != NOT_ALLOWED:
                raise
        finally:
            self._asked.pop(seat, None)
        return None

    def _require_own(self, actor: Actor, hearing_id: HearingId, seat: str) -> None:
        if self._owners.get(seat) != (actor.session_id, hearing_id):
            raise Conflict("seat.none", zh="您尚未进入法庭", en="You have no seat in the room")
