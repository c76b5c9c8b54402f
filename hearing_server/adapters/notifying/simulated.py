"""A channel without a provider: it sends nothing and says so; the demo's outbox page shows what it was given."""

from __future__ import annotations

from hearing_server.ports.notices import Letter, SendResult


class SimulatedChannel:
    """Accepts every message at once."""

    is_simulated = True

    async def send(self, letter: Letter) -> SendResult:
        del letter
        return SendResult("accepted", "simulator", simulated=True)
