"""SMS: a simulator until a provider is configured. It sends nothing; the demo's outbox page shows what it was given."""

from __future__ import annotations

from hearing_server.ports.acts import SendResult


class SimulatedSms:
    """Accepts every message at once and says that it is simulated."""

    async def send(self, *, key: str, to: str, body: str) -> SendResult:
        del key, to, body
        return SendResult("accepted", "simulator", simulated=True)
